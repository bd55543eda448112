"""Every notebook runs from top to bottom, and its pictures appear."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

# models are judged on halves: more folds take longer and draw the same pictures
FEW_FOLDS = "import rankers.validation\nrankers.validation.FOLDS = 2"
NOTEBOOKS = sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb"))


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """A folder for temporary files, in which the first notebook builds the corpus that all use."""
    return tmp_path_factory.mktemp("temporary")


def test_there_are_notebooks():
    assert NOTEBOOKS


# the kernel's event loop leaves sockets to the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_and_draws(path, temporary, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.delenv("GAMAC_META_CORPUS", raising=False)
    notebook = nbformat.read(path, as_version=4)
    stored = sum(_is_picture(output) for output in _outputs(notebook))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FEW_FOLDS))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    drawn = sum(_is_picture(output) for output in _outputs(notebook))
    assert drawn == stored > 0


def _outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def _is_picture(output):
    return "image/png" in output.get("data", {})

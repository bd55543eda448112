"""The files of the page."""

import re

from corpus.app.pages import STATIC

ADMIN = {"admin.css", "admin.js"}


def test_the_page_keeps_all_its_files_for_when_there_is_no_network():
    # the worker that serves them, and what only the administrator needs, are not among them
    kept = set(
        re.findall(r'"([a-z]+\.[a-z]+)"', (STATIC / "sw.js").read_text().split("const FILES = [")[1].split("]")[0])
    )
    assert kept == {path.name for path in STATIC.iterdir()} - ADMIN - {"sw.js"}


def test_modules_import_what_is_there():
    for path in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', path.read_text()):
            assert (STATIC / name).is_file(), f"{path.name} imports {name}"

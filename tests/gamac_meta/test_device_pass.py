"""The pass on a device: formulas on strict arrays, twins and sources of kernels on the CPU, CuPy where it answers."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import array_api_strict as strict
import cuda_in_c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from strategies import clusterings

from gamac_meta import backend, concordance, device_pass, device_steps
from gamac_meta._device_kernels import KERNELS, PRELUDE
from gamac_meta.backend import GPU_POINTS, Device, cupy_device, device_for, gpu_status
from gamac_meta.device_pass import DevicePass, pass_over_pairs
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError
from gamac_meta.measures import MEASURES, MeasureEngine, evaluate
from gamac_meta.pair_pass import PairPass
from gamac_meta.pairwise import PartitionView

few = settings(max_examples=15, deadline=None)


def strict_device():
    """Arrays that no NumPy function accepts."""
    place, host = strict.Device("device1"), strict.Device("CPU_DEVICE")
    return Device(strict, lambda array: np.asarray(array.to_device(host)).copy(), {"device": place})


def twin(kernel, grid, block, arguments):
    kernel.twin(grid, block, *arguments)


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """Launcher of the kernels' sources, compiled for the CPU."""
    if cuda_in_c.COMPILER is None:
        pytest.skip("there is no C++ compiler")
    return cuda_in_c.compiled(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(
    scope="session", params=["formulas", "twins", "sources", "backwards", pytest.param("cuda", marks=pytest.mark.cuda)]
)
def device(request):
    """Every way in which the pass can run."""
    if request.param == "formulas":
        return strict_device()
    if request.param == "twins":
        return Device(np, np.asarray, launch=twin)
    if request.param == "cuda":
        available, why = gpu_status()
        return cupy_device() if available else pytest.skip(why)
    launch = request.getfixturevalue("sources")
    if request.param == "sources":
        return Device(np, np.asarray, launch=launch)
    return Device(np, np.asarray, launch=lambda *told: launch(*told, reverse=True))


@st.composite
def partitioned(draw):
    """(X, labels (p, n)) in few or many dimensions, near the origin or far, with duplicates, noise, single points."""
    X, labels = draw(clusterings(distinct=False, noise=draw(st.booleans(), label="noise")))
    rng = np.random.default_rng(draw(st.integers(0, 99), label="partitions"))
    d = draw(st.sampled_from([X.shape[1], 1, 7, 32]), label="d")
    X = X @ rng.normal(size=(X.shape[1], d)) + draw(st.sampled_from([0.0, 1000.0]), label="offset")
    other = rng.integers(-1, 4, size=len(X))
    alone = np.where(rng.random(len(X)) < 0.5, -1, 0)
    return X, np.stack([labels, np.unique(other, return_inverse=True)[1] - (other.min() < 0), alone, 0 * alone - 1])


def off_diagonal(corners, n_clusters, table):
    """Cells of pairs of different clusters."""
    blocks = [table[c : c + k * k].reshape(k, k) for c, k in zip(corners, n_clusters, strict=False)]
    return np.concatenate([block[~np.eye(len(block), dtype=bool)] for block in blocks])


def outsider_means(distances, labels, first=0):
    """(p, points) by sorting rows of distances of the points first, first + 1, ... to all."""
    out = np.full((len(labels), len(distances)), np.nan)
    for q, row in enumerate(labels):
        for point, own in enumerate(row[first : first + len(distances)]):
            nearest = np.sort(distances[point, (row >= 0) & (row != own)])[: np.count_nonzero(row == own)]
            if own >= 0 and nearest.size:
                out[q, point] = nearest.mean()
    return out


def assert_same(made, expected):
    """Equality of all that two passes make, counts to the last digit."""

    def close(values):
        return pytest.approx(values, rel=1e-9, abs=0.0, nan_ok=True)

    assert made.sums.own_mean == close(expected.sums.own_mean)
    assert made.sums.other_mean == close(expected.sums.other_mean)
    assert made.sums.pair_sums == close(expected.sums.pair_sums)
    assert made.extremes.own_farthest == close(expected.extremes.own_farthest)
    assert made.extremes.pair_maxima == close(expected.extremes.pair_maxima)
    assert made.extremes.cover == close(expected.extremes.cover)
    minima = [off_diagonal(made.corners, made.n_clusters, one.extremes.pair_minima) for one in (made, expected)]
    assert minima[0] == close(minima[1])
    # not those of the CPU, which finds them another way: by their definition
    assert made.outsider_means == close(outsider_means(cdist(made.X, made.X), made.labels))
    assert made.concordance == expected.concordance
    for mine, other in zip(made.extreme_sums, expected.extreme_sums, strict=True):
        assert (mine.smallest, mine.largest) == (other.smallest, other.largest)


# ---- the pass as a whole --------------------------------------------------------------------------


@few
@given(data=partitioned(), side=st.sampled_from([13, 30, 200]), binned=st.booleans())
def test_is_the_pass_of_the_cpu(device, data, side, binned):
    X, labels = data
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 4 if binned else 4096)
        assert_same(DevicePass(X, labels, device, tile_bytes=16 * side * side), PairPass(X, labels))


def test_many_pairs_of_blocks_and_panels(device, monkeypatch):
    # more points than a block has threads, and than a thread and a panel take
    monkeypatch.setattr(device_steps, "PANEL_ROWS", 70)
    monkeypatch.setattr(device_steps, "ROWS_A_THREAD", 17)
    monkeypatch.setattr(device_steps, "OTHERS_A_THREAD", 60)
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 100)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(290, 3))
    labels = np.stack([rng.integers(0, 4, 290), rng.integers(-1, 2, 290), np.arange(290) // 37])
    assert_same(DevicePass(X, labels, device), PairPass(X, labels))


@few
@given(seed=st.integers(0, 99), d=st.sampled_from([1, 2, 16]), gap=st.sampled_from([1e-3, 1e-6, 1e-9]))
def test_close_pairs_keep_their_digits(seed, d, gap):
    # one product of matrices gives the distance of such pairs no digit at all
    device = strict_device()
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, d))
    X = np.concatenate([X, X + gap * rng.normal(size=(12, d))]) + 1000.0
    labels = np.stack([np.arange(24) % 12, np.arange(24) // 12])
    expected = np.linalg.norm(X[:12] - X[12:], axis=1)
    made = DevicePass(X, labels, device)
    assert made.sums.own_mean[0, :12] == pytest.approx(expected, rel=1e-9, abs=0.0)
    assert made.extremes.pair_minima[-3] == pytest.approx(cdist(X[:12], X[12:]).min(), rel=1e-9, abs=0.0)


@pytest.mark.parametrize("d", [2, 32, 300])
def test_only_close_pairs_are_made_again(monkeypatch, d):
    # else the matrix product would be for nothing
    made_again = []
    squares = device_steps._squares
    monkeypatch.setattr(device_steps, "_squares", lambda a, b: made_again.append(squares(a, b)) or 0.0 * made_again[-1])
    X = np.random.default_rng(0).normal(size=(200, d))
    tile = DevicePass(X, np.zeros((1, 200), dtype=int), Device(np, np.asarray))._tile(slice(0, 200), slice(0, 200))
    replaced = (tile == 0.0).mean()
    assert 1 / 200 <= replaced < 0.01


def test_nothing_but_noise(device):
    made = DevicePass(np.random.default_rng(0).normal(size=(12, 2)), np.full((2, 12), -1), device)
    assert np.isnan(made.sums.own_mean).all()
    assert np.isnan(made.extremes.own_farthest).all()
    assert np.isnan(made.outsider_means).all()
    assert made.sums.pair_sums.size == made.extremes.cover.size == 0


def test_tiles_keep_to_their_budget():
    for doubles in (100, 10**4, 10**8):
        for clusters in (0, 3, 150, 10**5):
            side = device_pass._side(doubles, clusters)
            assert side == 1 or 2 * side * side + 5 * side * clusters <= doubles
            more = side + 1
            assert 2 * more * more + 5 * more * clusters > doubles or side == device_pass.LONGEST_SIDE


def test_a_walk_makes_the_extremes_only_when_they_are_wanted(monkeypatch):
    walks = []
    folded = DevicePass._folded
    monkeypatch.setattr(DevicePass, "_folded", lambda self, wanted: walks.append(wanted) or folded(self, wanted))
    X, labels = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20)[None, :] % 3
    both = DevicePass(X, labels, strict_device())
    assert both.extremes is not None
    assert both.sums is not None
    assert walks == [{"extremes"}]
    one = DevicePass(X, labels, strict_device(), together=())
    assert one.sums is not None
    assert walks == [{"extremes"}, {"sums"}]


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_measures_have_the_values_of_the_cpu(device, name):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(3), 15)
    X = rng.normal(size=(45, 2)) + 4.0 * np.eye(3, 2)[labels]
    labels = np.where(rng.random(45) < 0.1, -1, labels).astype(np.int32)
    X = X - X.mean(axis=0)
    view = PartitionView(X, labels, pairs=DevicePass(X, labels[None, :], device))
    assert MEASURES[name](view) == pytest.approx(MEASURES[name](PartitionView(X, labels)), rel=1e-9, abs=1e-11)


# ---- kernels --------------------------------------------------------------------------------------


def grids(rng, n=45, d=3, k=4, p=3):
    """Points on a coarse grid, so that distances tie, and labels with noise."""
    labels = rng.integers(-1, k, size=(p, n)).astype(np.int32)
    labels[:, :k] = np.arange(k)
    return rng.integers(0, 4, size=(n, d)).astype(np.float64), labels


@few
@given(seed=st.integers(0, 999), threads=st.sampled_from([1, 2, 32, 128]))
def test_outsiders_are_selected_whatever_the_block(sources, seed, threads):
    kernel = next(kernel for kernel in KERNELS if kernel.name == "outsider_means")
    X, labels = grids(np.random.default_rng(seed))
    tile = cdist(X[5:25], X)
    counts = [np.bincount(row[row >= 0]) for row in labels]
    sizes = np.concatenate(counts)
    offsets = np.cumsum([0] + [len(row) for row in counts])[:-1]
    clustered = np.count_nonzero(labels >= 0, axis=1)
    results = []
    for launch in (twin, sources):
        out = np.full((3, 20), np.nan)
        whole = [np.int64(value) for value in (5, 45, 20)]
        launch(kernel, (20, 3), (threads,), (tile, labels, clustered, sizes, offsets, *whole, out))
        results.append(out)
    assert results[0] == pytest.approx(outsider_means(tile, labels, 5), nan_ok=True)
    assert np.array_equal(*results, equal_nan=True), "source and twin add up in the same order"


@few
@given(seed=st.integers(0, 999), threads=st.sampled_from([1, 7, 128]), share=st.sampled_from([1, 5, 100]))
def test_extremes_are_folded_whatever_the_block(sources, seed, threads, share):
    kernel = next(kernel for kernel in KERNELS if kernel.name == "tile_extremes")
    rng = np.random.default_rng(seed)
    others, points, atoms = 33, 19, 6
    tile = rng.integers(1, 50, size=(others, points)).astype(np.float64)
    atom_of = np.sort(rng.integers(0, atoms, others)).astype(np.int32)
    labels = rng.integers(-1, 3, size=(2, atoms)).astype(np.int32)
    for launch in (twin, sources):
        minima, maxima = np.full((6, points), 20.0), np.full((6, points), 30.0)
        whole = [np.int64(value) for value in (others, points, atoms, 2, share)]
        grid = -(-points // threads), -(-others // share)
        launch(kernel, grid, (threads,), (tile, atom_of, labels, np.array([0, 3]), *whole, minima, maxima))
        for q in range(2):
            for c in range(3):
                members = tile[labels[q, atom_of] == c]
                assert np.array_equal(minima[3 * q + c], members.min(axis=0, initial=20.0))
                assert np.array_equal(maxima[3 * q + c], members.max(axis=0, initial=30.0))


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="there is no CUDA compiler")
@pytest.mark.parametrize("architecture", ["sm_75", "sm_90"])
def test_sources_compile_for_a_device(tmp_path, architecture):
    source = tmp_path / "kernels.cu"
    source.write_text(PRELUDE + "".join(kernel.body for kernel in KERNELS))
    told = ["nvcc", "-cubin", f"-arch={architecture}", "--fmad=false", "-Werror", "all-warnings", str(source)]
    subprocess.run([*told, "-o", str(tmp_path / "kernels.cubin")], check=True)


# ---- the choice of a device -----------------------------------------------------------------------


@pytest.fixture
def answering(monkeypatch):
    """A device that answers."""
    there = strict_device()
    monkeypatch.setattr(backend, "gpu_status", lambda: (True, "1 device(s)"))
    monkeypatch.setattr(backend, "cupy_device", lambda: there)
    return there


def test_a_device_is_taken_when_named_and_when_it_pays(answering):
    assert device_for("cupy", 10) is answering
    assert device_for("auto", GPU_POINTS) is answering
    assert device_for("auto", GPU_POINTS - 1) is None
    assert device_for("numpy", GPU_POINTS) is None


def test_the_pass_goes_where_the_backend_says(answering):
    X, labels = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20)[None, :] % 3
    on_device = pass_over_pairs(X, labels, "cupy")
    assert isinstance(on_device, DevicePass)
    assert on_device.device is answering
    on_cpu = pass_over_pairs(X, labels, "auto", threads=1, tile_rows=5, together=())
    assert type(on_cpu) is PairPass
    assert_same(on_device, on_cpu)


def test_tables_are_made_on_the_device_asked_for(answering, monkeypatch):
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(60, 3)), rng.integers(-1, 3, (2, 60))
    made = []
    monkeypatch.setattr(
        DevicePass, "_folded", lambda self, *given, own=DevicePass._folded: made.append(1) or own(self, *given)
    )
    on_device, on_cpu = (evaluate(X, labels, backend=name) for name in ("cupy", "numpy"))
    assert made
    assert on_device.values == pytest.approx(on_cpu.values, rel=1e-9, abs=1e-12, nan_ok=True)
    assert MeasureEngine(X, backend="cupy").score(labels[0], "silhouette") == pytest.approx(
        on_cpu.select(["silhouette"]).values[0, 0]
    )


def test_no_device_is_a_reason_and_never_silently_the_cpu(monkeypatch):
    monkeypatch.setattr(backend, "gpu_status", lambda: (False, "cupy is installed but finds no device"))
    with pytest.raises(BackendUnavailableError, match="backend='cupy' is not available: cupy is installed but finds"):
        device_for("cupy", 10)
    assert device_for("auto", GPU_POINTS) is None
    with pytest.raises(InvalidInputError, match="got 'gpu'"):
        device_for("gpu", 10)


CUPY = """
class CUDARuntimeError(RuntimeError):
    pass

class runtime:
    CUDARuntimeError = CUDARuntimeError

    @staticmethod
    def getDeviceCount():
        {answer}

class cuda:
    runtime = runtime
"""


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (CUPY.format(answer="return 2"), (True, "2 device(s)")),
        (CUPY.format(answer="return 0"), (False, "cupy is installed but finds no device")),
        (
            CUPY.format(answer="raise CUDARuntimeError('no driver')"),
            (False, "cupy is installed but no device answers: no driver"),
        ),
        ("raise ImportError('libcuda.so.1')", (False, "cupy is installed but cannot be loaded: libcuda.so.1")),
    ],
)
def test_the_import_is_never_trusted(tmp_path, monkeypatch, text, status):
    (tmp_path / "cupy.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    try:
        assert gpu_status() == status
    finally:
        sys.modules.pop("cupy", None)  # by hand, as monkeypatch would put it back


# ---- the benchmark --------------------------------------------------------------------------------


@pytest.fixture
def benchmark(monkeypatch):
    """benchmarks/gpu.py as a module."""
    folder = Path(__file__).parents[2] / "benchmarks"
    monkeypatch.syspath_prepend(folder)
    spec = importlib.util.spec_from_file_location("gpu_benchmark", folder / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("measures", None)


def test_the_benchmark_says_that_there_is_no_device(benchmark, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "gpu_status", lambda: (False, "no device answers"))
    assert benchmark.main([]) == 1
    assert capsys.readouterr().err == "nothing was measured: no device answers\n"


@pytest.mark.parametrize("checked", [10, 100])
def test_the_benchmark_compares_and_notices(benchmark, monkeypatch, capsys, checked):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(benchmark, "make", lambda _: (rng.normal(size=(60, 2)), rng.integers(-1, 3, size=(2, 60))))
    monkeypatch.setattr(benchmark, "CHECKED", checked)
    there = Device(np, np.asarray, launch=twin)
    assert benchmark.run("60x2", there)
    assert f"{4 if checked < 60 else len(MEASURES)} compared" in capsys.readouterr().out
    folded = DevicePass._fold_sums
    monkeypatch.setattr(DevicePass, "_fold_sums", lambda *told: tuple(1.00001 * means for means in folded(*told)))
    assert not benchmark.run("60x2", there)


def test_clusterers_that_disagree_are_reported(benchmark, monkeypatch, capsys):
    """Without cuML: the CPU's own stand in for it, one of them spoiled."""
    from gamac_meta.clusterers import Clusterer

    monkeypatch.setattr(Clusterer, "make_on_device", Clusterer.make)
    monkeypatch.setattr(benchmark, "PARITY", {"kmeans": {"n_clusters": 5}, "dbscan": {"eps": 0.5, "min_samples": 5}})
    assert benchmark.compare_clusterers(300)
    assert capsys.readouterr().out.count("1.000 alike") == 2
    monkeypatch.setattr(Clusterer, "make_on_device", lambda self, seed, **_: self.make(seed, n_clusters=2))
    monkeypatch.setattr(benchmark, "PARITY", {"kmeans": {"n_clusters": 5}})
    assert not benchmark.compare_clusterers(300)

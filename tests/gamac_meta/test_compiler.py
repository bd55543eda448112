"""What kernels run in: interrupts come out of it wherever they arrive, matrix products keep to one thread."""

import os
import signal
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

from gamac_meta import evaluate
from gamac_meta._kernels import compiler
from gamac_meta._kernels.compiler import interruptible, one_product_thread
from gamac_meta.measures import _evaluate


class Interrupted:
    """Its end is interrupted."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def in_a_finalizer():
    Interrupted()


def in_a_callback():
    class Referred:
        pass

    referred = Referred()
    reference = weakref.ref(referred, lambda _: signal.raise_signal(signal.SIGINT))
    del referred
    assert reference() is None


def as_another_error():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        threading.Lock().release()


def as_itself():
    signal.raise_signal(signal.SIGINT)


WAYS = [in_a_finalizer, in_a_callback, as_another_error, as_itself]


# the planted losses are reported, as Python does
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("arrive", WAYS)
def test_an_interrupt_comes_out_wherever_it_arrives(monkeypatch, arrive):
    policy = _evaluate.apply_noise_policy

    def interrupted(*given):
        arrive()
        return policy(*given)

    monkeypatch.setattr(_evaluate, "apply_noise_policy", interrupted)
    X, labels = np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2
    with pytest.raises(KeyboardInterrupt):
        evaluate(X, labels, ["silhouette"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_ones_own_decides():
    heard = []
    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with interruptible():
            signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_errors_and_other_threads_are_left_alone():
    with pytest.raises(ValueError, match="mine"), interruptible():
        raise ValueError("mine")
    left = []

    def work():
        with interruptible():
            left.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert left == [signal.default_int_handler]


LOADED_LATER = """
from threadpoolctl import threadpool_info
from gamac_meta._kernels import compiler
from gamac_meta._kernels.compiler import one_product_thread

def threads():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

with one_product_thread():
    first = threads()
import scipy.linalg
before = threads()
assert len(before) > len(first), "SciPy brings a library of its own"
with one_product_thread():
    assert set(threads().values()) == {1}, threads()
assert threads() == before
"""


def test_a_library_loaded_later_keeps_to_one_thread_too():
    told = [sys.executable, "-c", LOADED_LATER]
    subprocess.run(told, check=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "2"})


def test_libraries_are_not_looked_up_at_every_call(monkeypatch):
    looks = []

    class Counted(compiler.ThreadpoolController):
        def __init__(self):
            looks.append(1)
            super().__init__()

    monkeypatch.setattr(compiler, "ThreadpoolController", Counted)
    compiler._product_libraries.cache_clear()
    for _ in range(3):
        with one_product_thread():
            pass
    before = len(looks)
    assert before <= 2, "the first look may import what it needs"
    monkeypatch.setitem(sys.modules, "brought", sys)
    with one_product_thread():
        pass
    assert len(looks) == before + 1
    compiler._product_libraries.cache_clear()


FROM_SCRATCH = """
import numpy as np
from sklearn.datasets import make_blobs
from gamac_meta.measures import evaluate

X = make_blobs(400, centers=6, cluster_std=2.0, random_state=0)[0]
labels = np.random.default_rng(0).integers(-1, 5, size=(3, 400))
labels[0] = (X[:, 0] > 0) + 2 * (X[:, 1] > 0)
labels[1] = labels[0] // 2
labels[2] = np.abs(X[:, 0]) > 5
print(evaluate(X, labels).values.tobytes().hex())
"""


def test_values_are_the_same_whether_code_was_compiled_or_kept(tmp_path):
    # the compiler may make several copies of a helper, and a sum whose order it chose is another in each
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    made, kept = (
        subprocess.run(
            [sys.executable, "-c", FROM_SCRATCH], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert made
    assert made == kept

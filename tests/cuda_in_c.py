"""CUDA kernels compiled as C++ and run on the CPU, where there is a compiler but no device.

The threads of a block are coroutines that take turns at __syncthreads(); blocks run one after another.
Atomics are then plain functions. `reverse` runs blocks and threads backwards: results may not differ.
"""

import ctypes
import shutil
import subprocess

import numpy as np

from gamac_meta._device_kernels import KERNELS, PRELUDE

COMPILER = shutil.which("g++") or shutil.which("c++")

SHIM = r"""
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>
#include <ucontext.h>
using std::sqrt;

#define __global__
#define __device__ static
#define __shared__ static
struct Index { unsigned x, y, z; };
static Index gridDim, blockDim, blockIdx, threadIdx;

static long long __double_as_longlong(double v) { long long p; memcpy(&p, &v, 8); return p; }
static double __longlong_as_double(long long p) { double v; memcpy(&v, &p, 8); return v; }
template <class T> static T atomicMin(T* cell, T value) { T old = *cell; if (value < old) *cell = value; return old; }
template <class T> static T atomicMax(T* cell, T value) { T old = *cell; if (value > old) *cell = value; return old; }
template <class T> static T atomicAdd(T* cell, T value) { T old = *cell; *cell += value; return old; }

static ucontext_t scheduler, contexts[1024];
static bool finished[1024];
static std::vector<char> stacks(1024 * 65536);
static int running;
static void (*body)(void*);
static void* told;

static void __syncthreads() { swapcontext(&contexts[running], &scheduler); }
static void enter() { body(told); finished[running] = true; }

static void run_block(bool reverse) {
    int threads = blockDim.x;
    for (int t = 0; t < threads; t++) {
        finished[t] = false;
        getcontext(&contexts[t]);
        contexts[t].uc_stack.ss_sp = &stacks[t * 65536];
        contexts[t].uc_stack.ss_size = 65536;
        contexts[t].uc_link = &scheduler;
        makecontext(&contexts[t], enter, 0);
    }
    for (bool alive = true; alive;) {
        alive = false;
        for (int step = 0; step < threads; step++) {
            running = reverse ? threads - 1 - step : step;
            if (finished[running]) continue;
            threadIdx = {(unsigned)running, 0, 0};
            swapcontext(&scheduler, &contexts[running]);
            alive = alive || !finished[running];
        }
    }
}

template <class... A> struct Call { void (*kernel)(A...); void** arguments; };

template <class... A, size_t... I> static void apply(Call<A...>* call, std::index_sequence<I...>) {
    call->kernel(*static_cast<A*>(call->arguments[I])...);
}

template <class... A>
static int launch(void (*kernel)(A...), unsigned x, unsigned y, unsigned threads, bool reverse, void** arguments) {
    Call<A...> call = {kernel, arguments};
    told = &call;
    body = [](void* it) { apply(static_cast<Call<A...>*>(it), std::index_sequence_for<A...>()); };
    gridDim = {x, y, 1};
    blockDim = {threads, 1, 1};
    for (unsigned long step = 0; step < (unsigned long)x * y; step++) {
        unsigned long block = reverse ? (unsigned long)x * y - 1 - step : step;
        blockIdx = {(unsigned)(block % x), (unsigned)(block / x), 0};
        run_block(reverse);
    }
    return sizeof...(A);
}
"""

ENTRY = r"""
extern "C" int launch_%(name)s(unsigned x, unsigned y, unsigned threads, bool reverse, void** arguments) {
    return launch(%(name)s, x, y, threads, reverse, arguments);
}
"""


def compiled(folder):
    """Launcher of all kernels, to be given to a Device; called with reverse=True it runs them backwards."""
    source = folder / "kernels.cpp"
    source.write_text(SHIM + PRELUDE + "".join(kernel.body + ENTRY % {"name": kernel.name} for kernel in KERNELS))
    library = folder / "kernels.so"
    options = ["-std=c++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-shared", "-fPIC"]
    subprocess.run([COMPILER, *options, str(source), "-o", str(library)], check=True)
    functions = ctypes.CDLL(str(library))

    def launch(kernel, grid, block, arguments, reverse=False):
        function = getattr(functions, f"launch_{kernel.name}")
        cells = [_cell(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * len(cells))(*[ctypes.addressof(cell) for cell in cells])
        taken = function(*grid, *block, ctypes.c_bool(reverse), pointers)
        assert taken == len(arguments), "as many arguments as the kernel declares"

    return launch


def _cell(argument):
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(argument.ctypes.data)
    return ctypes.c_double(argument) if isinstance(argument, np.float64) else ctypes.c_longlong(argument)

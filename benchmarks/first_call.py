"""CPU-seconds of a command on a new machine, where kernels are compiled first, and of the same again.

    python benchmarks/first_call.py

Each command runs with an empty folder for machine code, then with what the first run left there.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
PENGUINS, SPECIES = str(EXAMPLES / "penguins.csv"), str(EXAMPLES / "penguins-species.csv")
COMMANDS = (
    ("recommend", PENGUINS, "--scale", "standard"),
    ("evaluate", PENGUINS, "--labels", SPECIES, "--scale", "standard"),
)


def cpu_seconds(command: tuple[str, ...], cache: str) -> float:
    """CPU-seconds of gamac-meta COMMAND, all threads and the interpreter's start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    called = [sys.executable, "-c", "import sys; from gamac_meta.cli import main; sys.exit(main())", *command]
    subprocess.run(called, env=os.environ | {"NUMBA_CACHE_DIR": cache}, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    print(f"{'command':12s} {'first':>8s} {'again':>8s} {'compiling':>10s}   CPU-seconds")
    for command in COMMANDS:
        with tempfile.TemporaryDirectory() as cache:
            first, again = cpu_seconds(command, cache), cpu_seconds(command, cache)
        print(f"{command[0]:12s} {first:8.1f} {again:8.1f} {first - again:10.1f}")


if __name__ == "__main__":
    main()

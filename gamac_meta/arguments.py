"""Parts of command lines: a parser whose errors are one line, and types of options that say what they want."""

from __future__ import annotations

import argparse
import math
from typing import Any, NoReturn

PROGRAM = "gamac-meta"


class Parser(argparse.ArgumentParser):
    """Errors in one line, like every other error of this program."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{PROGRAM}: error: {message} (see {self.prog} --help)\n")


def add_command(commands: Any, name: str, run: Any, what: str) -> argparse.ArgumentParser:
    """A command under commands: run is called with its arguments, what says what it does."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    parser.set_defaults(run=run)
    return parser


def names(text: str) -> list[str]:
    """Names separated by commas."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"must be names separated by commas, got {text!r}")
    return found


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return at_least(text, 1)


def jobs(text: str) -> int:
    """Processes: a whole number of at least 1, or -1 for all cores."""
    return -1 if text == "-1" else at_least(text, 1)


def natural(text: str) -> int:
    """A whole number of at least 0."""
    return at_least(text, 0)


def seconds(text: str) -> float | None:
    """Seconds, or None for `none`."""
    if text == "none":
        return None
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be seconds, more than 0, or none, got {text!r}")
    return found


def weight(text: str) -> float:
    """A finite number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return found


def at_least(text: str, least: int) -> int:
    """A whole number of at least `least`."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"must be a whole number >= {least}, got {text!r}")
    return int(text)

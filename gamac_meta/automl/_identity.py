"""What a function is, in a line that another process finds again: its name and a digest of what it does."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from hashlib import blake2b
from types import CodeType, FunctionType
from typing import Any

from gamac_meta.exceptions import InvalidInputError


def identity(function: Callable[..., Any]) -> str:
    """Name and digest of a function, of its code, its defaults and what it closes over; the globals that it reads are
    not looked at. Equal in every process of one version of Python.

    Raises InvalidInputError where it holds what cannot be written down.
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    try:
        parts = _parts(function)
        return f"{name} {blake2b(repr(parts).encode(), digest_size=8).hexdigest()}"
    except Exception as error:
        raise InvalidInputError(
            f"with a journal, a function that is the measure must hold what can be written down, got {name}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _parts(what: Any) -> Any:
    """Nested tuples of text that two things share only if they are alike."""
    if isinstance(what, functools.partial):
        return "partial", _parts(what.func), _parts(what.args), _parts(what.keywords)
    if inspect.ismethod(what):
        return "method", _parts(what.__func__), _parts(what.__self__)
    if isinstance(what, FunctionType):
        closed = tuple(cell.cell_contents for cell in what.__closure__ or ())
        return "function", _parts(what.__code__), _parts(what.__defaults__), _parts(what.__kwdefaults__), _parts(closed)
    if isinstance(what, CodeType):
        # without the file and its lines, which may move
        return "code", what.co_code.hex(), what.co_names, what.co_varnames, _parts(what.co_consts)
    if isinstance(what, tuple | list):
        return type(what).__name__, tuple(_parts(each) for each in what)
    if isinstance(what, frozenset | set):
        # their order is another one in each process
        return "set", tuple(sorted(repr(_parts(each)) for each in what))
    if isinstance(what, dict):
        return "dict", tuple((_parts(key), _parts(value)) for key, value in what.items())
    if what is None or what is Ellipsis or isinstance(what, bool | int | float | complex | str | bytes):
        return type(what).__name__, repr(what)
    return _of_object(what)


def _of_object(what: Any) -> Any:
    if inspect.isclass(what) or inspect.isbuiltin(what) or inspect.ismodule(what):
        return "name", getattr(what, "__module__", ""), getattr(what, "__qualname__", what.__name__)
    called = inspect.getattr_static(type(what), "__call__", None)
    if isinstance(called, FunctionType):
        return "callable", type(what).__qualname__, _parts(called), _parts(vars(what))
    from joblib import hash as digest

    # by content: arrays, and whatever pickles
    return "object", type(what).__qualname__, digest(what)

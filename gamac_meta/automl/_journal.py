"""A search on disk, line by line, so that one that was killed goes on where it was.

The first line says of what search the file is; each further line is a record, whole or not there. Plain JSON:
nothing that is read can run.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gamac_meta.exceptions import InvalidInputError, StorageFullError
from gamac_meta.types import Labels

FORMAT = 1
DTYPES = {"int16": "<i2", "int32": "<i4"}

Record = tuple[dict[str, Any], Labels | None]


class Journal:
    """Records of one search, in the order of writing; a context manager. Made by Journal.open."""

    def __init__(self, path: Path, descriptor: int, n: int) -> None:
        self.path = path
        self.records: list[Record] = []  # those found when it was opened
        self._descriptor = descriptor
        self._n = n

    @classmethod
    def open(cls, path: str | Path, header: Mapping[str, Any]) -> Self:
        """Create the file, or read what is there and go on behind it; a line torn by a kill is dropped.

        header: JSON values that say what search this is (fingerprint of X, settings), among them n, the points.

        Raises InvalidInputError where the file is of another search, damaged, in use by another process, or cannot be
        opened.
        """
        n = header.get("n")
        if not isinstance(n, int) or n < 1:
            raise InvalidInputError(f"a journal's header must hold n, the number of points, got {n!r}")
        path = Path(path)
        first = _line({"format": FORMAT, "what": dict(header)}, "a journal's header")
        try:
            is_new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise InvalidInputError(f"{path} cannot be opened: {error.strerror}") from None
        journal = cls(path, descriptor, n)
        try:
            journal._take(first, is_new)
        except BaseException:
            journal.close()
            raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def append(self, record: Mapping[str, Any], labels: npt.ArrayLike | None = None) -> None:
        """Write a record of JSON values, with (n,) integer labels if it has some; it is on the disk on return.

        NaN and infinities are written as Python's json does.

        Raises InvalidInputError for what JSON cannot hold and for labels of another kind, StorageFullError where the
        disk has no room; the journal then is as it was.
        """
        entry: dict[str, Any] = {"record": dict(record)}
        if labels is not None:
            entry["labels"] = self._packed(np.asarray(labels))
        self._write(_line(entry, "a record"))

    def close(self) -> None:
        """Let go of the file; others may open it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self, first: bytes, is_new: bool) -> None:
        """Lock the file, check its header, read its records, and drop a torn end."""
        import fcntl  # Linux and macOS alone have it

        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise InvalidInputError(f"a journal must be a regular file, got {self.path}")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidInputError(
                f"a journal must have one writer, got {self.path}, which another one holds"
            ) from None
        except OSError as error:
            raise InvalidInputError(f"{self.path} cannot be locked: {error.strerror}") from None
        whole = 0  # bytes
        with open(self._descriptor, "rb", closefd=False) as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    if number == 1:
                        self._require_same(line, first)
                    else:
                        self.records.append(self._unpacked(line))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
                    if isinstance(error, InvalidInputError):
                        raise
                    what = "is damaged" if number > 1 else "is not a journal's header"
                    raise InvalidInputError(f"line {number} of {self.path} {what}: {_in_a_line(error)}") from None
                whole += len(line)
            if whole == 0:
                file.seek(0)
                # torn in its first line; a stranger's file is not cut
                if not first.startswith(file.read(len(first) + 1)):
                    raise InvalidInputError(f"line 1 of {self.path} is not a journal's header: it has no end")
        os.ftruncate(self._descriptor, whole)
        if whole == 0:
            self._write(first)
        if is_new:
            folder = os.open(self.path.resolve().parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _require_same(self, line: bytes, first: bytes) -> None:
        found = json.loads(line)
        if found["format"] != FORMAT:
            raise InvalidInputError(f"a journal must have format {FORMAT}, got {found['format']!r} in {self.path}")
        there, here = dict(found["what"]), json.loads(first)["what"]
        differ = [
            f"{name} ({_shown(there, name)} there, {_shown(here, name)} here)"
            for name in sorted({*there, *here})
            # as text, since NaN differs from itself
            if _shown(there, name, None) != _shown(here, name, None)
        ]
        if differ:
            raise InvalidInputError(
                f"{self.path} must be the journal of the same search, got another {'; '.join(differ)}"
            )

    def _write(self, line: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, before)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFullError(f"no room on the disk to write {self.path}; nothing was changed") from None
            raise InvalidInputError(f"{self.path} cannot be written: {error.strerror}") from None

    def _packed(self, labels: npt.NDArray[Any]) -> dict[str, Any]:
        if labels.dtype.kind not in "iu" or labels.shape != (self._n,):
            raise InvalidInputError(
                f"labels must be integers of shape ({self._n},), got {labels.dtype} of shape {labels.shape}"
            )
        least, most = int(labels.min()), int(labels.max())
        for name, dtype in DTYPES.items():
            if np.iinfo(dtype).min <= least and most <= np.iinfo(dtype).max:
                data = base64.b64encode(zlib.compress(labels.astype(dtype).tobytes())).decode()
                return {"dtype": name, "shape": [self._n], "data": data}
        raise InvalidInputError(f"labels must fit into 32 bits, got {least} to {most}")

    def _unpacked(self, line: bytes) -> Record:
        entry = json.loads(line)
        record, packed = entry["record"], entry.get("labels")
        if not isinstance(record, dict):
            raise ValueError(f"a record must be an object, got {type(record).__name__}")
        if packed is None:
            return record, None
        if packed["shape"] != [self._n]:
            raise ValueError(f"labels must have shape [{self._n}], got {packed['shape']}")
        dtype = np.dtype(DTYPES[packed["dtype"]])
        size = self._n * dtype.itemsize
        stream = zlib.decompressobj()
        # one byte more than there should be, never what a bomb would give
        content = stream.decompress(base64.b64decode(packed["data"], validate=True), size + 1)
        if len(content) != size or not stream.eof or stream.unused_data:
            raise ValueError(f"labels must have {size} bytes, got {'more' if len(content) > size else 'others'}")
        return record, np.frombuffer(content, dtype).astype(np.int32)


def _line(value: dict[str, Any], what: str) -> bytes:
    try:
        return json.dumps(value).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what} must hold JSON values only, got another: {_in_a_line(error)}") from None


def _shown(what: dict[str, Any], name: str, most: int | None = 60) -> str:
    text = json.dumps(what[name], sort_keys=True) if name in what else "nothing"
    return text if most is None or len(text) <= most else text[:most] + "..."


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

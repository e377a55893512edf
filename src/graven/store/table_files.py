"""The loose files of a store as pyarrow reads them: a read-only filesystem over a backend."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileInfo, FileSelector, FileSystemHandler, FileType

from graven.backends.base import Backend, check_span
from graven.formats.parquet import open_parquet

_TAIL_BYTES = 64 * 1024
"""Of a remote file: its footer comes with the first request, most often whole."""


class RangeFile(io.RawIOBase):
    """A body in a backend as a file: each read is a request, but for those in its tail."""

    def __init__(self, backend: Backend, key: str, size: int) -> None:
        self._backend = backend
        self._key = key
        self._size = size
        self._position = 0
        self._tail: bytes | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        check_span(base + offset, 0)
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """See `io.RawIOBase.read`: all that was asked for, unless the body ends."""
        rest = max(0, self._size - self._position)
        length = rest if size is None or size < 0 else min(size, rest)
        data = self._at(self._position, length) if length else b""
        self._position += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase.readinto`."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _at(self, start: int, length: int) -> bytes:
        tail_start = max(0, self._size - _TAIL_BYTES)
        if start < tail_start:
            return self._backend.get_range(self._key, start, length)
        if self._tail is None:
            self._tail = self._backend.get_range(self._key, tail_start, self._size - tail_start)
        return self._tail[start - tail_start : start - tail_start + length]


class LooseFiles(FileSystemHandler):  # type: ignore[misc]  # pyarrow has no types
    """Paths are keys. A file is checked for claims beyond ``limit`` before it is handed out.

    Args:
        backend: where the files are.
        sizes: the keys that may be opened, and their sizes.
        limit: see `graven.formats.parquet.open_parquet`.
    """

    def __init__(self, backend: Backend, sizes: Mapping[str, int], limit: int) -> None:
        self._backend = backend
        self._sizes = sizes
        self._limit = limit
        self._checked: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __hash__(self) -> int:
        return id(self)

    def get_type_name(self) -> str:
        """See pyarrow."""
        return "graven"

    def normalize_path(self, path: str) -> str:
        """See pyarrow."""
        return path

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        """See pyarrow."""
        return [
            FileInfo(path, FileType.File, size=self._sizes[path])
            if path in self._sizes
            else FileInfo(path, FileType.NotFound)
            for path in paths
        ]

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        """See pyarrow; there are no folders."""
        del selector
        return []

    def open_input_file(self, path: str) -> pa.NativeFile:
        """See pyarrow."""
        if path not in self._sizes:
            raise FileNotFoundError(path)
        if path not in self._checked:
            open_parquet(self._opened(path), path, self._limit)
            self._checked.add(path)
        return self._opened(path)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        """See pyarrow."""
        return self.open_input_file(path)

    def schema(self, path: str, what: str) -> pa.Schema:
        """The columns of a file; ``what`` is its name in messages."""
        return self.opened(path, what).schema_arrow

    def opened(self, path: str, what: str) -> pq.ParquetFile:
        """A file whose claims are within the limit; ``what`` is its name in messages."""
        file = open_parquet(self._opened(path), what, self._limit)
        self._checked.add(path)
        return file

    def _opened(self, path: str) -> pa.NativeFile:
        root = getattr(self._backend, "root", None)
        if root is not None and self._backend.head(path) is not None:  # a plain file, no link
            return pa.memory_map(os.path.join(root, path))
        return pa.PythonFile(RangeFile(self._backend, path, self._sizes[path]), mode="r")

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise PermissionError("a store's tables are read-only here")

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse

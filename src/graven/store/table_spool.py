"""Where a table waits on the disk until it is whole."""

from __future__ import annotations

import tempfile
from typing import IO

from graven.backends.base import Data
from graven.backends.files import write_all
from graven.backends.oserrors import translate


class Spool:
    """A file to write to that keeps a fault of the disk to itself until it is asked.

    A fault that Parquet's writer sees in the middle of a column ends the process.
    """

    closed = False  # what is written to decides when

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._fault: OSError | None = None
        self._position = 0

    def write(self, data: Data) -> int:
        """Write, or drop what can be of no use any more."""
        count = memoryview(data).nbytes
        if self._fault is None:
            try:
                write_all(self._file.fileno(), memoryview(data).cast("B"))
            except OSError as fault:
                self._fault = fault
        self._position += count
        return count

    def tell(self) -> int:
        """Where the next bytes go."""
        return self._position

    def flush(self) -> None:
        """Nothing is buffered: what is would be written when the file closes, and fail again."""

    def close(self) -> None:
        """Leave the file open: it is read next."""

    def check(self) -> None:
        """Say what went wrong.

        Raises:
            BackendUnavailable: something did.
        """
        if self._fault is not None:
            raise translate(self._fault, tempfile.gettempdir(), "write") from self._fault

"""Who opens the catalog's files and who removes them take turns, by a lock on their folder.

SQLite opens up to three files by name. Were they removed and made again between the
first and the last, a connection would hold parts of two databases, which ends in wrong
answers or in a dead process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

try:
    import fcntl
except ImportError:  # Windows, which removes no file that is open
    fcntl = None  # type: ignore[assignment]  # a module or None; tested before use


@contextmanager
def folder_lock(folder: str, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock: shared to open, exclusive to remove. Held for milliseconds only.

    Where there are no such locks (some network mounts) nothing is held.

    Raises:
        OSError: there is no such folder.
    """
    if fcntl is None:
        yield
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        try:
            yield
        finally:
            # Said aloud: a child forked meanwhile keeps the handle open.
            with suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)

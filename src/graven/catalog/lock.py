"""Who opens the catalog's files and who removes them take turns, by a lock on their folder.

SQLite opens up to three files by name. Were they removed and made again between the
first and the last, a connection would hold parts of two databases, which ends in wrong
answers or in a dead process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from graven.backends import locks


@contextmanager
def folder_lock(folder: str, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock: shared to open, exclusive to remove. Held for milliseconds only.

    Where there are no such locks (some network mounts) nothing is held.

    Raises:
        OSError: there is no such folder.
    """
    with ExitStack() as stack:
        if locks.available():  # Windows removes no file that is open
            fd = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, fd)
            with suppress(OSError):
                stack.enter_context(locks.flocked(fd, exclusive=exclusive))
        yield

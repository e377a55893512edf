"""Large bodies written past the system's page cache, where the system can.

Whoever waits for the disk gains nothing from a copy in the cache: making its pages and
writing them out at once took five times as long as the disk itself.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque
from collections.abc import Iterator

from graven.backends.base import Data
from graven.backends.files import write_all

LEAST_BYTES = 4 * 1024 * 1024
"""Smaller bodies are likely to be read soon, and go through the cache."""

_PIECE_BYTES = 2 * 1024 * 1024
_BLOCK = 4096  # what addresses, places and lengths are multiples of on any disk there is
_FLAG = getattr(os, "O_DIRECT", 0)
_NOT_HERE = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

# Buffers at addresses that the system takes. As many as there were writers at once; appending
# and popping are one step each, so that threads and forks need no lock.
_buffers: deque[mmap.mmap] = deque()


def write_past_cache(fd: int, data: Data) -> None:
    """All of ``data`` into an empty file; by the cache whatever cannot go past it.

    Not durable by itself: a sync follows, as after any write.
    """
    view = memoryview(data).cast("B")
    if _FLAG and len(view) >= LEAST_BYTES:
        view = view[_write_blocks(fd, view) :]
    write_all(fd, view)


def page_memory(size: int) -> mmap.mmap:
    """Memory that begins with a page, so that it is written without a copy.

    Private: after a fork parent and child have each their own.
    """
    private = getattr(mmap, "MAP_PRIVATE", 0)
    return mmap.mmap(-1, size, private | mmap.MAP_ANONYMOUS) if private else mmap.mmap(-1, size)


def _write_blocks(fd: int, view: memoryview) -> int:
    """How many bytes of whole blocks went straight to the disk, from the beginning on."""
    if not _switch(fd, on=True):
        return 0
    done = 0
    try:
        for piece in _aligned(view[: len(view) - len(view) % _BLOCK]):
            written = os.write(fd, piece)
            done += written
            if written < len(piece):  # a disk that fills: the cache's writer will say so
                break
    except OSError as fault:
        if fault.errno not in _NOT_HERE:
            raise
    finally:
        _switch(fd, on=False)
    return done


def _aligned(view: memoryview) -> Iterator[memoryview]:
    """The bytes at addresses that the system takes: as they are, or copied piece by piece."""
    if isinstance(view.obj, mmap.mmap):  # begins with a page; if this is its middle, EINVAL says
        yield view
        return
    buffer = _buffers.pop() if _buffers else page_memory(_PIECE_BYTES)
    try:
        room = memoryview(buffer)
        for start in range(0, len(view), _PIECE_BYTES):
            piece = view[start : start + _PIECE_BYTES]
            room[: len(piece)] = piece
            yield room[: len(piece)]
    finally:
        _buffers.append(buffer)


def _switch(fd: int, *, on: bool) -> bool:
    """Set or clear the file's flag; False where the file system has none."""
    import fcntl

    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | _FLAG if on else flags & ~_FLAG)
    except OSError as fault:
        if fault.errno not in _NOT_HERE:
            raise
        return False
    return True

"""Locks on folders of the local disk (``flock``): behind compare-and-swap, on the key's folder.

The system releases it when the process dies, so nothing stale stays behind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module or None; tested before use

from graven.backends.folders import Folder
from graven.errors import BackendUnavailable

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}


def available() -> bool:
    """True where the system has such locks; a file system may still have none."""
    return fcntl is not None


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Hold the folder's lock against all threads and processes.

    Raises:
        BackendUnavailable: no locks here (kind ``no-swap``).
    """
    if not available() or folder.fd is None:
        raise _no_swap(f"no compare-and-swap on this system: {folder.path!r}")
    # A handle of its own: a lock belongs to the handle, and shared by two threads, or
    # with a forked child, it would keep neither out.
    with ExitStack() as stack:
        fd = folder.reopen()
        stack.callback(os.close, fd)
        try:
            stack.enter_context(flocked(fd, exclusive=True))
        except OSError as fault:
            if fault.errno not in _NO_LOCKS_HERE:
                raise
            raise _no_swap(f"no locks on this file system: {folder.path!r}") from fault
        yield


@contextmanager
def flocked(fd: int, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock of an open folder.

    Raises:
        OSError: the file system has no locks.
    """
    fcntl.flock(fd, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
    try:
        yield
    finally:
        # Said aloud: a child forked meanwhile keeps the handle open.
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def folder_lock(folder: str, *, exclusive: bool) -> Iterator[None]:
    """The lock of a folder with SQLite files: shared to open them, exclusive to remove them.

    SQLite opens up to three files by name. Were they removed and made again between the
    first and the last, a connection would hold parts of two databases, which ends in wrong
    answers or in a dead process. Held for milliseconds only. Where there are no such locks
    (some network mounts) nothing is held.

    Raises:
        OSError: there is no such folder.
    """
    with ExitStack() as stack:
        if available():  # Windows removes no file that is open
            fd = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, fd)
            with suppress(OSError):
                stack.enter_context(flocked(fd, exclusive=exclusive))
        yield


def is_held(folder: str) -> bool | None:
    """Whether somebody holds a folder's lock now; None where there are no locks.

    Raises:
        OSError: there is no such folder.
    """
    if not available():
        return None
    fd = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as fault:
        if fault.errno not in _NO_LOCKS_HERE:
            raise
        return None
    finally:
        os.close(fd)
    return False


def excludes(folder: str) -> bool:
    """True if a lock on a folder keeps another handle of the same process out.

    Raises:
        OSError: the file system has no locks.
    """
    with ExitStack() as stack:
        first = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, first)
        second = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, second)
        fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _no_swap(message: str) -> BackendUnavailable:
    return BackendUnavailable(
        message, kind="no-swap", hint="runs can be saved here; baselines and tags cannot be moved"
    )


def try_flock(fd: int) -> bool:
    """Take the exclusive lock of an open file without waiting; False if another holds it.

    It is held until the handle is closed or the process dies. True where there are no locks
    on this system: then nobody can be told apart.
    """
    if not available():
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as fault:
        if fault.errno not in _NO_LOCKS_HERE:
            raise
    return True

"""Folders of a local store, held open so that no link can lead out of them.

A folder is reached part by part from the root, each step refusing links. The
handle is kept, and each use compares it with what the path leads to now (one
``stat``): a folder that was replaced, moved or linked elsewhere since is looked
up anew. Files are then opened relative to the handle, so that nothing can slip
in between the check and the use.

Where the system has no such handles (Windows), paths are checked instead.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from graven.backends.oserrors import symlink_found

HAS_HANDLES = os.open in os.supports_dir_fd and os.scandir in os.supports_fd
MAX_HELD = 64  # handles; objects/ has 256 folders, and a process often has only 1024 in all

# The root itself may be a link: it is the person's choice, not the store's.
_ROOT_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER_FLAGS = _ROOT_FLAGS | getattr(os, "O_NOFOLLOW", 0)
_NO_FSYNC_HERE = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_T = TypeVar("_T")


class Folder:
    """One folder. The handle is closed when the last user lets go of the object.

    Attributes:
        path: its absolute path, for messages and for systems without handles.
        fd: the handle, or None where there are none.
        anchored: the entries that lead here are known to be on the disk.
    """

    __slots__ = ("anchored", "fd", "identity", "path")

    def __init__(self, path: str, fd: int | None) -> None:
        self.path = path
        self.fd = fd
        self.anchored = False
        found = self.status()
        self.identity = (found.st_dev, found.st_ino)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # Counting users by hand would do the same: another thread may be inside
        # a call on this handle when the cache lets go of it.
        fd: int | None = getattr(self, "fd", None)
        if fd is not None:
            close(fd)

    def status(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.stat(self.path) if self.fd is None else os.fstat(self.fd)

    def at(self, name: str) -> str:
        """``name`` as the calls below and `os` take it together with ``dir_fd=folder.fd``."""
        return name if self.fd is not None else os.path.join(self.path, name)

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open a file in the folder, never through a link."""
        if self.fd is None and os.path.islink(self.at(name)):
            raise OSError(errno.ELOOP, "is a link", name)
        return os.open(self.at(name), flags | _FILE_FLAGS, mode, dir_fd=self.fd)

    def stat(self, name: str) -> os.stat_result:
        """The status of an entry itself, not of what it links to."""
        return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        """Remove a file."""
        os.unlink(self.at(name), dir_fd=self.fd)

    def replace(self, source: str, target: str) -> None:
        """Give a file of the folder another name, over what has it now."""
        os.replace(self.at(source), self.at(target), src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def link(self, source: str, target: str) -> None:
        """Give a file a second name, unless that name is taken (`FileExistsError`)."""
        os.link(
            self.at(source),
            self.at(target),
            src_dir_fd=self.fd,
            dst_dir_fd=self.fd,
            follow_symlinks=False,
        )

    def entries(self, use: Callable[[os.DirEntry[str]], _T | None]) -> list[_T]:
        """What ``use`` makes of each entry, the None left out; in the order of the disk."""
        if self.fd is None:
            with os.scandir(self.path) as entries:
                return [made for entry in entries if (made := use(entry)) is not None]
        # A handle of its own: two scans of one handle share their place in the list.
        fd = self.reopen()
        try:
            with os.scandir(fd) as entries:
                return [made for entry in entries if (made := use(entry)) is not None]
        finally:
            os.close(fd)

    def reopen(self) -> int:
        """A second, independent handle, which the caller closes."""
        return os.open(".", _FOLDER_FLAGS, dir_fd=self.fd)

    def sync(self) -> None:
        """Bring the folder's entries to the disk; nothing to do where that is not a thing."""
        if self.fd is None:
            return
        try:
            os.fsync(self.fd)
        except OSError as fault:
            if fault.errno not in _NO_FSYNC_HERE:
                raise


_FILE_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a named pipe in the store must not make a reader wait
)


class Folders:
    """The folders of one store, looked up by their keys (``""`` is the root).

    Args:
        root: absolute path without links in it.
        handles: False for the ways of a system without folder handles (tests).
    """

    def __init__(self, root: str, *, handles: bool = HAS_HANDLES) -> None:
        self.root = root
        self._handles = handles
        # No lock: each step on a plain dict is one atomic call, the worst race opens
        # a folder twice, and a lock could be shut for good in a forked child.
        self._held: dict[str, Folder] = {}

    def path(self, key: str) -> str:
        """The path of a key, for messages."""
        # By hand: it is made for each read and write, and mostly for nothing.
        return f"{self.root}{os.sep}{key.replace('/', os.sep)}" if key else self.root

    def find(self, key: str, *, create: bool = False, anchor: bool = False) -> Folder:
        """The folder of a key.

        Args:
            key: checked by `graven.backends.base.check_folder`.
            create: make it, and what leads to it, where missing.
            anchor: bring the entries that lead to it to the disk, once.

        Raises:
            FileNotFoundError: it is missing and ``create`` is False.
            Corrupt: a link stands in the way.
            OSError: anything else.
        """
        folder = self._held_and_current(key)
        if folder is None:
            folder = self._reach(key, create)
            self._held[key] = folder
            if len(self._held) > MAX_HELD:
                self._held.pop(list(self._held)[0], None)  # noqa: RUF015  iter() breaks in a race
        if anchor and not folder.anchored:
            self._anchor(key)
            folder.anchored = True
        return folder

    def forget(self) -> None:
        """Let go of all handles."""
        self._held.clear()

    def _held_and_current(self, key: str) -> Folder | None:
        folder = self._held.get(key)
        if folder is None:
            return None
        try:
            found = os.stat(folder.path)
        except OSError:
            found = None
        if (
            found is not None
            and (found.st_dev, found.st_ino) == folder.identity
            and (self._handles or os.path.realpath(folder.path) == folder.path)
        ):
            return folder
        self._held.pop(key, None)
        return None

    def _reach(self, key: str, create: bool) -> Folder:
        if create:
            os.makedirs(self.root, exist_ok=True)
        if not self._handles:
            return self._reach_by_path(key, create)
        fd = os.open(self.root, _ROOT_FLAGS)
        path = self.root
        try:
            for part in key.split("/") if key else ():
                path = os.path.join(path, part)
                inner = _step_into(fd, part, path, create)
                os.close(fd)
                fd = inner
            return Folder(path, fd)
        except BaseException:
            os.close(fd)
            raise

    def _reach_by_path(self, key: str, create: bool) -> Folder:
        path = self.path(key)
        real = os.path.realpath(path)
        if real != path:
            raise symlink_found(path)
        if create:
            os.makedirs(path, exist_ok=True)
        if not stat.S_ISDIR(os.stat(path).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", path)
        return Folder(path, None)

    def _anchor(self, key: str) -> None:
        # Whoever made the folders may not have synced them yet, so "it was there
        # already" is no proof. Once for each folder and process, and cheap.
        if not self._handles:
            return
        parts = key.split("/") if key else []
        for depth in range(len(parts) - 1, -1, -1):
            self.find("/".join(parts[:depth])).sync()
        parent = os.path.dirname(self.root)
        try:
            Folder(parent, os.open(parent, _FOLDER_FLAGS)).sync()
        except PermissionError:
            return  # a parent that is not ours was not made by us either


def _step_into(fd: int, part: str, path: str, create: bool) -> int:
    try:
        return os.open(part, _FOLDER_FLAGS, dir_fd=fd)
    except FileNotFoundError:
        if not create:
            raise
    except OSError as fault:
        if _is_link(part, fd):
            raise symlink_found(path) from fault
        raise
    with suppress(FileExistsError):  # another process was quicker
        os.mkdir(part, dir_fd=fd)
    return _step_into(fd, part, path, create=False)


def _is_link(part: str, fd: int) -> bool:
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=fd, follow_symlinks=False).st_mode)
    except OSError:
        return False

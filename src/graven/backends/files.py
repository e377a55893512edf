"""Single files of a local store: reading, writing, telling them apart."""

from __future__ import annotations

import errno
import os
import stat

from graven.backends.base import TEMP_PREFIX, Data, Entry, is_key
from graven.backends.folders import Folder
from graven.ids import hash_bytes

_HAS_PREAD = hasattr(os, "pread")  # not on Windows

STAT_VERSION = "stat-"
"""What versions from a listing begin with."""


def file_name(entry: os.DirEntry[str]) -> str | None:
    """The name of an entry that a key can name, else None."""
    name = entry.name
    return name if entry.is_file(follow_symlinks=False) and is_key(name) else None


def file_or_folder(entry: os.DirEntry[str]) -> str | None:
    """As `file_name`, and folders with a ``/`` behind their names."""
    if entry.is_dir(follow_symlinks=False):
        return entry.name + "/" if is_key(entry.name) else None
    return file_name(entry)


def temporary_or_folder(entry: os.DirEntry[str]) -> str | None:
    """The name of an unfinished upload, or of a folder with a ``/`` behind it."""
    if entry.name.startswith(TEMP_PREFIX):
        return entry.name if entry.is_file(follow_symlinks=False) else None
    return entry.name + "/" if entry.is_dir(follow_symlinks=False) else None


def entry_of(key: str, found: os.stat_result) -> Entry:
    """A file as a listing shows it."""
    return Entry(key, found.st_size, stat_version(found), found.st_mtime_ns // 1_000_000)


def stat_version(found: os.stat_result) -> str:
    """The version that a listing can tell without reading."""
    return f"{STAT_VERSION}{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"


def body_version(data: Data) -> str:
    """The version that guards a swap: the BLAKE3 of the body, as hex."""
    return hash_bytes(data).hex()


def exists(folder: Folder, name: str) -> bool:
    """True for anything but a folder, which raises `IsADirectoryError`."""
    try:
        found = folder.stat(name)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", name)
    return True


def current_version(folder: Folder, name: str) -> str | None:
    """The version of the body that stands there now, or None."""
    try:
        fd = folder.open(name, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return body_version(read_up_to(fd, os.fstat(fd).st_size))
    finally:
        os.close(fd)


def read_up_to(fd: int, length: int) -> bytes:
    """``length`` bytes, fewer where the file ends before."""
    body = os.read(fd, length)
    if len(body) == length:
        return body
    parts = [body]  # the system hands out at most 2 GiB at a time
    missing = length - len(body)
    while missing and parts[-1]:
        parts.append(os.read(fd, missing))
        missing -= len(parts[-1])
    return b"".join(parts)


def read_at(fd: int, start: int, length: int) -> bytes:
    """As `read_up_to`, from ``start``; where the handle stands then is not said."""
    if _HAS_PREAD:
        body = os.pread(fd, length, start)  # one call to the system instead of two
        if len(body) == length:
            return body
    os.lseek(fd, start, os.SEEK_SET)
    return read_up_to(fd, length)


def write_all(fd: int, data: Data) -> None:
    """All of ``data``, in as many bites as the system wants."""
    view = memoryview(data).cast("B")
    while len(view):
        view = view[os.write(fd, view) :]

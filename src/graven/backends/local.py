"""A store in a folder of the local disk.

A body is written to a temporary file beside its place, synced, and renamed into
it; then the folder is synced. So a key has its old body or its new one, at every
moment and after every crash, and what `LocalBackend.put` has returned from is on
the disk. Compare-and-swap holds an ``flock`` on the folder, which the system
releases when the process dies: nothing stale stays behind.
"""

from __future__ import annotations

import builtins
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from graven import clock
from graven.backends.base import (
    MAX_KEY_PARTS,
    TEMP_PREFIX,
    Backend,
    Capabilities,
    Data,
    Entry,
    check_folder,
    check_key,
    check_prefix,
    check_span,
    key_missing,
)
from graven.backends.direct import write_past_cache
from graven.backends.files import (
    STAT_VERSION,
    body_version,
    current_version,
    entry_of,
    exists,
    file_name,
    file_or_folder,
    read_at,
    read_up_to,
    stat_version,
    temporary_or_folder,
    write_all,
)
from graven.backends.folders import HAS_HANDLES, Folder, Folders
from graven.backends.locks import available as locks_available
from graven.backends.locks import locked
from graven.backends.oserrors import translated
from graven.errors import BackendUnavailable, Corrupt, InvalidInput
from graven.ids import new_nonce

SETTLED_NS = 2_000_000_000  # the coarsest time stamps in use (FAT) tick every 2 s
_NO_LINKS_HERE = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_ABSENT = (FileNotFoundError, NotADirectoryError)  # "a/b" is absent where "a" is a file


class LocalBackend(Backend):
    """Keys are files under a folder.

    Versions: what `get_with_version` and the conditional puts hand out is the
    BLAKE3 of the body. Times and inode numbers would be cheaper and wrong: a file
    replaced twice within one tick of the clock can get the number, size and time
    it had before, and an update would be lost. A hash takes equal bodies for one
    version, so a body that is to be swapped has to carry something of its own
    (guarded refs carry a ``write_id``). Listings do not read bodies: an `Entry`
    has a version from inode, time and size, good enough to delete files whose
    names are never used twice, and refused by `put_if_version`.

    Args:
        root: the folder; made at the first write. It may be reached through a
            link, inside it there must be none.
        fsync: False gives up safety against power cuts (not against kills).
        readonly: refuse every write.
    """

    handles: ClassVar[bool] = HAS_HANDLES  # tests look at a system without them
    writes_behind = 2  # a sync waits for the disk, which is faster with the next write at hand

    def __init__(
        self, root: str | os.PathLike[str], *, fsync: bool = True, readonly: bool = False
    ) -> None:
        with translated(str(root), "resolve"):
            self.root = Path(os.path.realpath(root))
        self.url = str(self.root)
        self.readonly = readonly
        self._fsync = fsync
        self._folders = Folders(str(self.root), handles=self.handles)
        self.capabilities = Capabilities(
            create=not readonly,
            swap=not readonly and locks_available() and self.handles,
            durable=fsync,
            trusted_clock=True,
        )

    # Reading.

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        with self._opened(key) as (fd, size):
            return read_up_to(fd, size)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        check_span(start, length)
        with self._opened(key) as (fd, size):
            if start >= size:
                return b""
            os.lseek(fd, start, os.SEEK_SET)
            return read_up_to(fd, min(length, size - start))

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """See `Backend.get_ranges`: the file is opened once."""
        for start, length in spans:
            check_span(start, length)
        out = []
        with self._opened(key) as (fd, size):
            for start, length in spans:
                out.append(read_at(fd, start, min(length, size - start)) if start < size else b"")
        return out

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        check_span(0, length)
        with self._opened(key) as (fd, size):
            start = max(0, size - length)
            os.lseek(fd, start, os.SEEK_SET)
            return read_up_to(fd, size - start), size

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        body = self.get(key)
        return body, body_version(body)

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        folder_key, name = _split(check_key(key))
        with translated(self._folders.path(key), "look at"):
            try:
                found = self._folders.find(folder_key).stat(name)
            except _ABSENT:
                return None
        return entry_of(key, found) if stat.S_ISREG(found.st_mode) else None

    def still_there(self, key: str) -> bool:
        """See `Backend.still_there`."""
        return self.head(key) is not None

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return self._walk(check_prefix(prefix))

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        return self._scan(check_folder(folder), file_name)

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`.

        The folder's own times, once they are old enough: of two changes within one
        tick of the file system's clock the second would not show.
        """
        folder = check_folder(folder)
        with translated(self._folders.path(folder), "look at"):
            try:
                found = self._folders.find(folder).status()
            except _ABSENT:
                return None
        age_ns = clock.wall_ms() * 1_000_000 - max(found.st_mtime_ns, found.st_ctime_ns)
        if age_ns < SETTLED_NS:
            return None
        return f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_ctime_ns}"

    def now_ms(self) -> int:
        """See `Backend.now_ms`: the system's clock, which also stamps local files."""
        return clock.wall_ms()

    # Writing.

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """See `Backend.put`."""
        folder_key, name = self._writable(key)
        sync = durable and self._fsync
        with translated(self._folders.path(key), "write"):
            folder = self._folders.find(folder_key, create=True, anchor=sync)
            self._replace(folder, name, data, sync)
            self._sync_folder(folder, sync)

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """See `Backend.put_if_absent`.

        A hard link to the finished temporary file: the system lets one of many win,
        with no lock. Where there are no hard links, the look and the rename happen
        under the folder's lock.
        """
        folder_key, name = self._writable(key)
        sync = durable and self._fsync
        with translated(self._folders.path(key), "write"):
            folder = self._folders.find(folder_key, create=True, anchor=sync)
            if exists(folder, name):
                return None  # the usual answer to a loser, for one look instead of a write
            temp = self._write_temp(folder, data, sync)
            try:
                created = self._claim(folder, temp, name)
            finally:
                self._discard(folder, temp)
            if not created:
                return None
            self._sync_folder(folder, sync)
        return body_version(data)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """See `Backend.put_if_version`.

        Raises:
            InvalidInput: a version from an `Entry` (kind ``weak-version``).
            BackendUnavailable: no locks here (kind ``no-swap``).
        """
        folder_key, name = self._writable(key)
        if version.startswith(STAT_VERSION):
            raise InvalidInput(
                f"version of {key!r} comes from a listing and cannot guard a swap",
                kind="weak-version",
                hint="take the one from get_with_version",
                key=key,
            )
        with translated(self._folders.path(key), "write"):
            try:
                folder = self._folders.find(folder_key, anchor=self._fsync)
            except _ABSENT:
                return None
            with locked(folder):
                if current_version(folder, name) != version:
                    return None
                self._replace(folder, name, data, self._fsync)
            self._sync_folder(folder, self._fsync)
        return body_version(data)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        folder_key, name = self._writable(key)
        with translated(self._folders.path(key), "delete"):
            try:
                self._folders.find(folder_key).unlink(name)
            except (*_ABSENT, IsADirectoryError):  # a folder is not a key
                return

    def delete_if_version(self, key: str, version: str) -> bool:
        """See `Backend.delete_if_version`; takes versions of both kinds."""
        folder_key, name = self._writable(key)
        with translated(self._folders.path(key), "delete"):
            try:
                folder = self._folders.find(folder_key)
            except _ABSENT:
                return False
            with locked(folder):
                try:
                    weak = version.startswith(STAT_VERSION)
                    now = stat_version(folder.stat(name)) if weak else current_version(folder, name)
                except FileNotFoundError:
                    return False
                if now != version:
                    return False
                folder.unlink(name)
            self._sync_folder(folder, self._fsync)
        return True

    def temporaries(self) -> builtins.list[tuple[str, int]]:
        """See `Backend.temporaries`."""
        now = clock.wall_ms()
        return [(key, now - modified_ms) for key, modified_ms in self._temporaries()]

    def remove_temporaries(self, older_than_ms: int) -> int:
        """See `Backend.remove_temporaries`."""
        self._refuse_if_readonly("")
        old = [key for key, age in self.temporaries() if age >= older_than_ms]
        for key in old:
            folder_key, name = _split(key)
            with translated(self._folders.path(key), "delete"):
                try:
                    self._folders.find(folder_key).unlink(name)
                except _ABSENT:
                    continue  # its writer came through after all
        return len(old)

    def close(self) -> None:
        """See `Backend.close`."""
        self._folders.forget()

    # The steps of a write. Tests override `_step` and `_discard` to die in between.

    def _step(self, name: str) -> None:
        """Called after each step of a write: ``write sync rename sync-folder``."""

    def _discard(self, folder: Folder, temp: str) -> None:
        """Remove a temporary file; one that stays is garbage that `fsck` names."""
        with suppress(OSError):
            folder.unlink(temp)

    def _write_temp(self, folder: Folder, data: Data, sync: bool) -> str:
        temp = TEMP_PREFIX + new_nonce()
        fd = folder.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            try:
                if sync:
                    write_past_cache(fd, data)
                else:
                    write_all(fd, data)
                self._step("write")
                if sync:
                    os.fsync(fd)
                    self._step("sync")
            finally:
                os.close(fd)  # before the rename: some file systems report a full disk here
        except BaseException:
            self._discard(folder, temp)
            raise
        return temp

    def _replace(self, folder: Folder, name: str, data: Data, sync: bool) -> None:
        temp = self._write_temp(folder, data, sync)
        try:
            folder.replace(temp, name)
        except BaseException:
            self._discard(folder, temp)
            raise
        self._step("rename")

    def _claim(self, folder: Folder, temp: str, name: str) -> bool:
        try:
            folder.link(temp, name)
        except FileExistsError:
            return False
        except OSError as fault:
            if fault.errno not in _NO_LINKS_HERE or not locks_available():
                raise
            with locked(folder):
                if exists(folder, name):
                    return False
                folder.replace(temp, name)
        self._step("rename")
        return True

    def _sync_folder(self, folder: Folder, sync: bool) -> None:
        if sync:
            folder.sync()
            self._step("sync-folder")

    # The rest.

    def _writable(self, key: str) -> tuple[str, str]:
        check_key(key)
        self._refuse_if_readonly(key)
        return _split(key)

    def _refuse_if_readonly(self, key: str) -> None:
        if self.readonly:
            raise BackendUnavailable(
                f"opened read-only: {self._folders.path(key)!r}",
                kind="read-only",
                hint="open the store for writing",
                key=key,
            )

    @contextmanager
    def _opened(self, key: str) -> Iterator[tuple[int, int]]:
        folder_key, name = _split(check_key(key))
        with translated(self._folders.path(key), "read"):
            try:
                fd = self._folders.find(folder_key).open(name, os.O_RDONLY)
            except _ABSENT:
                raise key_missing(key, self.url) from None
            try:
                found = os.fstat(fd)
                if stat.S_ISDIR(found.st_mode):
                    raise key_missing(key, self.url)
                if not stat.S_ISREG(found.st_mode):
                    raise Corrupt(
                        f"neither file nor folder inside the store: {self._folders.path(key)!r}",
                        kind="not-a-file",
                        key=key,
                    )
                yield fd, found.st_size
            finally:
                os.close(fd)

    def _scan(
        self, folder_key: str, use: Callable[[os.DirEntry[str]], str | None]
    ) -> builtins.list[str]:
        with translated(self._folders.path(folder_key), "list"):
            try:
                return self._folders.find(folder_key).entries(use)
            except _ABSENT:
                return []

    def _walk(self, folder_key: str) -> Iterator[Entry]:
        start = f"{folder_key}/" if folder_key else ""
        if start.count("/") >= MAX_KEY_PARTS:
            return  # no key of ours lies so deep
        # A folder sorts with its "/", as the keys under it do.
        for name in sorted(self._scan(folder_key, file_or_folder)):
            if name.endswith("/"):
                yield from self._walk(start + name[:-1])
                continue
            with translated(self._folders.path(start + name), "list"):
                try:
                    found = self._folders.find(folder_key).stat(name)
                except _ABSENT:
                    continue  # it went away since
            yield entry_of(start + name, found)

    def _temporaries(self, folder_key: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
        start = f"{folder_key}/" if folder_key else ""
        for name in self._scan(folder_key, temporary_or_folder):
            if name.endswith("/"):
                if depth < MAX_KEY_PARTS:
                    yield from self._temporaries(start + name[:-1], depth + 1)
                continue
            with translated(self._folders.path(start + name), "list"):
                try:
                    found = self._folders.find(folder_key).stat(name)
                except _ABSENT:
                    continue
            yield start + name, found.st_mtime_ns // 1_000_000


def _split(key: str) -> tuple[str, str]:
    folder, _, name = key.rpartition("/")
    return folder, name

"""A store inside one zip file, read in place and never written to.

The members of a graven archive are stored, not compressed, so that a range of a body is
a range of the file: one read, once the member's own header has been looked at.
"""

from __future__ import annotations

import builtins
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from typing import NoReturn

from graven import clock
from graven.backends.archive.directory import Member, find_body, is_plain, read_directory
from graven.backends.base import (
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
from graven.backends.oserrors import translated
from graven.errors import BackendUnavailable, Corrupt, GravenError, InvalidInput, NotFound

STORE_FILE = "store.json"  # as graven.formats.layout has it, which stands beside this room
MAX_PACK_BYTES = 512 * 1024 * 1024  # as graven.objects.packs has it
MAX_FILE_BYTES = 32 * 1024 * 1024
"""Of a file that people write, or that is no pack: store.json, config.json, baselines."""
_CRC_PIECE = 1024 * 1024
# Not to wait for a writer where somebody has put a pipe.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class ArchiveBackend(Backend):
    """The members of a zip file as keys.

    The store stands at the archive's root, or in the one top folder that has a
    ``store.json``: that is what zipping a folder makes. The directory is read at the
    first call, and again after `close`; in between the file may be replaced by another,
    and the old one is read on. Bodies are not checked against the archive's CRC, since
    objects verify by their own hash; `verify` does it.

    Args:
        path: the zip file.

    Every read raises:
        NotFound: no such file (kind ``archive-missing``).
        InvalidInput: no zip file, or one that graven does not read (compressed, encrypted,
            names that could lead astray, names that occur twice).
        Corrupt: a zip file that is damaged (kind ``bad-archive``).
    """

    readonly = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with translated(str(path), "resolve"):
            self.path = os.path.realpath(path)
        self.url = f"zip://{self.path}"
        self.capabilities = Capabilities(
            create=False, swap=False, durable=True, trusted_clock=False
        )
        self._opened: _Archive | None = None

    # Reading.

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        archive, member = self._find_bounded(key)
        return archive.read_body(member, 0, member.size)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        check_span(start, length)
        archive, member = self._find(key)
        return archive.read_body(member, start, min(length, member.size - start))

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        check_span(0, length)
        archive, member = self._find(key)
        start = max(0, member.size - length)
        return archive.read_body(member, start, member.size - start), member.size

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`; the version guards nothing here."""
        archive, member = self._find_bounded(key)
        return archive.read_body(member, 0, member.size), _version(member)

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`; the time is the archive's own."""
        check_key(key)
        archive = self._archive()
        member = archive.members.get(key)
        return None if member is None else archive.entry(key, member)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        folder = check_prefix(prefix)
        archive = self._archive()
        start = f"{folder}/" if folder else ""
        keys = sorted(key for key in archive.members if key.startswith(start))
        return (archive.entry(key, archive.members[key]) for key in keys)

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        return builtins.list(self._archive().folders.get(check_folder(folder), ()))

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`: an archive stays as it is, so that it is the file's own."""
        check_folder(folder)
        return self._archive().token

    def now_ms(self) -> int:
        """See `Backend.now_ms`."""
        return clock.wall_ms()

    def close(self) -> None:
        """See `Backend.close`."""
        self._opened = None

    def verify(self) -> Iterator[tuple[str, GravenError | None]]:
        """Read every body and compare it with the archive's CRC: key, and what is wrong or None."""
        archive = self._archive()
        for key, member in archive.members.items():
            try:
                archive.check_crc(member)
            except Corrupt as error:
                yield key, error
            else:
                yield key, None

    # Writing.

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """Refused."""
        self._refuse(key)

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """Refused."""
        self._refuse(key)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """Refused."""
        self._refuse(key)

    def delete(self, key: str) -> None:
        """Refused."""
        self._refuse(key)

    def delete_if_version(self, key: str, version: str) -> bool:
        """Refused."""
        self._refuse(key)

    def remove_temporaries(self, older_than_ms: int) -> int:
        """Refused."""
        raise self._readonly()

    def _refuse(self, key: str) -> NoReturn:
        check_key(key)
        raise self._readonly(key=key)

    def _readonly(self, **fields: str) -> BackendUnavailable:
        return BackendUnavailable(
            f"archives are read-only: {self.path!r}",
            kind="read-only",
            hint="pull it into a store, and write there",
            file=self.path,
            **fields,
        )

    # The rest.

    def _archive(self) -> _Archive:
        # Two threads may both open it: one of the two is let go of, and nothing is lost.
        opened = self._opened
        if opened is None:
            opened = self._opened = _Archive(self.path)
        return opened

    def _find_bounded(self, key: str) -> tuple[_Archive, Member]:
        """As `_find`, for who takes the body into memory whole: an archive may claim terabytes."""
        archive, member = self._find(key)
        limit = MAX_PACK_BYTES if key.startswith("packs/") else MAX_FILE_BYTES
        if member.size > limit:
            raise Corrupt(
                f"{self.path}: {member.name!r} is larger than any of graven's"
                f" ({member.size:,} bytes)",
                kind="bad-archive",
                file=self.path,
                member=member.name,
            )
        return archive, member

    def _find(self, key: str) -> tuple[_Archive, Member]:
        check_key(key)
        archive = self._archive()
        member = archive.members.get(key)
        if member is None:
            raise key_missing(key, self.url)
        return archive, member


class _Archive:
    """An open zip file. Closed when the last user lets go of it: a thread may be reading."""

    __slots__ = ("_bodies", "fd", "folders", "members", "modified_ms", "path", "token")

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = _open(path)
        with translated(path, "read"):
            found = os.fstat(self.fd)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidInput(f"not a file: {path!r}", kind="not-an-archive", file=path)
        self.token = f"{found.st_dev}-{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
        self.modified_ms = found.st_mtime_ns // 1_000_000
        try:
            self.members = _keys(read_directory(self.read, found.st_size))
        except (InvalidInput, Corrupt) as error:
            raise error.inside(path, file=path) from None
        self.folders: dict[str, list[str]] = {}
        for key in self.members:
            folder, _, name = key.rpartition("/")
            self.folders.setdefault(folder, []).append(name)
        self._bodies: dict[int, int] = {}

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        fd: int | None = getattr(self, "fd", None)
        if fd is not None:
            close(fd)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the file, fewer where it ends."""
        with translated(self.path, "read"):
            if not hasattr(os, "pread"):  # Windows; a handle of its own, since threads share ours
                with open(self.path, "rb") as file:
                    file.seek(offset)
                    return file.read(length)
            body = os.pread(self.fd, length, offset)
            if len(body) == length or not body:
                return body
            parts = [body]  # the system hands out at most 2 GiB at a time
            held = len(body)
            while held < length and parts[-1]:
                parts.append(os.pread(self.fd, length - held, offset + held))
                held += len(parts[-1])
            return b"".join(parts)

    def read_body(self, member: Member, start: int, length: int) -> bytes:
        """Bytes of a body; ``length`` may be negative or none."""
        first = self._bodies.get(member.header)
        if first is None:
            try:
                first = self._bodies[member.header] = find_body(self.read, member)
            except Corrupt as error:
                raise error.inside(self.path, file=self.path) from None
        if length <= 0:
            return b""
        data = self.read(first + start, length)
        if len(data) != length:
            raise Corrupt(
                f"{self.path}: the archive is damaged: {member.name!r} is cut short",
                kind="bad-archive",
                file=self.path,
                member=member.name,
            )
        return data

    def check_crc(self, member: Member) -> None:
        """Compare a body with its CRC, in constant memory.

        Raises:
            Corrupt: it is another.
        """
        found = 0
        for start in range(0, member.size, _CRC_PIECE):
            piece = self.read_body(member, start, min(_CRC_PIECE, member.size - start))
            found = zlib.crc32(piece, found)
        if found != member.crc:
            raise Corrupt(
                f"{self.path}: {member.name!r} does not match its checksum",
                kind="bad-crc",
                file=self.path,
                member=member.name,
            )

    def entry(self, key: str, member: Member) -> Entry:
        """A member as a listing shows it."""
        return Entry(key, member.size, _version(member), self.modified_ms)


def _open(path: str) -> int:
    with translated(path, "read"):
        try:
            return os.open(path, _FLAGS)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"no archive at {path!r}", kind="archive-missing", file=path) from None


def _version(member: Member) -> str:
    return f"{member.crc:08x}-{member.header}"


def _keys(members: list[Member]) -> dict[str, Member]:
    """Members by their keys in the store, the folder they lie in taken off.

    Raises:
        InvalidInput: names that could lead astray, or that occur twice.
    """
    names: dict[str, Member] = {}
    for member in members:
        if member.name in names:
            raise InvalidInput(
                f"member {member.name!r} is there twice",
                kind="duplicate-member",
                member=member.name,
            )
        names[member.name] = member
        _check_name(member)
    top = _top_folder(names)
    return {
        name[len(top) :]: member
        for name, member in names.items()
        if name.startswith(top) and not name.endswith("/") and not _is_upload(name)
    }


def _check_name(member: Member) -> None:
    if not is_plain(member):
        raise InvalidInput(
            f"member {member.name!r} is a link or a device", kind="symlink", member=member.name
        )
    name = member.name.removesuffix("/")
    if _is_upload(name):  # somebody has zipped the folder of a store: they are no keys there
        name = "/".join(part.removeprefix(TEMP_PREFIX) for part in name.split("/"))
    try:
        check_key(name)
    except InvalidInput as error:
        raise error.inside("member") from None


def _is_upload(name: str) -> bool:
    return name.startswith(TEMP_PREFIX) or f"/{TEMP_PREFIX}" in name


def _top_folder(names: dict[str, Member]) -> str:
    if STORE_FILE in names:
        return ""
    ending = f"/{STORE_FILE}"
    tops = [name for name in names if name.endswith(ending) and name.count("/") == 1]
    if len(tops) > 1:
        raise InvalidInput(
            f"holds several stores: {', '.join(tops[:3])}",
            kind="several-stores",
            hint="make an archive of each",
        )
    return tops[0].removesuffix(STORE_FILE) if tops else ""

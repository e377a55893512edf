"""Writes archives: zip files whose members are stored, so that they can be read in place."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from graven.backends.base import TEMP_PREFIX, check_key
from graven.backends.oserrors import translated
from graven.errors import Conflict, InvalidInput, NotFound
from graven.ids import new_nonce

_PIECE = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier time; one for all, so that bytes repeat
_MODE = stat.S_IFREG | 0o644
_UNIX = 3


def write_archive(path: str | os.PathLike[str], files: Iterable[tuple[str, bytes | Path]]) -> None:
    """Write a zip file of stored members, whole or not at all; one that is there is replaced.

    The same files in the same order give the same bytes. A body that is a path is copied
    piece by piece. The file is on the disk when this returns.

    Args:
        path: where to.
        files: key and body of each member, in the order to write.

    Raises:
        InvalidInput: a key that no backend takes (kind ``bad-key``), or one given twice
            (``duplicate-member``).
        NotFound: a body's file is not there (kind ``file-missing``).
        Conflict: a body's file changed its size meanwhile (kind ``file-changed``).
        BackendUnavailable: no room, no rights; nothing stays behind.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    temp = os.path.join(folder, TEMP_PREFIX + new_nonce())
    with translated(target, "write"):
        try:
            with open(temp, "xb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    _write_members(archive, files)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temp, target)
        except BaseException:
            with suppress(OSError):  # a rest is garbage with a telling name
                os.unlink(temp)
            raise
        sync_folder(folder)


def _write_members(archive: zipfile.ZipFile, files: Iterable[tuple[str, bytes | Path]]) -> None:
    seen: set[str] = set()
    for key, body in files:
        check_key(key)
        if key in seen:
            raise InvalidInput(
                f"member {key!r} is given twice", kind="duplicate-member", member=key
            )
        seen.add(key)
        info = zipfile.ZipInfo(key, _EPOCH)
        info.create_system = _UNIX  # wherever it is written
        info.external_attr = _MODE << 16
        if isinstance(body, Path):
            _copy(archive, info, body)
        else:
            archive.writestr(info, body)


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, body: Path) -> None:
    with translated(str(body), "read"):
        try:
            source = open(body, "rb", buffering=0)  # noqa: SIM115  closed below, outside of this block
        except FileNotFoundError:
            raise NotFound(f"no file {str(body)!r}", kind="file-missing", file=body) from None
    with source:
        # Known before it is copied: it decides on the form of the header.
        info.file_size = missing = os.fstat(source.fileno()).st_size
        with archive.open(info, "w") as member:
            while missing:
                with translated(str(body), "read"):
                    piece = source.read(min(_PIECE, missing))
                if not piece:
                    break
                missing -= len(piece)
                member.write(piece)
        if missing or source.read(1):
            raise Conflict(
                f"{str(body)!r} changed while it was copied", kind="file-changed", file=body
            )


def sync_folder(folder: str) -> None:
    """Make the names in a folder survive a power cut."""
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows syncs no folders
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

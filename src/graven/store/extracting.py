"""Attachments written to the disk: never outside the target, and whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import BinaryIO

from graven.backends.files import write_all
from graven.errors import BackendUnavailable, Conflict, InvalidInput
from graven.formats.layout import TEMPORARY_PREFIX
from graven.ids import ObjectId, new_nonce
from graven.objects.filereader import ObjectFile
from graven.store.attachment_names import safe_path
from graven.store.attachments import FOLDER
from graven.store.base import StoreBase, warn
from graven.store.contents import open_entry, open_object, read_record
from graven.store.folders import Entry, decode_folder, links_that_stay
from graven.store.writebehind import WriteBehind

_COPY_BYTES = 1024 * 1024
_BITE_BYTES = 32 * 1024
"""The kernel takes pages of the cache as large as what is written at once. Those of up to
32 KiB are mostly at hand; larger ones it has to find: 1 MiB at a time took five times as long."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def export(store: StoreBase, object_id: ObjectId, name: str, target: str, *, force: bool) -> None:
    """See `graven.store.attaching.AttachingStore.export_attachment`."""
    target = os.path.abspath(target)
    record = read_record(store, object_id)
    if record is not None and record.type == FOLDER:
        _export_folder(store, decode_folder(record), target)
        return
    with open_object(store, object_id, None, name) as content, _translated(target):
        _export_file(content, target, force=force)


def place_below(folder: str, name: str, *, beside_folder: bool = False) -> str:
    """Where an attachment goes below a folder; what leads there is made.

    Args:
        folder: made if it is not there.
        name: the attachment's.
        beside_folder: see `graven.store.attachment_names.safe_path`.

    Raises:
        InvalidInput: a link or a file stands in the way, or the name has no file name.
    """
    *parents, last = safe_path(name, beside_folder=beside_folder)
    here = os.path.abspath(folder)
    with _translated(here):
        os.makedirs(here, exist_ok=True)
        for part in parents:
            here = os.path.join(here, part)
            with suppress(FileExistsError):
                os.mkdir(here)
            if os.path.islink(here) or not os.path.isdir(here):
                raise InvalidInput(
                    f"{here!r} is in the way: it is no folder",
                    kind="in-the-way",
                    hint="it was there before: move it, or export into another folder",
                    file=here,
                )
    return os.path.join(here, last)


def _export_file(content: BinaryIO, target: str, *, force: bool) -> None:
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, TEMPORARY_PREFIX + new_nonce())
    _refuse_standing(target, force=force and not os.path.isdir(target))
    try:
        _write_new(content, temporary)
        if force:
            os.replace(temporary, target)
        else:
            _rename_new(temporary, target)
    finally:
        with suppress(FileNotFoundError):  # it has its name
            os.unlink(temporary)


def _rename_new(temporary: str, target: str) -> None:
    """Rename without taking the place of a file that came since."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        _refuse_standing(target, force=False)
    except OSError:  # a file system without hard links
        _refuse_standing(target, force=False)
        os.rename(temporary, target)


def _refuse_standing(target: str, *, force: bool) -> None:
    if os.path.lexists(target) and not force:
        raise Conflict(
            f"{target} exists already",
            kind="file-exists",
            hint="--force replaces files, never a folder: remove it, or write to another place",
            file=target,
        )


def _export_folder(store: StoreBase, entries: Sequence[Entry], target: str) -> None:
    _refuse_standing(target, force=False)
    temporary = os.path.join(os.path.dirname(target), TEMPORARY_PREFIX + new_nonce())
    with _translated(target):
        try:
            os.mkdir(temporary)
            _fill(store, entries, temporary)
            _refuse_standing(target, force=False)
            os.rename(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _fill(store: StoreBase, entries: Sequence[Entry], top: str) -> None:
    for entry in entries:
        path = os.path.join(top, *_parts_here(entry))
        if entry.target is not None:
            continue
        if entry.object_id is None:
            os.makedirs(path, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open_entry(store, entry) as content:
            _write_new(content, path, executable=entry.executable)
    # Last, so that nothing is ever written through one.
    for entry, stays in links_that_stay(entries):
        if not stays or entry.target is None:
            warn(f"link {entry.name} is left out: {entry.target!r} leads out of the folder")
            continue
        path = os.path.join(top, *_parts_here(entry))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            os.symlink(entry.target, path)
        except OSError as error:
            if os.name != "nt":
                raise
            warn(f"link {entry.name} is left out: {error.strerror}")


def _parts_here(entry: Entry) -> tuple[str, ...]:
    """Names as they were; on Windows those that it has are written in our escape."""
    return entry.path if os.name != "nt" else safe_path(entry.name)


def _write_new(content: BinaryIO, path: str, *, executable: bool = False) -> None:
    mode = 0o777 if executable else 0o666  # less what the person's umask takes
    handle = os.open(path, _NEW | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as out:
        source = getattr(content, "raw", None)
        if not isinstance(source, ObjectFile) or content.tell():
            shutil.copyfileobj(content, out, _COPY_BYTES)
            return
        # A chunk is read and verified while the one before is written.
        behind = WriteBehind(1)
        try:
            for piece in source.pieces():
                behind.do(partial(_write_in_bites, handle, piece))
        finally:
            behind.wait()


def _write_in_bites(handle: int, piece: bytes) -> None:
    view = memoryview(piece)
    for start in range(0, len(view), _BITE_BYTES):
        write_all(handle, view[start : start + _BITE_BYTES])


@contextmanager
def _translated(target: str) -> Iterator[None]:
    """Faults of the disk that is written to, as graven's own."""
    try:
        yield
    except BackendUnavailable:
        raise
    except (InvalidInput, Conflict):
        raise
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else target
        raise BackendUnavailable(
            f"{where} cannot be written: {error.strerror}", kind="export-failed", file=where
        ) from error

"""Loose objects: one file each, raw bytes as hashed, for what other engines read in place.

The file's name carries the id, so a listing of ``objects/`` tells all there are. A ref's
note names the file of its object (`NOTE`), so that nobody needs that listing to find it.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from typing import IO, Any, NamedTuple

from graven.backends.base import Backend, Data
from graven.backends.files import write_all
from graven.backends.oserrors import translated
from graven.errors import BackendUnavailable, Corrupt, InvalidInput
from graven.formats import layout
from graven.ids import ObjectId, hash_bytes, new_nonce

NOTE = "loose"
"""Field of a ref's note: the nonce in the name of the file that its object stands in."""

PIECE_BYTES = 8 * 1024 * 1024
IN_MEMORY_BYTES = 64 * 1024 * 1024  # what is larger waits on the disk
_MAX_SIZE = 2**63 - 1
_OF_ONE_FILE = ("io-error", "denied")


class Loose(NamedTuple):
    """A loose object's file: ``modified_ms`` by the storage's clock, ``size`` in bytes."""

    key: str
    object_id: ObjectId
    size: int
    modified_ms: int


class LooseItem(NamedTuple):
    """A loose object on its way to another store: what is sent is its file."""

    id: ObjectId
    kind: str
    backend: Backend
    key: str
    size: int


def iter_loose(backend: Backend) -> Iterator[Loose]:
    """All loose objects of a store, sorted by key: one listing. Strangers are left out."""
    for entry in backend.list(layout.OBJECTS):
        object_id = layout.parse_loose_key(entry.key)
        if object_id is not None:
            yield Loose(entry.key, object_id, entry.size, entry.modified_ms)


def key_in_note(target: ObjectId | None, note: Mapping[str, Any] | None) -> tuple[str, int] | None:
    """Key and size of the loose file that a ref's note names, or None.

    A note may come from anywhere, so it leads to no other name than one of these.
    """
    if not note or target is None or NOTE not in note:
        return None
    nonce, size = note[NOTE], note.get("size")
    if not isinstance(nonce, str) or type(size) is not int or not 0 <= size <= _MAX_SIZE:
        return None
    key = layout.loose_key(target, nonce)
    return (key, size) if layout.parse_loose_key(key) == target else None


def write_loose(backend: Backend, object_id: ObjectId, data: Data) -> str:
    """Write an object as a file of its own, durably; returns its key.

    The name has never been used, so no plan to delete can have named it.
    """
    key = layout.loose_key(object_id, new_nonce())
    backend.put(key, data)
    return key


def read_pieces(backend: Backend, key: str, size: int) -> Iterator[bytes]:
    """The content of a loose file in pieces, not verified.

    Raises:
        NotFound: it is gone. Corrupt: it is cut short, or cannot be read.
    """
    for start in range(0, size, PIECE_BYTES):
        length = min(PIECE_BYTES, size - start)
        try:
            piece = backend.get_range(key, start, length)
        except BackendUnavailable as error:
            if error.kind not in _OF_ONE_FILE:
                raise
            raise Corrupt(f"{key} cannot be read: {error.message}", kind="unreadable") from error
        if len(piece) != length:
            raise Corrupt(f"{key} is cut short", kind="hash-mismatch", place=key)
        yield piece


def read_loose(backend: Backend, key: str, size: int) -> bytes:
    """The whole content, not verified: `ObjectReader` does that."""
    if size == 0:
        backend.get_range(key, 0, 1)  # it must be there
    return b"".join(read_pieces(backend, key, size))


@contextmanager
def spooled(backend: Backend, key: str, object_id: ObjectId, size: int) -> Iterator[IO[bytes]]:
    """The verified content as a file to read from, in little memory.

    Raises:
        NotFound: it is gone. Corrupt: it does not match its name.
    """
    from blake3 import blake3

    if size <= IN_MEMORY_BYTES:
        data = read_loose(backend, key, size)
        _check(hash_bytes(data), object_id, key)
        yield io.BytesIO(data)
        return
    with tempfile.TemporaryFile(prefix="graven-") as file:
        hasher = blake3()
        with translated(tempfile.gettempdir(), "write"):
            for piece in read_pieces(backend, key, size):
                hasher.update(piece)
                write_all(file.fileno(), memoryview(piece))  # a buffer would fail once more
            _check(hasher.digest(), object_id, key)
        file.seek(0)
        yield file


@contextmanager
def mapped(file: IO[bytes]) -> Iterator[Data]:
    """The content of a file as one body for `Backend.put`, without taking it into memory."""
    if isinstance(file, io.BytesIO):
        yield file.getvalue()
        return
    if os.fstat(file.fileno()).st_size == 0:
        yield b""
        return
    pages = mmap(file.fileno(), 0, access=ACCESS_READ)
    view = memoryview(pages)
    try:
        yield view
    finally:
        # After a fault its traceback holds parts of the view: they close with it.
        with suppress(BufferError):
            view.release()
            pages.close()


def nonce_of(key: str) -> str:
    """The nonce in the name of a loose file, for the note of a ref."""
    if layout.parse_loose_key(key) is None:
        raise InvalidInput(f"{key!r} is no key of a loose object", kind="bad-key", key=key)
    return key.rpartition("-")[2]


def _check(found: bytes, object_id: ObjectId, key: str) -> None:
    if found != object_id:
        raise Corrupt(
            f"object {object_id.hex()} in {key} does not match its name",
            kind="hash-mismatch",
            hint="run 'graven fsck --full' to see what else is damaged",
            object=object_id.hex(),
            place=key,
        )

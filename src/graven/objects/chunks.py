"""Bytes larger than a megabyte, as a `file` object over content-defined chunks.

Cut points depend on the algorithm, its parameters and the library's version, so all
three are part of what deduplicates (docs/format.md, "file").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from graven.errors import Corrupt
from graven.formats.envelope import BLOB, FILE, seal, unseal
from graven.formats.pack import MAX_FRAME_RAW, MAX_NUMBER
from graven.formats.packbuild import Item
from graven.ids import OBJECT_ID_BYTES, ObjectId, hash_bytes

if TYPE_CHECKING:
    from pyfastcdc import FastCDC

WHOLE_BYTES = 1024 * 1024  # up to here a blob stands whole in a pack
MIN_CHUNK = 256 * 1024
AVERAGE_CHUNK = 1024 * 1024
MAX_CHUNK = 4 * 1024 * 1024
_WINDOW_BYTES = 2 * MAX_CHUNK  # of a stream in memory: a cut is found within MAX_CHUNK


class Readable(Protocol):
    """What a stream must be able to do; fewer bytes than asked for are fine."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, none at the end."""


class FileRecord(NamedTuple):
    """A decoded `file` object: ``chunks`` are (id, length), ``blake3`` is of the whole."""

    size: int
    blake3: ObjectId
    chunks: Sequence[tuple[ObjectId, int]]


def to_items(data: bytes) -> list[Item]:
    """Objects that hold ``data``; the last one is the one to refer to."""
    if len(data) <= WHOLE_BYTES:
        return [Item(hash_bytes(data), BLOB, data)]
    chunks = [Item(hash_bytes(piece), BLOB, piece) for piece in cut(data)]
    listed = [(chunk.id, len(chunk.data)) for chunk in chunks]
    return [*chunks, file_item(FileRecord(len(data), hash_bytes(data), listed))]


def file_item(record: FileRecord) -> Item:
    """The `file` object of a record."""
    body = {
        "blake3": record.blake3,
        "chunks": [[chunk, length] for chunk, length in record.chunks],
        "size": record.size,
    }
    data = seal(FILE, body)
    return Item(hash_bytes(data), FILE, data)


def cut(data: bytes) -> Iterator[bytes]:
    """Content-defined pieces of ``data`` (FastCDC 2020)."""
    for chunk in _cutter().cut_buf(data):
        yield bytes(chunk.data)


def cut_stream(source: Readable) -> Iterator[bytes]:
    """As `cut`, of what a stream gives from here to its end, in the memory of a few chunks.

    The library's own `cut_stream` takes ten times as long.
    """
    cutter = _cutter()
    window = memoryview(bytearray(_WINDOW_BYTES))
    held = 0  # bytes at the window's beginning that belong to no chunk yet
    ended = False
    while True:
        while not ended and held < _WINDOW_BYTES:
            count = read_into(source, window[held:])
            held += count
            ended = not count
        done = 0
        if held:
            for chunk in cutter.cut_buf(window[:held]):
                # With fewer bytes ahead the next ones might move the cut.
                if not ended and held - done < MAX_CHUNK:
                    break
                yield bytes(chunk.data)
                done += chunk.length
        if ended:
            return
        window[: held - done] = window[done:held]  # they may overlap: it moves, not copies
        held -= done


def read_into(source: Readable, room: memoryview) -> int:
    """Fill ``room`` from its beginning; how many bytes came, 0 at the end of the stream."""
    readinto = getattr(source, "readinto", None)
    if readinto is not None:
        return int(readinto(room) or 0)
    piece = source.read(len(room))
    room[: len(piece)] = piece
    return len(piece)


def _cutter() -> FastCDC:
    from pyfastcdc import FastCDC

    return FastCDC(avg_size=AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK)


def file_size(record: bytes) -> int:
    """The size that a `file` object states."""
    return int(unseal(record, FILE).body["size"])


def decode_file(record: bytes) -> FileRecord:
    """The inverse of `file_item`.

    Raises:
        Corrupt: malformed, or its lengths do not add up. FormatTooNew: a newer version.
    """
    body = unseal(record, FILE).body
    try:
        chunks = [(ObjectId(chunk), length) for chunk, length in body["chunks"]]
        size, digest = body["size"], body["blake3"]
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"file object is malformed: {error}", kind="bad-object") from None
    if not all(_is_id(chunk) and _is_length(length) for chunk, length in chunks):
        raise Corrupt("file object names a chunk that cannot be", kind="bad-object")
    if not _is_id(digest) or size != sum(length for _, length in chunks) or size > MAX_NUMBER:
        raise Corrupt("file object's chunks do not add up to its size", kind="bad-object")
    return FileRecord(size, ObjectId(digest), chunks)


def _is_id(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == OBJECT_ID_BYTES


def _is_length(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_FRAME_RAW


def read_file(record: bytes, fetch: Callable[[ObjectId], bytes]) -> bytes:
    """The whole content of a `file` object, in memory.

    Raises:
        Corrupt: the parts do not make the whole. NotFound: one is gone.
    """
    found = decode_file(record)
    data = b"".join([fetch(chunk) for chunk, _ in found.chunks])  # a missing one is NotFound
    if len(data) != found.size or hash_bytes(data) != found.blake3:
        raise Corrupt("file object does not match its chunks", kind="hash-mismatch")
    return data

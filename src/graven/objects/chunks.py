"""Bytes larger than a megabyte, as a `file` object over content-defined chunks.

Cut points depend on the algorithm, its parameters and the library's version, so all
three are part of what deduplicates (docs/format.md, "Large artifacts").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graven.errors import Corrupt
from graven.formats.envelope import BLOB, FILE, seal, unseal
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes

WHOLE_BYTES = 1024 * 1024  # up to here a blob stands whole in a pack
MIN_CHUNK = 256 * 1024
AVERAGE_CHUNK = 1024 * 1024
MAX_CHUNK = 4 * 1024 * 1024


def to_items(data: bytes) -> list[Item]:
    """Objects that hold ``data``; the last one is the one to refer to."""
    if len(data) <= WHOLE_BYTES:
        return [Item(hash_bytes(data), BLOB, data)]
    chunks = [Item(hash_bytes(piece), BLOB, piece) for piece in cut(data)]
    body = {
        "blake3": hash_bytes(data),
        "chunks": [[chunk.id, len(chunk.data)] for chunk in chunks],
        "size": len(data),
    }
    record = seal(FILE, body)
    return [*chunks, Item(hash_bytes(record), FILE, record)]


def cut(data: bytes) -> Iterator[bytes]:
    """Content-defined pieces of ``data`` (FastCDC 2020)."""
    from pyfastcdc import FastCDC

    cutter = FastCDC(avg_size=AVERAGE_CHUNK, min_size=MIN_CHUNK, max_size=MAX_CHUNK)
    for chunk in cutter.cut_buf(data):
        yield bytes(chunk.data)


def file_size(record: bytes) -> int:
    """The size that a `file` object states."""
    return int(unseal(record, FILE).body["size"])


def read_file(record: bytes, fetch: Callable[[ObjectId], bytes]) -> bytes:
    """The whole content of a `file` object.

    Raises:
        Corrupt: the parts do not make the whole. NotFound: one is gone.
    """
    body = unseal(record, FILE).body
    try:
        ids = [ObjectId(bytes(chunk)) for chunk, _ in body["chunks"]]
        size, digest = body["size"], body["blake3"]
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"file object is malformed: {error}", kind="bad-object") from None
    data = b"".join([fetch(chunk) for chunk in ids])  # a chunk that is missing is NotFound
    if len(data) != size or hash_bytes(data) != digest:
        raise Corrupt("file object does not match its chunks", kind="hash-mismatch")
    return data

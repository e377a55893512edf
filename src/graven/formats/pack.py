"""The pack: objects and ref updates in one immutable file (docs/format.md, "Packs").

    head | frame ... | metadata | trailer

A frame is a header of its own, then one zstd frame (or raw bytes) that holds a table
of contents and the objects. A lost index can be rebuilt from the frames alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
import zstandard

from graven.errors import Corrupt, FormatTooNew
from graven.formats import canonical
from graven.formats.envelope import KIND_CODES, KINDS_BY_CODE
from graven.formats.header import FrameRow, IndexSection, Update, UpdateSection
from graven.ids import OBJECT_ID_BYTES, ObjectId, hash_bytes

VERSION = 1

HEAD_MAGIC = b"\x89grvn\r\n\x1a"  # a flipped high bit, CR LF and EOF show broken transfers
TAIL_MAGIC = b"\x1a\r\nnvrg\x89"
FRAME_MARK = b"gFRM"
META_MARK = b"gMET"

_HEAD = struct.Struct(">8sHHI16s")  # magic, version, flags, reserved, nonce
_FRAME = struct.Struct(">4sBBHIIII")  # mark, codec, reserved, reserved, count, raw, stored, crc
_META = struct.Struct(">4sIIII32sI")  # mark, updates stored/raw, index stored/raw, hash, crc
_TAIL = struct.Struct(">QQHHI8s")  # metadata offset, length, version, reserved, crc, magic
_TOC = struct.Struct(">BI")  # kind code, length

HEAD_BYTES = _HEAD.size
FRAME_HEADER_BYTES = _FRAME.size
META_HEADER_BYTES = _META.size
TAIL_BYTES = _TAIL.size
TOC_ENTRY_BYTES = _TOC.size

CODEC_RAW = 0
CODEC_ZSTD = 1

SOLID_FRAME_BYTES = 128 * 1024  # small records share frames of about this many raw bytes
MAX_PACK_BYTES = 64 * 1024 * 1024
MAX_FRAME_RAW = 16 * 1024 * 1024  # a reader never unpacks more at once (bombs)
MAX_SECTION_RAW = 256 * 1024 * 1024
LEVEL = 3
_PROBE_BYTES = 64 * 1024
_WORTH = 0.97  # a frame that shrinks by less is stored raw: it reads faster


class Location(NamedTuple):
    """Where an object's bytes lie within a pack."""

    frame: FrameRow
    offset: int  # within the unpacked frame
    length: int


class Item(NamedTuple):
    """An object on its way into a pack."""

    id: ObjectId
    kind: str
    data: bytes


class PackIndex:
    """The decoded index of a pack.

    Attributes:
        frames: in file order.
        ids, kinds, lengths: per object, in file order.
    """

    __slots__ = ("frames", "ids", "kinds", "lengths")

    def __init__(
        self,
        frames: Sequence[FrameRow],
        ids: list[ObjectId],
        kinds: list[str],
        lengths: list[int],
    ) -> None:
        self.frames = frames
        self.ids = ids
        self.kinds = kinds
        self.lengths = lengths

    def locations(self) -> Iterator[Location]:
        """The place of every object, in order."""
        position = 0
        for frame in self.frames:
            offset = frame.count * TOC_ENTRY_BYTES
            for length in self.lengths[position : position + frame.count]:
                yield Location(frame, offset, length)
                offset += length
            position += frame.count


# --- writing ---------------------------------------------------------------


class PackBuilder:
    """Collects objects, then lays them out with ref updates into pack bytes.

    Objects are added in the order in which they shall stand; ``new_frame`` starts a
    frame of its own for the next ones.
    """

    def __init__(self, nonce: bytes, level: int = LEVEL) -> None:
        self._parts: list[bytes] = [_HEAD.pack(HEAD_MAGIC, VERSION, 0, 0, nonce)]
        self._offset = HEAD_BYTES
        self._level = level
        self._open: list[Item] = []
        self._open_bytes = 0
        self._frames: list[FrameRow] = []
        self._ids: list[bytes] = []
        self._kinds = bytearray()
        self._lengths: list[int] = []

    @property
    def size(self) -> int:
        """Bytes so far, an open frame counted unpacked."""
        return self._offset + self._open_bytes

    @property
    def count(self) -> int:
        """How many objects have been added; the next one's ordinal."""
        return len(self._ids)

    def add(self, item: Item) -> int:
        """Append an object; returns its ordinal in the index."""
        size = len(item.data)
        if self._open and self._open_bytes + size > SOLID_FRAME_BYTES:
            self.new_frame()
        self._open.append(item)
        self._open_bytes += size + TOC_ENTRY_BYTES
        self._ids.append(item.id)
        self._kinds.append(KIND_CODES[item.kind])
        self._lengths.append(size)
        return len(self._ids) - 1

    def new_frame(self) -> None:
        """Close the open frame; the next object begins another."""
        if not self._open:
            return
        toc = b"".join([_TOC.pack(KIND_CODES[i.kind], len(i.data)) for i in self._open])
        raw = b"".join([toc, *[i.data for i in self._open]])
        codec, stored = _compress(raw, self._level)
        header = _FRAME.pack(FRAME_MARK, codec, 0, 0, len(self._open), len(raw), len(stored), 0)
        row = FrameRow(self._offset, codec, len(self._open), len(raw), len(stored))
        self._frames.append(row)
        self._parts += [_with_crc(header), stored]
        self._offset += FRAME_HEADER_BYTES + len(stored)
        self._open.clear()
        self._open_bytes = 0

    def finish(self, writer: bytes, base: int, updates: Sequence[Update]) -> bytes:
        """Close the pack and return its bytes."""
        self.new_frame()
        section = UpdateSection(VERSION, writer, base, list(updates))
        index = IndexSection(
            VERSION, self._frames, b"".join(self._ids), bytes(self._kinds), self._lengths
        )
        metadata = _build_metadata(
            canonical.pack_trusted(section), canonical.pack_trusted(index), self._level
        )
        tail = _TAIL.pack(self._offset, len(metadata), VERSION, 0, 0, TAIL_MAGIC)
        crc = zlib.crc32(tail[: -4 - len(TAIL_MAGIC)])
        tail = _TAIL.pack(self._offset, len(metadata), VERSION, 0, crc, TAIL_MAGIC)
        return b"".join([*self._parts, metadata, tail])


def _with_crc(header: bytes) -> bytes:
    return header[:-4] + zlib.crc32(header[:-4]).to_bytes(4, "big")


def _build_metadata(updates: bytes, index: bytes, level: int) -> bytes:
    stored_updates = _compressor(level).compress(updates)
    stored_index = _compressor(level).compress(index)
    body = stored_updates + stored_index
    header = _META.pack(
        META_MARK,
        len(stored_updates),
        len(updates),
        len(stored_index),
        len(index),
        hash_bytes(body),
        0,
    )
    return _with_crc(header) + body


@cache
def _compressor(level: int) -> zstandard.ZstdCompressor:
    # No checksum of zstd's own: every object has its hash, and without one a flipped
    # literal costs the object it lies in, not the whole frame.
    return zstandard.ZstdCompressor(level=level, write_checksum=False)


def _compress(raw: bytes, level: int) -> tuple[int, bytes]:
    if len(raw) > 4 * _PROBE_BYTES:
        middle = len(raw) // 2
        probe = raw[middle : middle + _PROBE_BYTES]
        if len(_compressor(1).compress(probe)) > _WORTH * len(probe):
            return CODEC_RAW, raw
    # A compressor object is not for two threads at once; making one costs microseconds.
    stored = zstandard.ZstdCompressor(level=level, write_checksum=False).compress(raw)
    return (CODEC_ZSTD, stored) if len(stored) < _WORTH * len(raw) else (CODEC_RAW, raw)


# --- reading ---------------------------------------------------------------


class Tail(NamedTuple):
    """The trailer's content."""

    offset: int
    length: int


def read_head(data: bytes) -> bytes:
    """Check the first bytes of a pack and return its nonce.

    Raises:
        Corrupt: no pack. FormatTooNew: a newer kind of pack.
    """
    if len(data) < HEAD_BYTES or data[:8] != HEAD_MAGIC:
        raise Corrupt("pack does not begin with the pack magic", kind="bad-header")
    _, version, flags, _, nonce = _HEAD.unpack_from(data)
    _check_pack_version(version, flags)
    return bytes(nonce)


def _check_pack_version(version: int, flags: int = 0) -> None:
    if version > VERSION or flags:
        raise FormatTooNew(
            f"pack of version {version} (flags {flags}) is newer than this program",
            hint="needs a newer graven",
        )


def read_tail(data: bytes, size: int) -> Tail:
    """Read the trailer from the last bytes of a pack of ``size`` bytes.

    Raises:
        Corrupt: cut short or damaged. FormatTooNew: a newer kind of pack.
    """
    if len(data) < TAIL_BYTES or size < HEAD_BYTES + TAIL_BYTES:
        raise Corrupt("pack is too short", kind="bad-trailer")
    tail = data[-TAIL_BYTES:]
    offset, length, version, _, crc, magic = _TAIL.unpack(tail)
    if magic != TAIL_MAGIC or crc != zlib.crc32(tail[: -4 - len(TAIL_MAGIC)]):
        raise Corrupt("pack's trailer is damaged or missing", kind="bad-trailer")
    _check_pack_version(version)
    if offset < HEAD_BYTES or offset + length + TAIL_BYTES != size:
        raise Corrupt("pack's trailer points outside the pack", kind="bad-trailer")
    return Tail(offset, length)


class Metadata(NamedTuple):
    """The two sections of a metadata region."""

    updates: UpdateSection
    index: PackIndex


_update_decoder = msgspec.msgpack.Decoder(UpdateSection)
_index_decoder = msgspec.msgpack.Decoder(IndexSection)


def read_metadata(region: bytes) -> Metadata:
    """Decode a metadata region, its hash checked first.

    Raises:
        Corrupt: damaged. FormatTooNew: sections of a newer version.
    """
    header = region[:META_HEADER_BYTES]
    if len(header) < META_HEADER_BYTES or header[:4] != META_MARK or _with_crc(header) != header:
        raise Corrupt("pack's metadata header is damaged", kind="bad-metadata")
    _, stored_u, raw_u, stored_i, raw_i, digest, _ = _META.unpack(header)
    body = region[META_HEADER_BYTES : META_HEADER_BYTES + stored_u + stored_i]
    if hash_bytes(body) != digest:
        raise Corrupt("pack's metadata does not match its hash", kind="bad-metadata")
    updates = _decompress(body[:stored_u], raw_u, MAX_SECTION_RAW)
    index = _decompress(body[stored_u:], raw_i, MAX_SECTION_RAW)
    try:
        return Metadata(_update_decoder.decode(updates), _read_index(index))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Corrupt(f"pack's metadata cannot be decoded: {error}", kind="bad-metadata") from None


def _read_index(data: bytes) -> PackIndex:
    section = _index_decoder.decode(data)
    if section.version > VERSION:
        _check_pack_version(section.version)
    count = len(section.lengths)
    if (
        len(section.kinds) != count
        or len(section.ids) != count * OBJECT_ID_BYTES
        or sum(frame.count for frame in section.frames) != count
        or not all(code in KINDS_BY_CODE for code in set(section.kinds))
    ):
        raise Corrupt("pack's index contradicts itself", kind="bad-metadata")
    ids = section.ids
    return PackIndex(
        section.frames,
        [ObjectId(ids[i : i + OBJECT_ID_BYTES]) for i in range(0, len(ids), OBJECT_ID_BYTES)],
        [KINDS_BY_CODE[code] for code in section.kinds],
        section.lengths,
    )


def decode_frame(frame: FrameRow, payload: bytes) -> bytes:
    """Unpack a frame's payload (the bytes after its header).

    Raises:
        Corrupt: it cannot be unpacked to the length that the index states.
    """
    if len(payload) != frame.stored:
        raise Corrupt("pack is cut short within a frame", kind="bad-frame")
    if frame.codec == CODEC_RAW:
        if frame.raw != frame.stored:
            raise Corrupt("raw frame of two lengths", kind="bad-frame")
        return payload
    if frame.codec != CODEC_ZSTD:
        raise FormatTooNew(f"frame codec {frame.codec} is not known", hint="needs a newer graven")
    return _decompress(payload, frame.raw, MAX_FRAME_RAW)


def _decompress(data: bytes, raw: int, limit: int) -> bytes:
    """Unpack exactly ``raw`` bytes; the claim is checked before any memory is taken."""
    try:
        if raw > limit or zstandard.frame_content_size(data) != raw:
            raise Corrupt("compressed data of another length than stated", kind="bad-frame")
        out = zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise Corrupt(f"compressed data is damaged: {error}", kind="bad-frame") from None
    if len(out) != raw:
        raise Corrupt("compressed data of another length than stated", kind="bad-frame")
    return out

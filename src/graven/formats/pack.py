"""The pack: objects and ref updates in one immutable file (docs/format.md, "Packs").

    head | frame ... | metadata | trailer

A frame is a header of its own, then one zstd frame (or raw bytes) that holds a table
of contents and the objects. A lost index can be rebuilt from the frames alone.
Here are the layout and the reading of it; `packbuild` writes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from graven import clock
from graven.errors import Corrupt, FormatTooNew
from graven.formats.compression import CODEC_RAW, CODEC_ZSTD, decompress
from graven.formats.envelope import KINDS_BY_CODE
from graven.formats.header import FrameRow, Header, IndexSection, UpdateSection
from graven.ids import OBJECT_ID_BYTES, ObjectId, hash_bytes

VERSION = 1

HEAD_MAGIC = b"\x89grvn\r\n\x1a"  # a flipped high bit, CR LF and EOF show broken transfers
TAIL_MAGIC = b"\x1a\r\nnvrg\x89"
FRAME_MARK = b"gFRM"
META_MARK = b"gMET"

HEAD = struct.Struct(">8sHHI16s")  # magic, version, flags, reserved, nonce
FRAME = struct.Struct(">4sBBHIIII")  # mark, codec, reserved, reserved, count, raw, stored, crc
META = struct.Struct(">4sIIII32sI")  # mark, updates stored/raw, index stored/raw, hash, crc
TAIL = struct.Struct(">QQHHI8s")  # metadata offset, length, version, reserved, crc, magic
TOC = struct.Struct(">BI")  # kind code, length

HEAD_BYTES = HEAD.size
FRAME_HEADER_BYTES = FRAME.size
META_HEADER_BYTES = META.size
TAIL_BYTES = TAIL.size
TOC_ENTRY_BYTES = TOC.size

MAX_PACK_BYTES = 64 * 1024 * 1024
DATA_PACK_BYTES = 8 * 1024 * 1024  # of large objects: a stream holds two of them in memory
LARGE_OBJECT_BYTES = 64 * 1024
MAX_FRAME_RAW = 48 * 1024 * 1024  # a reader never unpacks more at once (bombs)
MAX_SECTION_RAW = 256 * 1024 * 1024
MAX_NUMBER = 2**63 - 1  # what the catalog's integers hold: stamps, sizes, counts


class Location(NamedTuple):
    """Where an object's bytes lie within a pack."""

    frame: FrameRow
    offset: int  # within the unpacked frame
    length: int


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

    def spans(self) -> Iterator[tuple[ObjectId, str, int, int, int]]:
        """Of every object, in order: id, kind, offset of its frame, where in it, length."""
        position = 0
        for frame in self.frames:
            at = frame.offset
            offset = frame.count * TOC_ENTRY_BYTES
            part = slice(position, position + frame.count)
            position += frame.count
            for object_id, kind, length in zip(
                self.ids[part], self.kinds[part], self.lengths[part], strict=True
            ):
                yield object_id, kind, at, offset, length
                offset += length


def with_crc(header: bytes) -> bytes:
    """``header`` with the CRC-32 of what stands before its last four bytes in those."""
    return header[:-4] + zlib.crc32(header[:-4]).to_bytes(4, "big")


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
    _, version, flags, _, nonce = HEAD.unpack_from(data)
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
    offset, length, version, _, crc, magic = TAIL.unpack(tail)
    if magic != TAIL_MAGIC or crc != zlib.crc32(tail[: -4 - len(TAIL_MAGIC)]):
        raise Corrupt("pack's trailer is damaged or missing", kind="bad-trailer")
    _check_pack_version(version)
    if offset < HEAD_BYTES or offset + length + TAIL_BYTES != size:
        raise Corrupt("pack's trailer points outside the pack", kind="bad-trailer")
    return Tail(offset, length)


class Metadata(NamedTuple):
    """The two sections of a metadata region."""

    updates: UpdateSection
    objects: PackIndex


_update_decoder = msgspec.msgpack.Decoder(UpdateSection)
_index_decoder = msgspec.msgpack.Decoder(IndexSection)


def is_metadata_header(header: bytes) -> bool:
    """True for the whole, undamaged header of a metadata region."""
    return (
        len(header) == META_HEADER_BYTES and header[:4] == META_MARK and with_crc(header) == header
    )


def read_metadata(region: bytes) -> Metadata:
    """Decode a metadata region, its hash checked first.

    Raises:
        Corrupt: damaged. FormatTooNew: sections of a newer version.
    """
    header = region[:META_HEADER_BYTES]
    if not is_metadata_header(header):
        raise Corrupt("pack's metadata header is damaged", kind="bad-metadata")
    _, stored_u, raw_u, stored_i, raw_i, digest, _ = META.unpack(header)
    body = region[META_HEADER_BYTES : META_HEADER_BYTES + stored_u + stored_i]
    if hash_bytes(body) != digest:
        raise Corrupt("pack's metadata does not match its hash", kind="bad-metadata")
    updates = decompress(body[:stored_u], raw_u, MAX_SECTION_RAW)
    index = decompress(body[stored_u:], raw_i, MAX_SECTION_RAW)
    try:
        objects = _read_index(index)
        return Metadata(_read_updates(updates, len(objects.ids)), objects)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Corrupt(f"pack's metadata cannot be decoded: {error}", kind="bad-metadata") from None


def _read_updates(data: bytes, objects: int) -> UpdateSection:
    section = _update_decoder.decode(data)
    if section.version > VERSION:
        _check_pack_version(section.version)
    # A hash vouches for the bytes, not for the writer: nothing here may hurt the catalog.
    highest = MAX_NUMBER - max(section.base, 0)
    for row in section.updates:
        target, header = row.target, row.header
        if (
            not 0 <= row.delay <= highest
            or not 0 <= row.floor <= MAX_NUMBER
            or not (target is None or _is_target(target, objects))
            or not (header is None or _is_header(header))
        ):
            raise Corrupt(f"pack's update of {row.name[:60]!r} is malformed", kind="bad-metadata")
    if section.base < 0:
        raise Corrupt("pack's base stamp is below zero", kind="bad-metadata")
    if not _owners_add_up(section):
        raise Corrupt("pack's list of writers is malformed", kind="bad-metadata")
    return section


def _owners_add_up(section: UpdateSection) -> bool:
    if section.owners is None:
        return not section.others
    size = len(section.writer)
    if not size or len(section.others) % size or len(section.owners) != len(section.updates):
        return False
    count = 1 + len(section.others) // size
    return all(0 <= owner < count for owner in section.owners)


def _is_target(target: int | bytes, objects: int) -> bool:
    if isinstance(target, int):
        return 0 <= target < objects
    return len(target) == OBJECT_ID_BYTES


def _is_header(header: Header) -> bool:
    return (
        (header.commit is None or isinstance(header.commit, (str, bytes)))
        and clock.MIN_MICROS <= header.timestamp <= clock.MAX_MICROS
        and 0 <= header.points <= MAX_NUMBER
    )


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
        or not _frames_add_up(section)
    ):
        raise Corrupt("pack's index contradicts itself", kind="bad-metadata")
    ids = section.ids
    return PackIndex(
        section.frames,
        [ObjectId(ids[i : i + OBJECT_ID_BYTES]) for i in range(0, len(ids), OBJECT_ID_BYTES)],
        [KINDS_BY_CODE[code] for code in section.kinds],
        section.lengths,
    )


def _frames_add_up(section: IndexSection) -> bool:
    position = 0
    for frame in section.frames:
        lengths = section.lengths[position : position + frame.count]
        position += frame.count
        if (
            min(frame.offset, frame.codec, frame.count, frame.stored) < 0
            or frame.offset + frame.stored > MAX_NUMBER
            or min(lengths, default=0) < 0
            or frame.raw != frame.count * TOC_ENTRY_BYTES + sum(lengths)
        ):
            return False
    return True


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
    return decompress(payload, frame.raw, MAX_FRAME_RAW)

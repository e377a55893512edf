"""What can still be read of a damaged pack: frames found by their marks, one by one.

Used by fsck, and by the catalog when a pack's metadata region is lost: the frames
carry what a new index needs (docs/format.md, "Rebuilding a lost index").
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import zstandard

from graven.errors import Corrupt
from graven.formats import pack
from graven.formats.compression import CODEC_RAW
from graven.formats.envelope import KINDS_BY_CODE
from graven.formats.header import FrameRow
from graven.ids import ObjectId, hash_bytes


class Found(NamedTuple):
    """An object found by scanning: its id is the hash of the bytes that are there."""

    id: ObjectId
    kind: str
    data: bytes
    frame: FrameRow
    offset: int


def scan_frames(data: bytes) -> Iterator[FrameRow]:
    """Every frame whose header is whole, in file order; damaged stretches are stepped over."""
    position = pack.HEAD_BYTES
    while True:
        position = data.find(pack.FRAME_MARK, position)
        if position < 0:
            return
        row = read_frame_header(data, position)
        if row is None:
            position += 1
            continue
        yield row
        position += pack.FRAME_HEADER_BYTES + row.stored


def read_frame_header(data: bytes, position: int) -> FrameRow | None:
    """The frame header at ``position``, or None where there is no whole one."""
    header = data[position : position + pack.FRAME_HEADER_BYTES]
    if len(header) < pack.FRAME_HEADER_BYTES:
        return None
    mark, codec, _, _, count, raw, stored, crc = pack.FRAME.unpack(header)
    if mark != pack.FRAME_MARK or crc != zlib.crc32(header[:-4]):
        return None
    return FrameRow(position, codec, count, raw, stored)


def salvage(data: bytes, frame: FrameRow) -> bytes:
    """As much of a frame's content as unpacks: the front part, where it is damaged."""
    start = frame.offset + pack.FRAME_HEADER_BYTES
    payload = data[start : start + frame.stored]
    if frame.codec == CODEC_RAW:
        return payload
    if frame.raw > pack.MAX_FRAME_RAW:
        return b""
    reader = zstandard.ZstdDecompressor().stream_reader(payload)
    out = bytearray()
    try:
        while len(out) <= frame.raw:
            piece = reader.read(16 * 1024)
            if not piece:
                break
            out += piece
    except zstandard.ZstdError:
        pass  # what came before the damage is what we are here for
    return bytes(out[: frame.raw])


def scan_objects(data: bytes, frame: FrameRow) -> Iterator[Found]:
    """The objects of one frame, by its own table of contents.

    Where the frame is damaged the ids of damaged objects are wrong, of course: the
    caller keeps those that somebody knows.
    """
    raw = salvage(data, frame)
    offset = frame.count * pack.TOC_ENTRY_BYTES
    if len(raw) < offset:
        return
    for index in range(frame.count):
        code, length = pack.TOC.unpack_from(raw, index * pack.TOC_ENTRY_BYTES)
        body = raw[offset : offset + length]
        if len(body) == length and code in KINDS_BY_CODE:
            yield Found(hash_bytes(body), KINDS_BY_CODE[code], body, frame, offset)
        offset += length


def find_metadata(data: bytes) -> pack.Metadata | None:
    """The metadata region, found by its mark where the trailer is lost."""
    position = len(data)
    while True:
        position = data.rfind(pack.META_MARK, 0, position)
        if position < 0:
            return None
        if not pack.is_metadata_header(data[position : position + pack.META_HEADER_BYTES]):
            continue  # a mark by chance, or many on purpose: no copy is made for them
        try:
            return pack.read_metadata(data[position:])
        except Corrupt:
            continue

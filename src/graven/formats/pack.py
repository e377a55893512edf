"""The pack: objects and ref updates in one immutable file (docs/format.md, "Packs").

    head | frame ... | metadata | trailer

A frame is a header of its own, then one zstd frame (or raw bytes) that holds a table
of contents and the objects. A lost index can be rebuilt from the frames alone.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import zstandard

from graven import clock
from graven.errors import Corrupt, FormatTooNew, InvalidInput
from graven.formats import canonical
from graven.formats.envelope import KIND_CODES, KINDS_BY_CODE, RUN
from graven.formats.header import FrameRow, Header, IndexSection, Update, UpdateSection
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

SOLID_FRAME_BYTES = 24 * 1024  # small records share frames of about this many raw bytes
MAX_PACK_BYTES = 64 * 1024 * 1024
MAX_FRAME_RAW = 48 * 1024 * 1024  # a reader never unpacks more at once (bombs)
MAX_SECTION_RAW = 256 * 1024 * 1024
MAX_NUMBER = 2**63 - 1  # what the catalog's integers hold: stamps, sizes, counts
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


class PendingUpdate(NamedTuple):
    """A ref update on its way into a pack: the target is an id, the stamp is whole."""

    name: str
    stamp: int
    target: ObjectId | None
    floor: int = 0
    header: Header | None = None
    note: dict[str, Any] | None = None


def check_size(item: Item) -> None:
    """Refuse an object larger than any reader unpacks.

    Raises:
        InvalidInput: says so.
    """
    if len(item.data) + TOC_ENTRY_BYTES > MAX_FRAME_RAW:
        raise InvalidInput(
            f"{item.kind} object of {len(item.data):,} bytes is larger than {MAX_FRAME_RAW:,}",
            kind="object-too-large",
            hint="keep fewer samples, or attach the raw file instead",
        )


class PackBuilder:
    """Collects objects, then lays them out with ref updates into pack bytes.

    Objects of a lane share frames; lanes keep apart what is read apart (run objects
    from all else). An object is taken in once, however often it is added.
    """

    def __init__(self, nonce: bytes, level: int = LEVEL) -> None:
        self._parts: list[bytes] = [_HEAD.pack(HEAD_MAGIC, VERSION, 0, 0, nonce)]
        self._offset = HEAD_BYTES
        self._level = level
        self._lanes: dict[str, list[Item]] = {}
        self._lane_bytes: dict[str, int] = {}
        self._frames: list[FrameRow] = []
        self._ordinals: dict[ObjectId, int] = {}  # -1 while the object's frame is open
        self._closed: list[Item] = []

    @property
    def size(self) -> int:
        """Bytes so far, open frames counted unpacked."""
        return self._offset + sum(self._lane_bytes.values())

    def __len__(self) -> int:
        return len(self._ordinals)

    def add(self, item: Item) -> None:
        """Take an object in.

        Raises:
            InvalidInput: larger than any reader unpacks.
        """
        if item.id in self._ordinals:
            return
        check_size(item)
        lane = "run" if item.kind == RUN else "shared"
        size = len(item.data) + TOC_ENTRY_BYTES
        items = self._lanes.setdefault(lane, [])
        if items and self._lane_bytes[lane] + size > SOLID_FRAME_BYTES:
            self._close_frame(lane)
            items = self._lanes.setdefault(lane, [])
        items.append(item)
        self._lane_bytes[lane] = self._lane_bytes.get(lane, 0) + size
        self._ordinals[item.id] = -1

    def _close_frame(self, lane: str) -> None:
        items = self._lanes.pop(lane, [])
        self._lane_bytes[lane] = 0
        if not items:
            return
        toc = b"".join([_TOC.pack(KIND_CODES[i.kind], len(i.data)) for i in items])
        raw = b"".join([toc, *[i.data for i in items]])
        codec, stored = _compress(raw, self._level)
        header = _FRAME.pack(FRAME_MARK, codec, 0, 0, len(items), len(raw), len(stored), 0)
        self._frames.append(FrameRow(self._offset, codec, len(items), len(raw), len(stored)))
        self._parts += [_with_crc(header), stored]
        self._offset += FRAME_HEADER_BYTES + len(stored)
        for item in items:
            self._ordinals[item.id] = len(self._closed)
            # What the index needs; the bytes themselves are in the frame.
            self._closed.append(Item(item.id, item.kind, len(item.data).to_bytes(8, "big")))

    def finish(self, writer: bytes, updates: Sequence[PendingUpdate]) -> bytes:
        """Close the pack and return its bytes."""
        for lane in sorted(self._lanes, reverse=True):  # shared objects before runs
            self._close_frame(lane)
        base = min((update.stamp for update in updates), default=0)
        section = UpdateSection(VERSION, writer, base, [self._row(u, base) for u in updates])
        index = IndexSection(
            VERSION,
            self._frames,
            b"".join([item.id for item in self._closed]),
            bytes([KIND_CODES[item.kind] for item in self._closed]),
            [int.from_bytes(item.data, "big") for item in self._closed],
        )
        metadata = _build_metadata(
            canonical.pack_trusted(section), canonical.pack_trusted(index), self._level
        )
        tail = _TAIL.pack(self._offset, len(metadata), VERSION, 0, 0, TAIL_MAGIC)
        crc = zlib.crc32(tail[: -4 - len(TAIL_MAGIC)])
        tail = _TAIL.pack(self._offset, len(metadata), VERSION, 0, crc, TAIL_MAGIC)
        return b"".join([*self._parts, metadata, tail])

    def _row(self, update: PendingUpdate, base: int) -> Update:
        target: int | bytes | None = update.target
        if update.target is not None:
            target = self._ordinals.get(update.target, update.target)
        return Update(
            update.name, update.stamp - base, target, update.floor, update.header, update.note
        )


def _with_crc(header: bytes) -> bytes:
    return header[:-4] + zlib.crc32(header[:-4]).to_bytes(4, "big")


def _build_metadata(updates: bytes, index: bytes, level: int) -> bytes:
    if max(len(updates), len(index)) > MAX_SECTION_RAW:
        raise InvalidInput(
            "more objects or refs in one transaction than any reader takes",
            kind="transaction-too-large",
            hint="use several batches of up to a million runs",
        )
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


_threads = threading.local()


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """A compressor of this thread's own: two threads may not share one, making one is slow."""
    held: dict[int, zstandard.ZstdCompressor] = _threads.__dict__.setdefault("held", {})
    if level not in held:
        # No checksum of zstd's own: every object has its hash, and without one a flipped
        # literal costs the object it lies in, not the whole frame.
        held[level] = zstandard.ZstdCompressor(level=level, write_checksum=False)
    return held[level]


def _compress(raw: bytes, level: int) -> tuple[int, bytes]:
    if len(raw) > 4 * _PROBE_BYTES:
        middle = len(raw) // 2
        probe = raw[middle : middle + _PROBE_BYTES]
        if len(_compressor(1).compress(probe)) > _WORTH * len(probe):
            return CODEC_RAW, raw
    stored = _compressor(level).compress(raw)
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
    objects: PackIndex


_update_decoder = msgspec.msgpack.Decoder(UpdateSection)
_index_decoder = msgspec.msgpack.Decoder(IndexSection)


def is_metadata_header(header: bytes) -> bool:
    """True for the whole, undamaged header of a metadata region."""
    return (
        len(header) == META_HEADER_BYTES and header[:4] == META_MARK and _with_crc(header) == header
    )


def read_metadata(region: bytes) -> Metadata:
    """Decode a metadata region, its hash checked first.

    Raises:
        Corrupt: damaged. FormatTooNew: sections of a newer version.
    """
    header = region[:META_HEADER_BYTES]
    if not is_metadata_header(header):
        raise Corrupt("pack's metadata header is damaged", kind="bad-metadata")
    _, stored_u, raw_u, stored_i, raw_i, digest, _ = _META.unpack(header)
    body = region[META_HEADER_BYTES : META_HEADER_BYTES + stored_u + stored_i]
    if hash_bytes(body) != digest:
        raise Corrupt("pack's metadata does not match its hash", kind="bad-metadata")
    updates = _decompress(body[:stored_u], raw_u, MAX_SECTION_RAW)
    index = _decompress(body[stored_u:], raw_i, MAX_SECTION_RAW)
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
    return section


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

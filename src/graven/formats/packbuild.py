"""The writer of packs: collects objects and ref updates, lays them out in bytes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from graven.errors import InvalidInput
from graven.formats import canonical, pack
from graven.formats.compression import CODEC_RAW, LEVEL, compress, compressor, is_dense
from graven.formats.envelope import KIND_CODES, RUN
from graven.formats.header import (
    FrameRow,
    Header,
    IndexSection,
    OwnUpdateSection,
    Update,
    UpdateSection,
)
from graven.ids import ObjectId, hash_bytes

Laid: TypeAlias = bytearray | memoryview
"""The bytes of a pack, once they are laid out."""

SOLID_FRAME_BYTES = 12 * 1024  # small records share frames of about this many raw bytes


class Item(NamedTuple):
    """An object on its way into a pack."""

    id: ObjectId
    kind: str
    data: bytes


class PendingUpdate(NamedTuple):
    """A ref update on its way into a pack: the target is an id, the stamp is whole.

    ``writer`` is named where it is not the pack's own.
    """

    name: str
    stamp: int
    target: ObjectId | None
    floor: int = 0
    header: Header | None = None
    note: dict[str, Any] | None = None
    writer: bytes | None = None


def check_size(item: Item) -> None:
    """Refuse an object larger than any reader unpacks.

    Raises:
        InvalidInput: says so.
    """
    if len(item.data) + pack.TOC_ENTRY_BYTES > pack.MAX_FRAME_RAW:
        raise InvalidInput(
            f"{item.kind} object of {len(item.data):,} bytes is larger than {pack.MAX_FRAME_RAW:,}",
            kind="object-too-large",
            hint="keep fewer samples, or attach the raw file instead",
        )


class PackBuilder:
    """Collects objects, then lays them out with ref updates into pack bytes.

    Objects of a lane share frames; lanes keep apart what is read apart (run objects
    from all else). An object is taken in once, however often it is added.
    """

    def __init__(self, nonce: bytes, level: int = LEVEL) -> None:
        # One buffer that grows, not parts to be joined: those would be in memory twice.
        self._body = bytearray(pack.HEAD.pack(pack.HEAD_MAGIC, pack.VERSION, 0, 0, nonce))
        self._room: memoryview | None = None
        self._used = 0  # bytes of the room
        self._level = level
        self._lanes: dict[str, list[Item]] = {"run": [], "shared": []}
        self._lane_bytes = {"run": 0, "shared": 0}
        self._frames: list[FrameRow] = []
        self._ordinals: dict[ObjectId, int] = {}  # -1 while the object's frame is open
        # What the index holds of the objects in closed frames, in file order.
        self._ids: list[ObjectId] = []
        self._kinds = bytearray()
        self._lengths: list[int] = []

    @property
    def size(self) -> int:
        """Bytes so far, open frames counted unpacked."""
        return self._laid_out + sum(self._lane_bytes.values())

    @property
    def _laid_out(self) -> int:
        return self._used + len(self._body)

    def lay_out_in(self, room: memoryview) -> None:
        """Use memory of the caller's from now on, as long as the pack fits into it.

        What `finish` returns is a part of it then, and valid until the room is used again.
        """
        body, self._body, self._room = self._body, bytearray(), room
        self._append(body)

    def _append(self, part: bytes | bytearray) -> None:
        end = self._used + len(part)
        if self._room is not None and end > len(self._room):
            self._body += self._room[: self._used]
            self._room, self._used = None, 0
        if self._room is None:
            self._body += part
        else:
            self._room[self._used : end] = part
            self._used = end

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
        size = self._lane_bytes[lane] + len(item.data) + pack.TOC_ENTRY_BYTES
        if size > SOLID_FRAME_BYTES and self._lanes[lane]:
            self._close_frame(lane)
            size = len(item.data) + pack.TOC_ENTRY_BYTES
        self._lanes[lane].append(item)
        self._lane_bytes[lane] = size
        self._ordinals[item.id] = -1

    def _close_frame(self, lane: str) -> None:
        items = self._lanes[lane]
        if not items:
            return
        self._lanes[lane] = []
        self._lane_bytes[lane] = 0
        kinds = bytes([KIND_CODES[item.kind] for item in items])
        lengths = [len(item.data) for item in items]
        toc = b"".join(map(pack.TOC.pack, kinds, lengths))
        codec, stored = _stored(toc, items, self._level)
        size, raw = sum(map(len, stored)), len(toc) + sum(lengths)
        header = pack.FRAME.pack(pack.FRAME_MARK, codec, 0, 0, len(items), raw, size, 0)
        self._frames.append(FrameRow(self._laid_out, codec, len(items), raw, size))
        for part in (pack.with_crc(header), *stored):
            self._append(part)
        ids = [item.id for item in items]
        self._ordinals.update(zip(ids, count(len(self._ids)), strict=False))
        self._ids += ids
        self._kinds += kinds
        self._lengths += lengths

    def finish(self, writer: bytes, updates: Sequence[PendingUpdate]) -> Laid:
        """Close the pack and return its bytes; the builder is done with then."""
        for lane in sorted(self._lanes, reverse=True):  # shared objects before runs
            self._close_frame(lane)
        base = min((update.stamp for update in updates), default=0)
        rows = [self._row(u, base) for u in updates]
        section = _section(writer, base, rows, [u.writer for u in updates])
        index = IndexSection(
            pack.VERSION,
            self._frames,
            b"".join(self._ids),
            bytes(self._kinds),
            self._lengths,
        )
        metadata = _build_metadata(
            canonical.pack_trusted(section), canonical.pack_trusted(index), self._level
        )
        offset = self._laid_out
        tail = pack.TAIL.pack(offset, len(metadata), pack.VERSION, 0, 0, pack.TAIL_MAGIC)
        crc = zlib.crc32(tail[: -4 - len(pack.TAIL_MAGIC)])
        tail = pack.TAIL.pack(offset, len(metadata), pack.VERSION, 0, crc, pack.TAIL_MAGIC)
        self._append(metadata)
        self._append(tail)
        return self._body if self._room is None else self._room[: self._used]

    def _row(self, update: PendingUpdate, base: int) -> Update:
        target: int | bytes | None = update.target
        if update.target is not None:
            target = self._ordinals.get(update.target, update.target)
        return Update(
            update.name, update.stamp - base, target, update.floor, update.header, update.note
        )


def _stored(toc: bytes, items: Sequence[Item], level: int) -> tuple[int, list[bytes]]:
    """The codec of a frame, and its payload in parts."""
    if len(items) == 1 and is_dense(items[0].data):
        return CODEC_RAW, [toc, items[0].data]  # not joined: large objects mostly go this way
    codec, stored = compress(b"".join([toc, *[item.data for item in items]]), level)
    return codec, [stored]


def _section(
    writer: bytes, base: int, rows: list[Update], owners: Sequence[bytes | None]
) -> UpdateSection | OwnUpdateSection:
    others = sorted({owner for owner in owners if owner is not None and owner != writer})
    if not others:
        return OwnUpdateSection(pack.VERSION, writer, base, rows)
    numbers: dict[bytes | None, int] = {None: 0, writer: 0}
    numbers.update(zip(others, count(1), strict=False))
    return UpdateSection(
        pack.VERSION, writer, base, rows, b"".join(others), [numbers[owner] for owner in owners]
    )


def _build_metadata(updates: bytes, index: bytes, level: int) -> bytes:
    if max(len(updates), len(index)) > pack.MAX_SECTION_RAW:
        raise InvalidInput(
            "more objects or refs in one transaction than any reader takes",
            kind="transaction-too-large",
            hint="use several batches of up to a million runs",
        )
    stored_updates = compressor(level).compress(updates)
    stored_index = compressor(level).compress(index)
    body = stored_updates + stored_index
    header = pack.META.pack(
        pack.META_MARK,
        len(stored_updates),
        len(updates),
        len(stored_index),
        len(index),
        hash_bytes(body),
        0,
    )
    return pack.with_crc(header) + body

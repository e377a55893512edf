"""A whole pack, read and verified to the last byte: what may be copied, and what was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from graven.backends.base import Backend
from graven.catalog.refresh import expand_updates
from graven.errors import Corrupt
from graven.formats import layout, pack
from graven.formats.packbuild import Item
from graven.ids import hash_bytes
from graven.objects.packs import read_whole_pack
from graven.refs.journal import RefUpdate


class WholePack(NamedTuple):
    """All that a pack holds, verified; objects in file order."""

    name: str
    size: int
    items: list[Item]
    updates: list[RefUpdate]


def read_pack(backend: Backend, name: str, size: int | None = None) -> WholePack:
    """Read a pack whole, and check all of it.

    Args:
        backend: the store's.
        name: the pack.
        size: as listed a moment ago, which saves a look.

    Raises:
        NotFound: it is gone. Corrupt: a byte is wrong. FormatTooNew: a newer format.
    """
    data = read_whole_pack(backend, name, size)
    parsed = layout.parse_pack_name(name)
    if parsed is None or hash_bytes(data) != parsed.digest:
        raise Corrupt(f"pack {name} does not match its name", kind="hash-mismatch", pack=name)
    pack.read_head(data)
    tail = pack.read_tail(data, len(data))
    metadata = pack.read_metadata(data[tail.offset : tail.offset + tail.length])
    items = list(_items(name, data, metadata.objects))
    return WholePack(name, len(data), items, expand_updates(metadata))


def _items(name: str, data: bytes, index: pack.PackIndex) -> Iterator[Item]:
    position = 0
    for frame in index.frames:
        start = frame.offset + pack.FRAME_HEADER_BYTES
        raw = pack.decode_frame(frame, data[start : start + frame.stored])
        offset = frame.count * pack.TOC_ENTRY_BYTES
        for number in range(position, position + frame.count):
            length = index.lengths[number]
            body = raw[offset : offset + length]
            offset += length
            object_id = index.ids[number]
            if hash_bytes(body) != object_id:
                raise Corrupt(
                    f"object {object_id.hex()} in pack {name} does not match its name",
                    kind="hash-mismatch",
                    object=object_id.hex(),
                    pack=name,
                )
            yield Item(object_id, index.kinds[number], body)
        position += frame.count

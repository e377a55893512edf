"""Where objects lie: the locator that the object reader asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graven.catalog.database import Catalog, Row
from graven.errors import NotFound
from graven.formats.envelope import KIND_CODES, KINDS_BY_CODE
from graven.formats.header import FrameRow
from graven.ids import MIN_PREFIX_HEX, ObjectId, is_hex
from graven.objects.reader import Place

PLACE_COLUMNS = "p.name, f.start, f.codec, f.count, f.raw, f.stored, o.start, o.length, o.kind"
PLACE_JOIN = "JOIN frame f ON f.pack = o.pack AND f.start = o.frame JOIN pack p ON p.n = o.pack"
_LOCATE = f"SELECT {PLACE_COLUMNS} FROM object o {PLACE_JOIN} WHERE o.id = ? ORDER BY o.pack"


def place_from_row(row: Row) -> Place:
    """A place from the columns `PLACE_COLUMNS`."""
    name, start, codec, count, raw, stored, offset, length, kind = row
    frame = FrameRow(start, codec, count, raw, stored)
    return Place(name, frame, offset, length, KINDS_BY_CODE[kind])


def locate(catalog: Catalog, object_id: ObjectId) -> Sequence[Place]:
    """All known copies of an object."""
    return [place_from_row(row) for row in catalog.rows(_LOCATE, (object_id,))]


def locate_many(catalog: Catalog, ids: Sequence[ObjectId]) -> dict[ObjectId, list[Place]]:
    """The known copies of each of up to a thousand objects."""
    marks = ", ".join("?" * len(ids))
    rows = catalog.rows(
        f"SELECT o.id, {PLACE_COLUMNS} FROM object o {PLACE_JOIN}"
        f" WHERE o.id IN ({marks}) ORDER BY o.id, o.pack",
        ids,
    )
    out: dict[ObjectId, list[Place]] = {}
    for object_id, *rest in rows:
        out.setdefault(ObjectId(object_id), []).append(place_from_row(tuple(rest)))
    return out


def find_by_prefix(
    catalog: Catalog, prefix: str, limit: int = 3, kind: str | None = None
) -> list[ObjectId]:
    """Ids that begin with a hexadecimal prefix (of one kind), at most ``limit``.

    Raises:
        NotFound: the prefix is too short to mean anything.
    """
    if len(prefix) < MIN_PREFIX_HEX or not is_hex(prefix):
        raise NotFound(f"not an object id or prefix: {prefix!r}", kind="bad-prefix")
    low = bytes.fromhex((prefix + "0" * 64)[:64])
    high = bytes.fromhex((prefix + "f" * 64)[:64])
    condition = "" if kind is None else f"AND kind = {KIND_CODES[kind]}"
    rows = catalog.rows(
        f"SELECT DISTINCT id FROM object WHERE id BETWEEN ? AND ? {condition} LIMIT ?",
        (low, high, limit),
    )
    return [ObjectId(row[0]) for row in rows]


def iter_objects(catalog: Catalog, kind: str | None = None) -> Iterator[tuple[ObjectId, Place]]:
    """Every object once, in the order of ids."""
    last = b""
    condition = "" if kind is None else f"AND o.kind = {KIND_CODES[kind]}"
    while True:
        rows = catalog.rows(
            f"SELECT o.id, {PLACE_COLUMNS} FROM object o {PLACE_JOIN}"
            f" WHERE o.id > ? {condition} ORDER BY o.id, o.pack LIMIT 2000",
            (last,),
        )
        if not rows:
            return
        for object_id, *rest in rows:
            if object_id != last:
                last = object_id
                yield ObjectId(object_id), place_from_row(tuple(rest))

"""Where objects lie: the locator that the object reader asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from graven.catalog.database import Catalog, Row
from graven.catalog.questions import RunKey
from graven.errors import NotFound
from graven.formats.compression import CODEC_RAW
from graven.formats.envelope import BLOB, KIND_CODES, KINDS_BY_CODE, RUN
from graven.formats.header import FrameRow
from graven.ids import MIN_PREFIX_HEX, ObjectId, is_hex
from graven.objects.reader import Place

_RUN = KIND_CODES[RUN]
_PAGE = 500

# The place of a row `o` that has pack, frame, start and length; a kind code follows it.
PLACE_COLUMNS = "p.name, f.start, f.codec, f.count, f.raw, f.stored, o.start, o.length"
# Outer joins, for rows whose place is NULL.
OUTER_PLACE_JOIN = (
    "LEFT JOIN frame f ON f.pack = o.pack AND f.start = o.frame LEFT JOIN pack p ON p.n = o.pack"
)
_JOIN = "JOIN frame f ON f.pack = o.pack AND f.start = o.frame JOIN pack p ON p.n = o.pack"
_FROM_OBJECTS = f"SELECT o.id, {PLACE_COLUMNS}, o.kind FROM object o {_JOIN}"
# Most run objects have their place in the run's own row.
_FROM_RUNS = f"SELECT o.object, {PLACE_COLUMNS}, {_RUN} FROM run o {_JOIN}"

# Every copy of every object: id, pack (NULL: a loose one), length, kind.
ALL_OBJECTS = (
    "SELECT id, pack, length, kind FROM object UNION ALL"
    f" SELECT object, pack, length, {_RUN} FROM run WHERE pack IS NOT NULL UNION ALL"
    f" SELECT id, NULL, size, {KIND_CODES[BLOB]} FROM loose"
)


def place_from_row(row: Row) -> Place:
    """A place from the columns `PLACE_COLUMNS` and a kind code."""
    name, start, codec, count, raw, stored, offset, length, kind = row
    frame = FrameRow(start, codec, count, raw, stored)
    return Place(name, frame, offset, length, KINDS_BY_CODE[kind])


def loose_place(key: str, size: int) -> Place:
    """The place of a loose object: a file that is all body."""
    return Place(key, FrameRow(0, CODEC_RAW, 1, size, size), 0, size, BLOB)


def places_of_runs(catalog: Catalog, numbers: Sequence[int]) -> dict[int, tuple[ObjectId, Place]]:
    """Of up to a thousand rows of the table `run`: object and place, where the row holds one."""
    rows = catalog.rows(
        f"SELECT o.n, o.object, {PLACE_COLUMNS}, {_RUN} FROM run o {_JOIN}"
        f" WHERE o.n IN ({', '.join('?' * len(numbers))})",
        numbers,
    )
    return {n: (ObjectId(object_id), place_from_row(tuple(p))) for n, object_id, *p in rows}


def runs_of_definitions(
    catalog: Catalog, numbers: Sequence[int], experiment: str | None = None
) -> list[tuple[RunKey, Place | None]]:
    """All living runs (of an experiment) with one of these definitions, newest first.

    Each with its object's place, where its row holds one: the rows are at hand.
    """
    condition = "" if experiment is None else "AND o.experiment = ?"
    values = [] if experiment is None else [experiment]
    rows: list[Row] = []
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        rows += catalog.rows(
            f"SELECT o.ts, o.stamp, o.run_id, o.n, o.object, {PLACE_COLUMNS} FROM run o"
            f" {OUTER_PLACE_JOIN} WHERE o.d IN ({', '.join('?' * len(part))}) {condition}",
            [*part, *values],
        )
    rows.sort(key=lambda row: (-row[0], -row[1], row[2]))  # as NEWEST_FIRST
    found: list[tuple[RunKey, Place | None]] = []
    # Written out: `place_from_row` and slices of rows take twice as long.
    for _, _, run_id, number, object_id, name, at, codec, count, raw, stored, start, length in rows:
        place = None
        if name is not None:
            place = Place(name, FrameRow(at, codec, count, raw, stored), start, length, RUN)
        found.append((RunKey(number, run_id, object_id), place))
    return found


def locate(catalog: Catalog, object_id: ObjectId) -> Sequence[Place]:
    """All known copies of an object."""
    return locate_many(catalog, [object_id]).get(object_id, ())


def locate_many(catalog: Catalog, ids: Sequence[ObjectId]) -> dict[ObjectId, list[Place]]:
    """The known copies of each of up to a thousand objects."""
    marks = ", ".join("?" * len(ids))
    heads = [object_id[:4] for object_id in ids]
    rows = catalog.rows(
        f"{_FROM_RUNS} WHERE o.pack IS NOT NULL AND substr(o.object, 1, 4) IN ({marks})"
        f" AND o.object IN ({marks})",
        [*heads, *ids],
    )
    out: dict[ObjectId, list[Place]] = {}
    for object_id, *rest in rows:
        out.setdefault(ObjectId(object_id), []).append(place_from_row(tuple(rest)))
    for here, places in locate_shared(catalog, ids).items():
        out.setdefault(here, []).extend(places)
    # The last choice: a file may be gone, and is read whole.
    for object_id, key, size in catalog.rows(
        f"SELECT id, key, size FROM loose WHERE id IN ({marks}) ORDER BY key", ids
    ):
        out.setdefault(ObjectId(object_id), []).append(loose_place(key, size))
    return out


def locate_shared(catalog: Catalog, ids: Sequence[ObjectId]) -> dict[ObjectId, list[Place]]:
    """Copies of up to a thousand objects that stand in the table of objects, as shared ones do."""
    marks = ", ".join("?" * len(ids))
    out: dict[ObjectId, list[Place]] = {}
    for object_id, *rest in catalog.rows(
        f"{_FROM_OBJECTS} WHERE o.id IN ({marks}) ORDER BY o.pack", ids
    ):
        out.setdefault(ObjectId(object_id), []).append(place_from_row(tuple(rest)))
    return out


def places_of(connection: sqlite3.Connection, object_id: ObjectId) -> list[Place]:
    """Copies that stand in the table of objects, asked within a transaction."""
    rows = connection.execute(f"{_FROM_OBJECTS} WHERE o.id = ? ORDER BY o.pack", (object_id,))
    return [place_from_row(row[1:]) for row in rows]


def is_known(catalog: Catalog, object_id: bytes) -> bool:
    """True if some pack holds the object."""
    return bool(locate(catalog, ObjectId(object_id)))


def find_by_prefix(
    catalog: Catalog, prefix: str, limit: int = 3, kind: str | None = None
) -> list[ObjectId]:
    """Ids that begin with a hexadecimal prefix (of one kind), at most ``limit``.

    Raises:
        NotFound: the prefix is too short to mean anything, or no prefix at all.
    """
    if not MIN_PREFIX_HEX <= len(prefix) <= 64 or not is_hex(prefix):
        raise NotFound(f"not an object id or prefix: {prefix!r}", kind="bad-prefix")
    low = bytes.fromhex((prefix + "0" * 64)[:64])
    high = bytes.fromhex((prefix + "f" * 64)[:64])
    found: set[bytes] = set()
    if kind in (None, RUN):
        # Eight digits are four bytes, which is what the index holds.
        rows = catalog.rows(
            "SELECT object FROM run WHERE pack IS NOT NULL AND substr(object, 1, 4) = ?"
            " AND object BETWEEN ? AND ? LIMIT ?",
            (low[:4], low, high, limit),
        )
        found.update(row[0] for row in rows)
    if kind in (None, BLOB):
        rows = catalog.rows(
            "SELECT DISTINCT id FROM loose WHERE id BETWEEN ? AND ? LIMIT ?", (low, high, limit)
        )
        found.update(row[0] for row in rows)
    condition = "" if kind is None else f"AND kind = {KIND_CODES[kind]}"
    rows = catalog.rows(
        f"SELECT DISTINCT id FROM object WHERE id BETWEEN ? AND ? {condition} LIMIT ?",
        (low, high, limit),
    )
    found.update(row[0] for row in rows)
    return [ObjectId(object_id) for object_id in sorted(found)[:limit]]


def iter_objects(catalog: Catalog, kind: str | None = None) -> Iterator[tuple[ObjectId, Place]]:
    """Every object once, in the order of ids."""
    condition = "" if kind is None else f"WHERE kind = {KIND_CODES[kind]}"
    rows = catalog.rows(f"SELECT DISTINCT id FROM ({ALL_OBJECTS}) {condition} ORDER BY id")
    for start in range(0, len(rows), _PAGE):
        page = [ObjectId(row[0]) for row in rows[start : start + _PAGE]]
        places = locate_many(catalog, page)
        for object_id in page:
            if object_id in places:
                yield object_id, places[object_id][0]

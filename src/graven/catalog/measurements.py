"""The second tier of the catalog: metric values, read from run objects when first asked for.

A run's values are copied as one column of planes (docs/format.md, "Columns"), which is how
most run objects hold them; what they mean stands once, with the definitions that the run
shares with others. So indexing costs no work per value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from graven.catalog import rankings
from graven.catalog.bulk import insert_rows
from graven.catalog.collector import collector_paused
from graven.catalog.database import Catalog, Row, indexes_last
from graven.catalog.places import OUTER_PLACE_JOIN, PLACE_COLUMNS, place_from_row, places_of
from graven.catalog.schema import VALUE_INDEXES, WAITING
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.columns import to_planes
from graven.formats.definitions import Definitions, decode_definitions
from graven.formats.envelope import KIND_CODES, RUN
from graven.formats.header import FrameRow
from graven.formats.run_object import RunValues, decode_values
from graven.ids import ObjectId, hash_each
from graven.objects.reader import PORTION_BYTES, ObjectReader, Place, Unreadable, portions

_BATCH = 2000
NO_DEFINITIONS = 0  # of a run whose object cannot be read; SQLite's own numbers begin at 1


def index_measurements(catalog: Catalog, reader: ObjectReader, *, give_up: bool = True) -> int:
    """Index the values of all runs that wait for it; returns how many values.

    A run whose object is damaged, or of a newer graven, is marked as done without values
    (fsck names it).

    Args:
        catalog: is changed.
        reader: of the store's objects.
        give_up: also mark those so whose objects are nowhere.

    Raises:
        NotFound: without ``give_up``: a pack has vanished, and what it held may have moved.
    """
    total = 0
    while (waiting := count_waiting(catalog)) > 0:
        with collector_paused(), catalog.transaction() as connection:
            done = connection.execute("SELECT 1 FROM measured LIMIT 1").fetchone() is not None
            # All in one go, since the indexes must be there when the transaction ends.
            bulk = not done and waiting > _BATCH
            with indexes_last(connection, VALUE_INDEXES, bulk=bulk):
                filling = _Filling(connection, reader, give_up=give_up)
                more = filling.index_batch()
                while bulk and more:
                    more = filling.index_batch()
            total += filling.values
    return total


def count_waiting(catalog: Catalog) -> int:
    """How many runs have no values in the catalog yet; counts up to a little over a batch."""
    row = catalog.one(
        f"SELECT count(*) FROM (SELECT 1 FROM run WHERE {WAITING} LIMIT ?)", (_BATCH + 1,)
    )
    return int(row[0]) if row else 0


class _Filling:
    """Batches of runs in the order of their rows, within one transaction.

    Attributes:
        values: how many were indexed.
    """

    def __init__(
        self, connection: sqlite3.Connection, reader: ObjectReader, *, give_up: bool
    ) -> None:
        self.values = 0
        self._connection = connection
        self._reader = reader
        self._give_up = give_up
        self._definitions = _DefinitionNumbers(connection, reader)
        self._environments = _EnvironmentNumbers(connection)
        self._last = 0  # without an index, each batch would pass all rows before it

    def index_batch(self) -> bool:
        """Index the next runs; False if none waited."""
        rows = self._connection.execute(
            f"SELECT {_WAITING_COLUMNS} FROM run WHERE {WAITING} AND n > ?"
            f" ORDER BY n LIMIT {_BATCH}",
            (self._last,),
        ).fetchall()
        if not rows:
            return False
        self._last = rows[-1][0]
        read = _read_afar if self._reader.prefers_many else _read_near
        measured: list[tuple[Any, ...]] = []
        marks: list[tuple[int, int, int]] = []  # definitions; first and last run of a row of them
        known, first, last = NO_DEFINITIONS, 0, 0
        for (number, *_), data in zip(
            rows, read(self._connection, self._reader, rows), strict=True
        ):
            d, facts = self._measure(data)
            if d != NO_DEFINITIONS:
                measured.append((number, *facts))
            if d != known or not first:
                if first:
                    marks.append((known, first, last))
                known, first = d, number
            last = number
        marks.append((known, first, last))
        insert_rows(self._connection, "INSERT OR REPLACE INTO measured", _MEASURED, measured)
        self._connection.executemany(
            f"UPDATE run SET d = ? WHERE n BETWEEN ? AND ? AND {WAITING}", marks
        )
        rankings.extend(self._connection, [row[0] for row in measured])
        return True

    def _measure(self, data: bytes | Unreadable) -> tuple[int, tuple[Any, ...]]:
        """Definitions number, and what stands in `measured` behind the run's own."""
        try:
            if isinstance(data, Exception):
                raise data
            found = decode_values(data)
            d, width = self._definitions.get(found.definitions)
            values = to_planes(found.value)
        except (Corrupt, FormatTooNew, NotFound) as error:
            if isinstance(error, NotFound) and not self._give_up:
                raise
            return NO_DEFINITIONS, ()
        if len(values) != 8 * width:
            return NO_DEFINITIONS, ()
        self.values += width
        facts = _facts(found) | self._environments.get(found.environment) << 3
        params = _params_text(found.params) if found.params else None
        return d, (facts, params, values)


_MEASURED = ("n", "facts", "params", "vals")

# Not msgspec's: it has no form for infinities. What JSON has no form for is shown, not refused.
_params_text = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), skipkeys=True, default=str
).encode


def _facts(found: RunValues) -> int:
    """The lower bits of `measured.facts`."""
    return found.bounded | (0 if found.dirty is None else 6 if found.dirty else 2)


_WAITING_COLUMNS = "n, object, pack, frame, start, length"
_FRAMES = (
    "SELECT f.pack, f.start, p.name, f.codec, f.count, f.raw, f.stored"
    " FROM frame f JOIN pack p ON p.n = f.pack WHERE (f.pack, f.start) IN"
    f" (SELECT pack, frame FROM run WHERE {WAITING} AND n BETWEEN ? AND ?)"
    " ORDER BY f.pack, f.start"
)


def _read_near(
    connection: sqlite3.Connection, reader: ObjectReader, rows: Sequence[Row]
) -> Iterator[bytes | Unreadable]:
    """The bytes of these runs' objects, from frames that are read once each."""
    known = {
        (pack, start): (name, FrameRow(start, *rest))
        for pack, start, name, *rest in connection.execute(_FRAMES, (rows[0][0], rows[-1][0]))
    }
    for part in _portions(rows):
        frames = _unpack(reader, known, {(row[2], row[3]) for row in part})
        pieces = [
            frames.get((pack, frame), b"")[start : start + length] if length else b""
            for _, _, pack, frame, start, length in part
        ]
        for row, piece, found in zip(part, pieces, hash_each(pieces), strict=True):
            if found == row[1]:
                yield piece
            else:  # damaged, or its place is not the run's own
                yield _read_again(connection, reader, row, known)


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows whose objects have some mebibytes together: one may have as many by itself."""
    first = 0
    held = 0
    for position, row in enumerate(rows):
        held += row[5] or 0
        if held > PORTION_BYTES:
            yield rows[first : position + 1]
            first, held = position + 1, 0
    if first < len(rows):
        yield rows[first:]


_Frames = dict[tuple[int, int], tuple[str, FrameRow]]


def _unpack(
    reader: ObjectReader, known: _Frames, wanted: set[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    packs: dict[int, list[tuple[int, int]]] = {}
    for key in sorted(wanted & known.keys()):
        packs.setdefault(key[0], []).append(key)
    found: dict[tuple[int, int], bytes] = {}
    for keys in packs.values():
        name = known[keys[0]][0]
        bodies = reader.peek_frames(name, [known[key][1] for key in keys])
        found.update(zip(keys, bodies, strict=True))
    return found


def _read_again(
    connection: sqlite3.Connection, reader: ObjectReader, row: Row, known: _Frames
) -> bytes | Unreadable:
    _, object_id, pack, frame, start, length = row
    wanted = ObjectId(object_id)
    copies = places_of(connection, wanted)
    if (pack, frame) in known:
        copies.insert(0, Place(*known[pack, frame], start, length, RUN))
    return _try_to_get(reader, wanted, copies)


def _read_afar(
    connection: sqlite3.Connection, reader: ObjectReader, rows: Sequence[Row]
) -> Iterator[bytes | Unreadable]:
    """As `_read_near`, in portions whose frames are fetched together."""
    located = connection.execute(
        f"SELECT o.n, o.object, o.pack, {PLACE_COLUMNS}, {KIND_CODES[RUN]} FROM run o"
        f" {OUTER_PLACE_JOIN} WHERE o.d IS NULL AND o.object IS NOT NULL"
        " AND o.n BETWEEN ? AND ? ORDER BY o.n",
        (rows[0][0], rows[-1][0]),
    ).fetchall()
    wanted: list[tuple[ObjectId, Sequence[Place]]] = []
    for _, object_id, pack, *place in located:
        here = ObjectId(object_id)
        known = places_of(connection, here) if pack is None else [place_from_row(tuple(place))]
        wanted.append((here, known))
    for first, last in portions(wanted):
        part = wanted[first:last]
        for (here, _), data in zip(part, reader.get_many(part), strict=True):
            if isinstance(data, bytes):
                yield data
            else:  # there may be another copy
                yield _try_to_get(reader, here, places_of(connection, here))


def _try_to_get(
    reader: ObjectReader, object_id: ObjectId, places: Sequence[Place]
) -> bytes | Unreadable:
    try:
        return reader.get_at(object_id, places)
    except (Corrupt, FormatTooNew, NotFound) as error:
        return error


class _EnvironmentNumbers:
    """Environments as small numbers; what they say is read when somebody asks for it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[bytes, int] = {}

    def get(self, object_id: bytes) -> int:
        known = self._known.get(object_id)
        if known is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO environment(object) VALUES(?)", (object_id,)
            )
            row = self._connection.execute(
                "SELECT e FROM environment WHERE object = ?", (object_id,)
            ).fetchone()
            known = self._known[object_id] = int(row[0])
        return known


class _DefinitionNumbers:
    """Definitions as small numbers; new ones are written into the shape tables."""

    def __init__(self, connection: sqlite3.Connection, reader: ObjectReader) -> None:
        self._connection = connection
        self._reader = reader
        self._known: dict[bytes, tuple[int, int]] = {}

    def get(self, object_id: bytes) -> tuple[int, int]:
        """(number, width) of a `definitions` object."""
        known = self._known.get(object_id)
        if known is None:
            row = self._connection.execute(
                "SELECT d, width FROM definitions WHERE object = ?", (object_id,)
            ).fetchone()
            known = (row[0], row[1]) if row else self._add(object_id)
            self._known[object_id] = known
        return known

    def _add(self, object_id: bytes) -> tuple[int, int]:
        definitions = decode_definitions(self._reader.get(ObjectId(object_id)))
        cursor = self._connection.execute(
            "INSERT INTO definitions(object, width) VALUES(?, ?)", (object_id, definitions.width)
        )
        number = int(cursor.lastrowid or 0)
        _insert_shapes(self._connection, number, definitions)
        return number, definitions.width


def _insert_shapes(connection: sqlite3.Connection, d: int, definitions: Definitions) -> None:
    shapes = []
    tags = []
    start = 0
    for index, shape in enumerate(definitions.shapes):
        text = json.dumps(shape.tags, ensure_ascii=False, sort_keys=True)
        metrics = json.dumps(shape.metrics, ensure_ascii=False)
        shapes.append((d, index, shape.name, shape.scenario, text, metrics, start))
        tags += [(key, value, d, index) for key, value in shape.tags.items()]
        start += len(shape.metrics)
    connection.executemany("INSERT INTO shape VALUES(?, ?, ?, ?, ?, ?, ?)", shapes)
    connection.executemany("INSERT OR IGNORE INTO shape_tag VALUES(?, ?, ?, ?)", tags)

"""The second tier of the catalog: metric values, read from run objects when first asked for.

A run's values are copied as one column of planes (docs/format.md, "Columns"), which is how
most run objects hold them; what they mean stands once, with the definitions that the run
shares with others. So indexing costs no work per value.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from graven.catalog import rankings
from graven.catalog.database import Catalog, Row, indexes_last
from graven.catalog.places import OUTER_PLACE_JOIN, PLACE_COLUMNS, place_from_row, places_of
from graven.catalog.schema import VALUE_INDEXES, WAITING
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.columns import to_planes
from graven.formats.definitions import Definitions, decode_definitions
from graven.formats.envelope import KIND_CODES, RUN
from graven.formats.run_object import RunBody, decode_body
from graven.ids import ObjectId, hash_bytes
from graven.objects.reader import ObjectReader, Place, Unreadable, portions

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
        with catalog.transaction() as connection:
            done = connection.execute("SELECT 1 FROM measured LIMIT 1").fetchone() is not None
            # All in one go, since the indexes must be there when the transaction ends.
            bulk = not done and waiting > _BATCH
            with indexes_last(connection, VALUE_INDEXES, bulk=bulk):
                runs, values = _index_batch(connection, reader, give_up=give_up)
                total += values
                while bulk and runs:
                    runs, values = _index_batch(connection, reader, give_up=give_up)
                    total += values
    return total


def count_waiting(catalog: Catalog) -> int:
    """How many runs have no values in the catalog yet; counts up to a little over a batch."""
    row = catalog.one(
        f"SELECT count(*) FROM (SELECT 1 FROM run WHERE {WAITING} LIMIT ?)", (_BATCH + 1,)
    )
    return int(row[0]) if row else 0


def _index_batch(
    connection: sqlite3.Connection, reader: ObjectReader, *, give_up: bool
) -> tuple[int, int]:
    """Index one batch; returns how many runs and values it held."""
    numbers = _DefinitionNumbers(connection, reader)
    environments = _EnvironmentNumbers(connection)
    rows = []
    marks = []
    total = 0
    for number, data in _waiting(connection, reader):
        d = NO_DEFINITIONS
        try:
            if isinstance(data, Exception):
                raise data
            body = decode_body(data)
            known, width = numbers.get(body.definitions)
            values = to_planes(body.value)
        except (Corrupt, FormatTooNew, NotFound) as error:
            if isinstance(error, NotFound) and not give_up:
                raise
            values = None
        if values is not None and len(values) == 8 * width:
            d = known
            facts = _facts(body) | environments.get(body.environment) << 3
            params = _params_text(body.params) if body.params else None
            rows.append((number, facts, params, values))
            total += width
        marks.append((d, number))
    connection.executemany("INSERT OR REPLACE INTO measured VALUES(?, ?, ?, ?)", rows)
    connection.executemany("UPDATE run SET d = ? WHERE n = ?", marks)
    rankings.extend(connection, [number for number, *_ in rows])
    return len(marks), total


# Not msgspec's: it has no form for infinities. What JSON has no form for is shown, not refused.
_params_text = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), skipkeys=True, default=str
).encode


def _facts(body: RunBody) -> int:
    """The lower bits of `measured.facts`."""
    bounds = body.lower is not None or body.upper is not None
    return bounds | (0 if body.dirty is None else 6 if body.dirty else 2)


def _waiting(
    connection: sqlite3.Connection, reader: ObjectReader
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Runs without values, and the bytes of their objects."""
    rows = connection.execute(
        f"SELECT o.n, o.object, o.pack, {PLACE_COLUMNS}, {KIND_CODES[RUN]} FROM run o"
        f" {OUTER_PLACE_JOIN} WHERE o.d IS NULL AND o.object IS NOT NULL"
        f" ORDER BY o.n LIMIT {_BATCH}"
    ).fetchall()
    if reader.prefers_many:
        yield from _waiting_afar(connection, reader, rows)
        return
    # Neighbours mostly share a frame: it is asked for once, and its objects are cut out here.
    held: tuple[object, object] | None = None
    frame: bytes | None = None
    for number, object_id, pack, *place in rows:
        wanted = ObjectId(object_id)
        if pack is None:
            yield number, _try_to_get(reader, wanted, places_of(connection, wanted))
            continue
        _, start, _, _, _, _, offset, length, _ = place
        if held != (pack, start):
            held = (pack, start)
            frame = reader.peek_frame(place_from_row(tuple(place)))
        data = frame[offset : offset + length] if frame is not None else b""
        if hash_bytes(data) == object_id:
            yield number, data
        else:
            copies = [place_from_row(tuple(place)), *places_of(connection, wanted)]
            yield number, _try_to_get(reader, wanted, copies)


def _waiting_afar(
    connection: sqlite3.Connection, reader: ObjectReader, rows: Sequence[Row]
) -> Iterator[tuple[int, bytes | Unreadable]]:
    """As `_waiting`, in portions whose frames are fetched together."""
    wanted: list[tuple[ObjectId, Sequence[Place]]] = []
    for _, object_id, pack, *place in rows:
        here = ObjectId(object_id)
        known = places_of(connection, here) if pack is None else [place_from_row(tuple(place))]
        wanted.append((here, known))
    for first, last in portions(wanted):
        part = wanted[first:last]
        for row, (here, _), data in zip(rows[first:last], part, reader.get_many(part), strict=True):
            if isinstance(data, bytes):
                yield row[0], data
            else:  # there may be another copy
                yield row[0], _try_to_get(reader, here, places_of(connection, here))


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

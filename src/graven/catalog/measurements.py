"""The second tier of the catalog: metric values, read from run objects when first asked for.

A run's values are copied as one array of float64; what they mean stands once, with the
definitions that the run shares with others. So indexing costs no work per value.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime

from graven import clock
from graven.catalog.database import Catalog
from graven.catalog.places import PLACE_COLUMNS, PLACE_JOIN, place_from_row
from graven.errors import Corrupt, NotFound
from graven.formats.columns import column_length, to_array
from graven.formats.definitions import Definitions, decode_definitions
from graven.formats.run import RunBody, decode_body
from graven.ids import ObjectId
from graven.objects.reader import ObjectReader, Place

_BATCH = 2000


def index_measurements(catalog: Catalog, reader: ObjectReader) -> int:
    """Index the values of all runs that wait for it; returns how many values.

    A run whose object is damaged is left out (fsck names it) and not tried again
    until the catalog is rebuilt.
    """
    total = 0
    while catalog.one("SELECT 1 FROM todo LIMIT 1") is not None:
        with catalog.transaction() as connection:
            total += _index_batch(connection, reader)
    return total


def _index_batch(connection: sqlite3.Connection, reader: ObjectReader) -> int:
    waiting = [n for (n,) in connection.execute("SELECT n FROM todo ORDER BY n LIMIT ?", (_BATCH,))]
    if not waiting:
        return 0
    numbers = _DefinitionNumbers(connection, reader)
    rows = []
    total = 0
    for number, object_id, places in _places(connection, waiting[0], waiting[-1]):
        try:
            body = decode_body(reader.get_at(object_id, places))
            moment = clock.micros(datetime.fromisoformat(body.timestamp))
            number_d, width = numbers.get(body.definitions)
            if column_length(body.value) != width:
                continue
            values = to_array(body.value)
        except (Corrupt, NotFound, ValueError):
            continue
        if sys.byteorder == "big":
            values.byteswap()
        rows.append((number, number_d, moment, int(_has_bounds(body)), values.tobytes()))
        total += width
    connection.executemany("INSERT OR REPLACE INTO measured VALUES(?, ?, ?, ?, ?)", rows)
    connection.execute("DELETE FROM todo WHERE n BETWEEN ? AND ?", (waiting[0], waiting[-1]))
    return total


def _has_bounds(body: RunBody) -> bool:
    return body.lower is not None or body.upper is not None


def _places(
    connection: sqlite3.Connection, first: int, last: int
) -> Iterator[tuple[int, ObjectId, list[Place]]]:
    # In pack order, so that each frame is unpacked once.
    rows = connection.execute(
        f"SELECT t.n, r.object, {PLACE_COLUMNS} FROM todo t JOIN run r ON r.n = t.n"
        f" JOIN object o ON o.id = r.object {PLACE_JOIN}"
        " WHERE t.n BETWEEN ? AND ? ORDER BY t.n, o.pack",
        (first, last),
    ).fetchall()
    current: tuple[int, ObjectId, list[Place]] | None = None
    for number, object_id, *rest in rows:
        place = place_from_row(tuple(rest))
        if current is not None and current[0] == number:
            current[2].append(place)
            continue
        if current is not None:
            yield current
        current = (number, ObjectId(object_id), [place])
    if current is not None:
        yield current


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

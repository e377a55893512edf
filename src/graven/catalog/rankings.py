"""Values by which runs are ordered and chosen: of a metric, a parameter, a derived record.

A ranking is made when a question first needs it and kept up to date from then on: each
transaction that changes runs goes by here. So the catalog costs nothing for what nobody asks
for, and a question that comes again costs what its answer does.

* `forget`: a run's object was replaced or deleted, `extend`: the values of runs came in.
* `mark_derived`: what stands under ``derived/`` of these runs may have changed. Their values
  are mended by the next question, which can read the records (see `missing_derived`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graven.catalog.database import Catalog
from graven.catalog.schema import RANKING_TABLES

KEPT = 64
"""Rankings at once; the one made first goes first. Each costs a save some 10 µs."""
_PAGE = 500

_INSERT = "INSERT OR REPLACE INTO ranked VALUES({:d}, ?, ?)"
_OF_DERIVED = "field LIKE 'derived.%'"


def find_rankings(catalog: Catalog, names: Sequence[str]) -> dict[str, int]:
    """Numbers of those rankings that are there and whole."""
    if not names or not _are_there(catalog.rows):
        return {}
    marks = ", ".join("?" * len(names))
    rows = catalog.rows(f"SELECT field, m FROM ranking WHERE field IN ({marks})", names)
    found: dict[str, int] = {name: m for name, m in rows}  # noqa: C416  rows have no types
    if any(name.startswith("derived.") for name in found) and _is_stale(catalog):
        return {name: m for name, m in found.items() if not name.startswith("derived.")}
    return found


def make_tables(catalog: Catalog) -> None:
    """Make the tables for rankings and derived records, where there are none yet."""
    if not _are_there(catalog.rows):
        with catalog.transaction() as connection:
            for statement in RANKING_TABLES:
                connection.execute(statement)


def _are_there(ask: Callable[[str], Iterable[Any]]) -> bool:
    return any(True for _ in ask("SELECT 1 FROM sqlite_schema WHERE name = 'ranking'"))


def make_rankings(catalog: Catalog, names: Sequence[str]) -> None:
    """Make those that are missing, and mend what is stale; for `derived.` see `missing_derived`."""
    from graven.catalog.keyed import keyed_values

    with catalog.transaction() as connection:
        _mend(connection)
        for name in names:
            if _number(connection, name) is None:
                cursor = connection.execute("INSERT INTO ranking(field) VALUES(?)", (name,))
                m = cursor.lastrowid
                rows = keyed_values(connection.execute, name)
                connection.executemany(_INSERT.format(m), rows)
                if name.startswith("derived."):
                    _mark_unread(connection, name, None)
        _drop_oldest(connection, names)


def forget(connection: sqlite3.Connection, number: int) -> None:
    """A run has other values from now on, or none."""
    if _are_there(connection.execute):
        connection.execute(
            "DELETE FROM ranked WHERE m IN (SELECT m FROM ranking) AND n = ?", (number,)
        )


def extend(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Take in the values of runs that were measured."""
    if not numbers or not _are_there(connection.execute):
        return
    rankings = connection.execute("SELECT m, field FROM ranking").fetchall()
    if not rankings:
        return
    from graven.catalog.keyed import keyed_values

    for m, name in rankings:
        if not name.startswith("derived."):
            rows = keyed_values(connection.execute, name, numbers)
            connection.executemany(_INSERT.format(m), rows)
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        marks = ", ".join("?" * len(part))
        ids = connection.execute(f"SELECT run_id FROM run WHERE n IN ({marks})", part)
        mark_derived(connection, [run_id for (run_id,) in ids])


def mark_derived(connection: sqlite3.Connection, run_ids: Iterable[str]) -> None:
    """What is derived of these runs may have changed."""
    rows = [(run_id,) for run_id in run_ids]
    if not rows or not _are_there(connection.execute):
        return
    if connection.execute(f"SELECT 1 FROM ranking WHERE {_OF_DERIVED} LIMIT 1").fetchone():
        connection.executemany("INSERT OR IGNORE INTO derived_stale VALUES(?)", rows)


_VISIBLE = "f.target IS NOT NULL AND f.stamp > r.floor AND r.object IS NOT NULL"
_REST = "substr(f.name, length(f.run_id) + 7)"
# As the index `ref_by_derived` says it.
_IS_DERIVED = "substr(f.name, length(f.run_id) + 7, 8) = 'derived/'"


def missing_derived(
    catalog: Catalog, records: Sequence[str], numbers: Sequence[int] | None = None
) -> list[bytes]:
    """Objects under ``derived/`` that must be read for rankings of these records.

    Args:
        catalog: is asked.
        records: names, without ``derived/``.
        numbers: only those of these runs, for values that are only shown.
    """
    marks = ", ".join("?" * len(records))
    names = [f"derived/{name}" for name in records]
    parts: list[Sequence[int] | None] = [None]
    if numbers is not None:
        parts = [numbers[start : start + _PAGE] for start in range(0, len(numbers), _PAGE)]
    found: list[bytes] = []
    for part in parts:
        among = f" AND r.n IN ({', '.join('?' * len(part))})" if part is not None else ""
        rows = catalog.rows(
            f"SELECT DISTINCT f.target FROM ref f JOIN run r ON r.run_id = f.run_id"
            f" WHERE {_IS_DERIVED} AND {_REST} IN ({marks}) AND {_VISIBLE}"
            f" AND f.target NOT IN (SELECT object FROM derived){among}",
            [*names, *(part or ())],
        )
        found += [row[0] for row in rows]
    return found


def keep_derived(catalog: Catalog, rows: Sequence[tuple[bytes, str]]) -> None:
    """Take in records under ``derived/``: object id and JSON."""
    with catalog.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO derived VALUES(?, ?)", rows)


def stale_runs(catalog: Catalog) -> list[int]:
    """Rows of the runs whose derived values are to be mended."""
    rows = catalog.rows("SELECT r.n FROM derived_stale s JOIN run r ON r.run_id = s.run_id")
    return [n for (n,) in rows]


def _is_stale(catalog: Catalog) -> bool:
    return catalog.one("SELECT 1 FROM derived_stale LIMIT 1") is not None


def _number(connection: sqlite3.Connection, name: str) -> int | None:
    row = connection.execute("SELECT m FROM ranking WHERE field = ?", (name,)).fetchone()
    return row[0] if row else None


def _mend(connection: sqlite3.Connection) -> None:
    """The derived values of stale runs anew."""
    from graven.catalog.keyed import keyed_values

    rankings = connection.execute(f"SELECT m, field FROM ranking WHERE {_OF_DERIVED}").fetchall()
    stale = connection.execute(
        "SELECT s.run_id, r.n FROM derived_stale s LEFT JOIN run r ON r.run_id = s.run_id"
    ).fetchall()
    numbers = [n for _, n in stale if n is not None]
    for m, name in rankings:
        connection.executemany(
            "DELETE FROM ranked WHERE m = ? AND n = ?", [(m, n) for n in numbers]
        )
        rows = keyed_values(connection.execute, name, numbers)
        connection.executemany(_INSERT.format(m), rows)
    connection.execute("DELETE FROM derived_stale")
    for _, name in rankings:
        _mark_unread(connection, name, [run_id for run_id, _ in stale])


def _mark_unread(connection: sqlite3.Connection, name: str, run_ids: Sequence[str] | None) -> None:
    """Of all runs, or of these, those whose record came in after the others were read."""
    from graven.catalog.keyed import split_derived

    record = f"derived/{split_derived(name.partition('.')[2])[0]}"
    sql = (
        "INSERT OR IGNORE INTO derived_stale SELECT f.run_id FROM ref f"
        f" JOIN run r ON r.run_id = f.run_id WHERE {_IS_DERIVED} AND {_REST} = ?"
        f" AND {_VISIBLE} AND f.target NOT IN (SELECT object FROM derived)"
    )
    if run_ids is None:
        connection.execute(sql, (record,))
    else:
        connection.executemany(f"{sql} AND f.run_id = ?", [(record, one) for one in run_ids])


def _drop_oldest(connection: sqlite3.Connection, needed: Sequence[str]) -> None:
    kept = connection.execute("SELECT m, field FROM ranking ORDER BY m").fetchall()
    for m, name in kept[: max(0, len(kept) - KEPT)]:
        if name not in needed:
            connection.execute("DELETE FROM ranked WHERE m = ?", (m,))
            connection.execute("DELETE FROM ranking WHERE m = ?", (m,))

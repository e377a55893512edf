"""Packs that vanished and left nobody to tell what they told.

Repack and gc delete a pack when every name is known without it as well. So whoever finds
packs gone builds the catalog anew and compares: a name of which less is known than before
was lost with a pack. That is remembered beside the catalog until it is known again, since
the packs that are left are a whole store by themselves and show no gap.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any, NamedTuple

from graven.backends.base import Backend
from graven.catalog.database import LOST, Catalog
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.plan import Plan, decode_plan

# Made when it is first needed: an empty table is a page too.
_TABLE = (
    f"CREATE TABLE IF NOT EXISTS {LOST}(name TEXT PRIMARY KEY, run_id TEXT, stamp INTEGER,"
    " writer BLOB, floor INTEGER, pack TEXT) WITHOUT ROWID"
)
_BEFORE = (
    "CREATE TEMP TABLE known_before AS"
    " SELECT 'runs/' || r.run_id AS name, r.run_id, r.stamp, w.id AS writer, r.floor,"
    " p.name AS pack FROM run r JOIN writer w ON w.n = r.writer LEFT JOIN pack p ON p.n = r.pack"
    " WHERE r.stamp <= :highest OR r.floor > 0"
    " UNION ALL SELECT f.name, f.run_id, f.stamp, w.id, f.floor, NULL"
    " FROM ref f JOIN writer w ON w.n = f.writer WHERE f.stamp <= :highest OR f.floor > 0"
)


def _less_known(table: str) -> str:
    """Rows of ``table`` whose name is known now by an older update, or not at all.

    What lies at or below the floor of its run is dead for good: gc drops it.
    """
    older = "(n.stamp, w.id) < (b.stamp, b.writer) OR n.floor < b.floor"
    return (
        "SELECT b.name, b.run_id, b.stamp, b.writer, b.floor, b.pack"
        f" FROM {table} b LEFT JOIN run n ON n.run_id = b.run_id LEFT JOIN writer w"
        " ON w.n = n.writer WHERE b.name = 'runs/' || b.run_id"
        f" AND (n.run_id IS NULL OR {older})"
        " UNION ALL SELECT b.name, b.run_id, b.stamp, b.writer, b.floor, b.pack"
        f" FROM {table} b LEFT JOIN ref n ON n.name = b.name LEFT JOIN writer w"
        " ON w.n = n.writer WHERE b.name IS NOT 'runs/' || b.run_id"
        f" AND (n.name IS NULL OR {older})"
        " AND NOT EXISTS(SELECT 1 FROM run r WHERE r.run_id = b.run_id AND r.floor >= b.stamp)"
    )


_PAGE = 500
_Row = tuple[Any, ...]


class Loss(NamedTuple):
    """An update that nothing tells any more, and the pack that most likely held it."""

    name: str
    run_id: str | None
    pack: str


@contextmanager
def losses_noticed(
    connection: sqlite3.Connection, backend: Backend, gone: Set[str]
) -> Iterator[None]:
    """Around the making of a catalog without ``gone``: remember what is known no more.

    What a plan names was given up by whoever made it, and is no loss.
    """
    packs = sorted(name for name in gone if layout.parse_pack_name(name) is not None)
    stamps = [_stamp(name) for name in packs]
    # A pack is named by its highest stamp: what was written later stood elsewhere.
    connection.execute("DROP TABLE IF EXISTS temp.known_before")
    connection.execute(_BEFORE, {"highest": stamps[-1] if stamps else 0})
    yield
    less = _less_known("temp.known_before")
    if packs and connection.execute(f"SELECT 1 FROM ({less}) LIMIT 1").fetchone():
        connection.execute(_TABLE)
        condemned = _condemned(backend)
        rows = connection.execute(less)
        while page := rows.fetchmany(_PAGE):
            held = [_attributed(row, gone, packs, stamps) for row in page]
            connection.executemany(
                f"INSERT OR REPLACE INTO {LOST} VALUES(?, ?, ?, ?, ?, ?)",
                [row for row in held if row[-1] not in condemned],
            )
    connection.execute("DROP TABLE temp.known_before")


def _attributed(row: _Row, gone: Set[str], packs: list[str], stamps: list[int]) -> _Row:
    """The row with the pack that held its update, as far as that can be told."""
    *state, pack = row
    if pack not in gone:  # of an attachment, a deletion: of a writer's packs the next one
        pack = packs[min(bisect_left(stamps, row[2]), len(packs) - 1)]
    return (*state, pack)


def losses(catalog: Catalog) -> list[Loss]:
    """What was lost with packs that vanished, and has not come back since; by pack and name."""
    if catalog.one("SELECT 1 FROM sqlite_schema WHERE name = ?", (LOST,)) is None:
        return []
    rows = catalog.rows(f"SELECT name, run_id, pack FROM ({_less_known(LOST)}) ORDER BY pack, name")
    return [Loss(*row) for row in rows]


def unknown_runs(catalog: Catalog, run_ids: list[str]) -> list[str]:
    """Those of the ids that no pack has ever told of: neither a run nor a deletion."""
    unknown: list[str] = []
    for start in range(0, len(run_ids), _PAGE):
        page = run_ids[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        rows = catalog.rows(f"SELECT run_id FROM run WHERE run_id IN ({marks})", page)
        known = {run_id for (run_id,) in rows}
        unknown += [run_id for run_id in page if run_id not in known]
    return unknown


def _stamp(name: str) -> int:
    parsed = layout.parse_pack_name(name)
    return 0 if parsed is None else parsed.stamp


def _condemned(backend: Backend) -> set[str]:
    found: set[str] = set()
    for name in backend.names(layout.PACKS):
        plan = layout.parse_plan_name(name)
        if plan is None or plan.done:
            continue
        try:
            content: Plan = decode_plan(backend.get(layout.PACKS + name), name)
        except (Corrupt, FormatTooNew, NotFound):
            continue
        found.update(content.packs)
    return found

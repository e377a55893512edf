"""What deleting some runs would free, estimated from the catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial

from graven.catalog.database import Catalog, Row
from graven.store.index import Index

_PAGE = 500
_REFS = 2000

# Of a place its share of the frame's bytes as stored.
_STORED = "sum(o.length * 1.0 * f.stored / max(f.raw, 1))"
_RUNS = f"SELECT {_STORED} FROM run o JOIN frame f ON f.pack = o.pack AND f.start = o.frame"
_REPLACED = (
    f"SELECT {_STORED} FROM run r JOIN object o ON o.id = r.object"
    " JOIN frame f ON f.pack = o.pack AND f.start = o.frame"
)


def weigh(index: Index, run_ids: Sequence[str]) -> int:
    """Bytes that become garbage with these runs, at most.

    The run objects as they are stored, and the content of attachments that no other ref
    holds. What they share with others below that (chunks, environments) is not told apart.
    """
    total = 0.0
    doomed = sqlite3.connect("", isolation_level=None)  # a temporary file
    try:
        doomed.execute("PRAGMA journal_mode = OFF")
        doomed.execute("CREATE TABLE run(run_id TEXT PRIMARY KEY) WITHOUT ROWID")
        doomed.execute("CREATE TABLE content(id BLOB PRIMARY KEY, size INTEGER) WITHOUT ROWID")
        doomed.execute("BEGIN")
        for start in range(0, len(run_ids), _PAGE):
            page = list(run_ids[start : start + _PAGE])
            total += index.look(partial(_weigh_runs, page=page))
            doomed.executemany("INSERT OR IGNORE INTO run VALUES(?)", ((run,) for run in page))
            attached = index.look(partial(_attached, page=page))
            doomed.executemany("INSERT OR IGNORE INTO content VALUES(?, ?)", attached)
        if doomed.execute("SELECT 1 FROM content LIMIT 1").fetchone():
            _spare_shared(index, doomed)
        (freed,) = doomed.execute("SELECT coalesce(sum(size), 0) FROM content").fetchone()
        return int(total) + int(freed)
    finally:
        doomed.close()


def _weigh_runs(catalog: Catalog, page: Sequence[str]) -> float:
    marks = ", ".join("?" * len(page))
    own = catalog.one(f"{_RUNS} WHERE o.run_id IN ({marks})", page)
    other = catalog.one(f"{_REPLACED} WHERE r.pack IS NULL AND r.run_id IN ({marks})", page)
    return sum(row[0] or 0.0 for row in (own, other) if row is not None)


def _attached(catalog: Catalog, page: Sequence[str]) -> list[Row]:
    marks = ", ".join("?" * len(page))
    return catalog.rows(
        "SELECT f.target, coalesce(json_extract(f.note, '$.size'), 0) FROM ref f"
        f" JOIN run r USING(run_id) WHERE f.run_id IN ({marks})"
        " AND f.target IS NOT NULL AND f.stamp > r.floor",
        page,
    )


def _spare_shared(index: Index, doomed: sqlite3.Connection) -> None:
    """Take out what a ref of another run, or of none, holds too."""
    after = ""
    while rows := index.look(partial(_refs, after=after)):
        after = rows[-1][0]
        for _, run_id, target in rows:
            known = doomed.execute("SELECT 1 FROM run WHERE run_id = ?", (run_id,)).fetchone()
            if known is None:
                doomed.execute("DELETE FROM content WHERE id = ?", (target,))


def _refs(catalog: Catalog, after: str) -> list[Row]:
    return catalog.rows(
        "SELECT f.name, f.run_id, f.target FROM ref f LEFT JOIN run r ON r.run_id = f.run_id"
        " WHERE f.name > ? AND f.target IS NOT NULL"
        " AND (f.run_id IS NULL OR (r.object IS NOT NULL AND f.stamp > r.floor))"
        f" ORDER BY f.name LIMIT {_REFS}",
        (after,),
    )

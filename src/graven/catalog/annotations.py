"""Questions about annotations: which runs carry one, and what was said before."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from graven.catalog.database import Catalog, Row

STEPS = "annotations/steps/"

# The part of a ref's name behind its run; the index `ref_by_annotation` is on just these words.
_REST = "substr(f.name, length(f.run_id) + 7)"
_IS_STEP = f"substr(f.name, length(f.run_id) + 7, {len(STEPS)}) = '{STEPS}'"


class Annotated(NamedTuple):
    """An annotation of a run: its time in microseconds, the ref's note, the stamp.

    ``note`` is None where the annotation was taken away.
    """

    run_id: str
    ts: int
    note: dict[str, Any] | None
    stamp: int


def visible_steps(catalog: Catalog, series: str | None = None) -> list[Annotated]:
    """The annotated steps of all runs that are there, or those of one series, oldest first."""
    condition, values = ("", []) if series is None else (f" AND {_REST} = ?", [STEPS + series])
    rows = catalog.rows(
        "SELECT f.run_id, coalesce(r.ts, 0), f.note, f.stamp FROM ref f JOIN run r USING(run_id)"
        f" WHERE {_IS_STEP}{condition} AND f.target IS NOT NULL AND f.stamp > r.floor"
        " AND r.object IS NOT NULL ORDER BY r.ts, f.run_id, f.name",
        values,
    )
    return [_annotated(row) for row in rows]


def step_past(catalog: Catalog, series: str) -> list[Annotated]:
    """All that was ever said of one series, removals too, the latest word first."""
    rows = catalog.rows(
        "SELECT f.run_id, coalesce(r.ts, 0), CASE WHEN f.target IS NULL THEN NULL ELSE f.note END,"
        f" f.stamp FROM ref f JOIN run r USING(run_id) WHERE {_IS_STEP} AND {_REST} = ?",
        [STEPS + series],
    )
    found = [_annotated(row) for row in rows]
    for run_id in {one.run_id for one in found}:
        older = catalog.rows(
            "SELECT ?, 0, CASE WHEN length(target) = 0 THEN NULL ELSE note END, stamp FROM past"
            " WHERE name = ?",
            (run_id, f"runs/{run_id}/{STEPS}{series}"),
        )
        ts = next(one.ts for one in found if one.run_id == run_id)
        found += [_annotated(row)._replace(ts=ts) for row in older]
    return sorted(found, key=lambda one: (-one.stamp, one.run_id))


def _annotated(row: Row) -> Annotated:
    run_id, ts, text, stamp = row
    note = None if text is None else json.loads(text)
    return Annotated(run_id, ts, note if isinstance(note, dict) else None, stamp)

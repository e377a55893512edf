"""Questions about tables: which visible runs have one of a name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from graven.catalog.database import Catalog
from graven.catalog.questions import Filter
from graven.ids import ObjectId, normal

PREFIX = "tables/"
_PAGE = 500

# The part of a ref's name behind its run; the index `ref_by_table` is on just these words.
_REST = "substr(f.name, length(f.run_id) + 7)"
_IS_TABLE = "substr(f.name, length(f.run_id) + 7, 7) = 'tables/'"
_VISIBLE = (
    f"FROM ref f JOIN run r USING(run_id) WHERE {_IS_TABLE}"
    " AND f.target IS NOT NULL AND f.stamp > r.floor AND r.object IS NOT NULL"
)


class TableKey(NamedTuple):
    """What a row of a scan is known by: the run, its labels, and the table's object."""

    run_id: str
    object_id: ObjectId
    branch: str | None
    experiment: str | None


def visible_tables(catalog: Catalog, name: str, wanted: Filter) -> list[TableKey]:
    """The tables of a name (without ``tables/``) of all runs that fit, by run id."""
    where, values = wanted.where()
    rows = catalog.rows(
        f"SELECT f.run_id, f.target, r.branch, r.experiment {_VISIBLE}"
        f" AND {_REST} = ? AND {where} ORDER BY f.run_id",
        [PREFIX + normal(name), *values],
    )
    return [TableKey(*row) for row in rows]


def table_names(catalog: Catalog) -> list[tuple[str, int]]:
    """Names of tables (without ``tables/``) and how many runs have one, by name."""
    rows = catalog.rows(f"SELECT {_REST} AS rest, count(*) {_VISIBLE} GROUP BY rest ORDER BY rest")
    return [(rest[len(PREFIX) :], count) for rest, count in rows]


def table_notes(catalog: Catalog, name: str, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The notes of these runs' tables, by run id."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(run_ids), _PAGE):
        refs = [
            f"runs/{run_id}/{PREFIX}{normal(name)}" for run_id in run_ids[start : start + _PAGE]
        ]
        rows = catalog.rows(
            f"SELECT run_id, note FROM ref WHERE name IN ({', '.join('?' * len(refs))})", refs
        )
        for run_id, note in rows:
            parsed = json.loads(note) if note else {}
            found[run_id] = parsed if isinstance(parsed, dict) else {}
    return found

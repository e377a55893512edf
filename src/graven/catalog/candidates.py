"""Questions that choose runs to be pruned: candidates, their ranks, the names that are known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from graven.catalog.database import Catalog
from graven.catalog.questions import NEWEST_FIRST, Filter, HeaderKey
from graven.formats.columns import value_at
from graven.ids import normal

_PAGE = 1000

_LABELS = {"branch": 1, "experiment": 3, "status": 4}  # column: place in an old header


class Candidate(NamedTuple):
    """A living run: ``number`` of its row, ``ts`` in microseconds, ``d`` of its definitions."""

    number: int
    run_id: str
    stamp: int
    ts: int
    branch: str | None
    d: int | None


def page_of_candidates(
    catalog: Catalog, wanted: Filter, after: HeaderKey | None
) -> tuple[list[Candidate], HeaderKey | None]:
    """The next runs, newest first, and the key to go on behind; None at the end."""
    where, values = wanted.where()
    if after is not None:
        where = (
            f"({where}) AND r.ts <= ? AND (r.ts < ? OR r.stamp < ?"
            " OR (r.stamp = ? AND r.run_id > ?))"
        )
        values += [after.ts, after.ts, after.stamp, after.stamp, after.run_id]
    rows = catalog.rows(
        "SELECT r.n, r.run_id, r.stamp, coalesce(r.ts, 0), r.branch, r.d FROM run r"
        f" WHERE {where} {NEWEST_FIRST} LIMIT {_PAGE}",
        values,
    )
    page = [Candidate(*row) for row in rows]
    if len(page) < _PAGE:
        return page, None
    return page, HeaderKey(page[-1].ts, page[-1].stamp, page[-1].run_id)


def metric_positions(catalog: Catalog, metric: str) -> dict[int, list[int]]:
    """Definitions number to the positions of a metric in the values of its runs, all points."""
    wanted = normal(metric)
    found: dict[int, list[int]] = {}
    for d, metrics, start in catalog.rows("SELECT d, metrics, start FROM shape"):
        names = json.loads(metrics)
        if wanted in names:
            found.setdefault(d, []).append(start + names.index(wanted))
    return found


def metric_values(
    catalog: Catalog, page: Sequence[Candidate], positions: dict[int, list[int]]
) -> dict[str, float]:
    """Run id to the median over its points; a run without a number of the metric is left out."""
    wanted = {c.number: c for c in page if c.d in positions}
    if not wanted:
        return {}
    marks = ", ".join("?" * len(wanted))
    rows = catalog.rows(f"SELECT n, vals FROM measured WHERE n IN ({marks})", list(wanted))
    found = {}
    for number, column in rows:
        candidate = wanted[number]
        values = [value_at(column, place) for place in positions[candidate.d or 0]]
        numbers = [value for value in values if not math.isnan(value)]
        if numbers:
            found[candidate.run_id] = median(numbers)
    return found


def known_labels(catalog: Catalog, column: str) -> set[str]:
    """Every branch, experiment or status that a run has, or had before it was deleted."""
    living = catalog.rows(f"SELECT DISTINCT {column} FROM run WHERE {column} IS NOT NULL")
    place = _LABELS[column]
    past = catalog.rows(
        f"SELECT DISTINCT json_extract(header, '$[{place}]') FROM past WHERE header IS NOT NULL"
    )
    return {str(row[0]) for row in [*living, *past] if row[0] is not None}


def known_metrics(catalog: Catalog) -> set[str]:
    """Every metric of every run."""
    found: set[str] = set()
    for (names,) in catalog.rows("SELECT DISTINCT metrics FROM shape"):
        found.update(json.loads(names))
    return found


def known_tag_keys(catalog: Catalog) -> set[str]:
    """Every key of the tags of points."""
    return {row[0] for row in catalog.rows("SELECT DISTINCT key FROM shape_tag")}


def stamps_of(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, tuple[int, bytes | None]]:
    """Stamp and object of these runs as they are now; the object is None for a deleted one."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for start in range(0, len(run_ids), _PAGE):
        page: list[Any] = list(run_ids[start : start + _PAGE])
        rows = catalog.rows(
            f"SELECT run_id, stamp, object FROM run WHERE run_id IN ({', '.join('?' * len(page))})",
            page,
        )
        found.update({run_id: (stamp, target) for run_id, stamp, target in rows})
    return found

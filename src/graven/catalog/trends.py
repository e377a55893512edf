"""Questions about points: which runs hold one with these tags, one metric over time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from graven.catalog.database import Catalog, Row
from graven.catalog.questions import NEWEST_FIRST
from graven.formats.columns import value_at
from graven.ids import normal

_MERGE_LIMIT = 48  # definitions up to which each is asked apart and the answers are merged
_PAGE = 1000


class Column(NamedTuple):
    """Where a metric of a point stands in runs of one definitions number."""

    d: int
    position: int


class Sample(NamedTuple):
    """One value of a trend: ``bounds`` says whether the run object has intervals."""

    number: int
    ts: int
    value: float
    position: int
    bounds: bool


Facts: TypeAlias = tuple[str, bytes, str | bytes | None]
"""Run id, object id, commit as stored."""


class SeriesName(NamedTuple):
    """What names a series: scenario, point name, tags, metric."""

    scenario: str
    name: str
    tags: dict[str, str]
    metric: str


def find_columns(
    catalog: Catalog,
    metric: str,
    point_name: str,
    tags: dict[str, str],
    scenario: str | None = None,
) -> dict[int, int]:
    """Definitions number -> position of the first fitting point's metric in the columns."""
    rows = catalog.rows(
        "SELECT d, scenario, tags, metrics, start FROM shape WHERE name = ? ORDER BY d, point",
        (normal(point_name),),
    )
    found: dict[int, int] = {}
    metric = normal(metric)
    scenario = None if scenario is None else normal(scenario)
    wanted = {normal(key): value for key, value in tags.items()}.items()
    for d, own_scenario, own_tags, metrics, start in rows:
        if d in found or (scenario is not None and own_scenario != scenario):
            continue
        names = json.loads(metrics)
        if metric in names and wanted <= json.loads(own_tags).items():
            found[d] = start + names.index(metric)
    return found


def newest_samples(
    catalog: Catalog,
    columns: dict[int, int],
    limit: int | None,
    branch: str | None = None,
    experiment: str | None = None,
) -> list[Sample]:
    """The newest ``limit`` values (all for None), in the order of listings."""
    if not columns:
        return []
    of = _Of(branch, experiment)
    if len(columns) <= _MERGE_LIMIT:
        streams = [_one_definitions(catalog, d, limit, of) for d in columns]
        rows: Iterable[Row] = heapq.merge(*streams, key=_newest_first)
    else:
        rows = _all_definitions(catalog, columns, of)
    out = []
    for number, ts, bounds, values, d, *_ in rows:
        position = columns[d]
        out.append(Sample(number, ts, value_at(values, position), position, bool(bounds)))
        if limit is not None and len(out) >= limit:
            break
    return out


class _Of(NamedTuple):
    """Whose values: of a branch, of an experiment; None for any."""

    branch: str | None
    experiment: str | None

    def where(self) -> tuple[str, list[object]]:
        """The condition behind others, and its values."""
        terms = ["AND r.branch = ?"] if self.branch is not None else []
        terms += ["AND r.experiment = ?"] if self.experiment is not None else []
        return " ".join(terms), [value for value in self if value is not None]


_MEASURED = (
    "SELECT r.n, r.ts, m.bounds, m.vals, r.d, r.stamp, r.run_id"
    " FROM run r JOIN measured m ON m.n = r.n"
)


def _newest_first(row: Row) -> tuple[int, int, str]:
    """The order of `NEWEST_FIRST` for a row of `_MEASURED`."""
    return (-row[1], -row[5], row[6])


def _one_definitions(catalog: Catalog, d: int, limit: int | None, of: _Of) -> Sequence[Row]:
    condition, values = of.where()
    return catalog.rows(
        f"{_MEASURED} WHERE r.d = ? {condition} {NEWEST_FIRST} LIMIT ?",
        [d, *values, -1 if limit is None else limit],
    )


def _all_definitions(catalog: Catalog, columns: dict[int, int], of: _Of) -> Iterator[Row]:
    condition, values = of.where()
    # Each page begins after the last row of the one before, so that runs which another
    # process indexes meanwhile neither hide a row nor show one twice.
    after = ""
    last: list[object] = []
    while True:
        rows = catalog.rows(
            f"{_MEASURED} WHERE r.object IS NOT NULL {condition} {after} {NEWEST_FIRST} LIMIT ?",
            [*values, *last, _PAGE],
        )
        yield from (row for row in rows if row[4] in columns)
        if len(rows) < _PAGE:
            return
        after = "AND (r.ts < ? OR (r.ts = ? AND (-r.stamp, r.run_id) > (?, ?)))"
        ts, stamp, run_id = rows[-1][1], rows[-1][5], rows[-1][6]
        last = [ts, ts, -stamp, run_id]


def run_facts(catalog: Catalog, numbers: Sequence[int]) -> dict[int, Facts]:
    """Run number -> (run id, object id, commit as stored)."""
    out = {}
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = catalog.rows(
            f"SELECT n, run_id, object, commit_hash FROM run WHERE n IN ({marks})", part
        )
        out.update({row[0]: (row[1], row[2], row[3]) for row in rows})
    return out


def definitions_with_point(catalog: Catalog, tags: dict[str, str | None]) -> list[int]:
    """Definitions that have a point holding all pairs; None means the point lacks the tag."""
    wanted = {normal(k): v for k, v in tags.items() if v is not None}
    lacking = [normal(k) for k, v in tags.items() if v is None]
    if not wanted:
        rows = catalog.rows("SELECT d, tags FROM shape")
    else:
        key, value = next(iter(wanted.items()))
        rows = catalog.rows(
            "SELECT s.d, s.tags FROM shape_tag t JOIN shape s ON s.d = t.d AND s.point = t.point"
            " WHERE t.key = ? AND t.value = ?",
            (key, value),
        )
    found = set()
    for d, text in rows:
        if d not in found:
            own = json.loads(text)
            if wanted.items() <= own.items() and not any(key in own for key in lacking):
                found.add(d)
    return sorted(found)


def series_names(catalog: Catalog) -> list[SeriesName]:
    """Every series that some living run has, sorted."""
    rows = catalog.rows(
        "SELECT DISTINCT scenario, name, tags, metrics FROM shape"
        " WHERE d IN (SELECT DISTINCT d FROM run WHERE d IS NOT NULL) ORDER BY scenario, name, tags"
    )
    read = lru_cache(maxsize=4096)(json.loads)  # of a million points most have the same few
    seen: set[tuple[str, str, str, str]] = set()
    out = []
    for scenario, name, tags, metrics in rows:
        for metric in read(metrics):
            if (scenario, name, tags, metric) not in seen:
                seen.add((scenario, name, tags, metric))
                out.append(SeriesName(scenario, name, dict(read(tags)), metric))
    return out

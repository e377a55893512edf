"""A metric over the runs, one series for each benchmark that has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from graven.analysis import TrendSummary, summarize_trend
from graven.catalog.trends import SeriesName
from graven.errors import NotFound
from graven.model import MetricDef, TrendSeries
from graven.store import Store

MAX_SERIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """The name of a series."""

    scenario: str
    name: str
    tags: dict[str, str]
    metric: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scenario": self.scenario,
            "name": self.name,
            "tags": self.tags,
            "metric": self.metric,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One series, its key figures, and how to read its values.

    Attributes:
        branches: of the run of each point.
        definition: of the metric, as the newest run of the series has it.
        other_units: units of older runs with another one, and how many values these have;
            they are not among the points.
    """

    info: SeriesInfo
    series: TrendSeries
    branches: tuple[str | None, ...]
    summary: TrendSummary
    definition: MetricDef | None
    other_units: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        known = self.definition
        return {
            **self.info.to_dict(),
            "unit": known.unit if known else None,
            "direction": str(known.direction) if known else None,
            "summary": self.summary.to_dict(),
            "other_units": dict(self.other_units),
            "points": [
                {**point.to_dict(), **({} if branch is None else {"branch": branch})}
                for point, branch in zip(self.series.points, self.branches, strict=True)
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """What `trend` answers; ``more`` counts the series that fit too and are not shown."""

    trends: tuple[Trend, ...]
    more: int


def list_series(
    store: Store,
    *,
    metric: str = "*",
    point: str = "*",
    scenario: str = "*",
    tags: Mapping[str, str] | None = None,
) -> list[SeriesInfo]:
    """The series that fit; names may hold the wildcards ``* ? []``, tags must be held.

    A point is also known by its scenario and name with a ``/`` between, as it is shown.
    """
    return [
        SeriesInfo(scenario=s.scenario, name=s.name, tags=dict(s.tags), metric=s.metric)
        for s in store.series()
        if fits_series(s, metric, point, scenario, tags or {})
    ]


def trend(
    store: Store,
    metric: str,
    point: str = "*",
    *,
    scenario: str = "*",
    tags: Mapping[str, str] | None = None,
    branch: str | None = None,
    limit: int | None = None,
    max_series: int = MAX_SERIES,
) -> Trends:
    """Values over time of every series that fits, oldest first.

    Args:
        store: where to look.
        metric, point, scenario: names, or patterns with the wildcards ``* ? []``.
        tags: pairs that the points must hold.
        branch: only runs of this branch.
        limit: the newest so many values of each series; None for all.
        max_series: at most so many series.

    Raises:
        NotFound: no series fits; the hint names near ones.
    """
    found = list_series(store, metric=metric, point=point, scenario=scenario, tags=tags)
    if not found:
        raise nothing_fits(store, metric, point, scenario)
    trends: list[Trend] = []
    for number, info in enumerate(found):
        if len(trends) == max_series:
            return Trends(trends=tuple(trends), more=len(found) - number)
        one = _trend(store, info, branch, limit)
        if one.series.points:  # of other branches alone it is not in the answer
            trends.append(one)
    if not trends:
        raise NotFound(
            f"no run of branch {branch!r} has such a value",
            kind="series-missing",
            hint="without --branch all runs are looked at",
            field="branch",
        )
    return Trends(trends=tuple(trends), more=0)


def _trend(store: Store, info: SeriesInfo, branch: str | None, limit: int | None) -> Trend:
    series = store.extract_trend(
        info.metric,
        info.name,
        info.tags,
        n_runs=limit,
        branch=branch,
        scenario=info.scenario,
    )
    known: MetricDef | None = None
    others: dict[str, int] = {}
    if series.points:
        known = store.load(series.points[-1].run_id).metric_defs.get(info.metric)
        meaning = store.metric_meanings([info.metric]).get(info.metric)
        if meaning is not None and len(meaning.units) > 1:
            series, others = _in_one_unit(store, info, series, branch)
    runs = [point.run_id for point in series.points]
    branch_of = {header.run_id: header.branch for header in store.headers_of(runs)}
    return Trend(
        info=info,
        series=series,
        branches=tuple(branch_of.get(run_id, branch) for run_id in runs),
        summary=summarize_trend(series),
        definition=store.metric_defs.get(info.metric, known),
        other_units=others,
    )


def _in_one_unit(
    store: Store, info: SeriesInfo, series: TrendSeries, branch: str | None
) -> tuple[TrendSeries, dict[str, int]]:
    """The points in the unit of the newest, and how many there are in others."""
    table = store.series_table(branch=branch)
    shown = {point.run_id for point in series.points}
    table = table.among(row for row, run in enumerate(table.runs) if run.run_id in shown)
    found = table.series(SeriesName(info.scenario, info.name, info.tags, info.metric))
    same = {table.runs[row].run_id for row in found.rows.tolist()}
    points = tuple(point for point in series.points if point.run_id in same)
    return replace(series, points=points), found.other_units


def fits(name: str, pattern: str) -> bool:
    """Whether a name is what a person wrote: the name itself, or a pattern that it fits."""
    return name == pattern or fnmatchcase(name, pattern)


def fits_series(
    name: SeriesName, metric: str, point: str, scenario: str, tags: Mapping[str, str]
) -> bool:
    """Whether a series is what was asked for; see `list_series`."""
    return (
        fits(name.metric, metric)
        and fits_point(name.scenario, name.name, point)
        and fits(name.scenario, scenario)
        and tags.items() <= name.tags.items()
    )


def fits_point(scenario: str, name: str, pattern: str) -> bool:
    """Whether a point is what was asked for, by its name or as it is shown."""
    return fits(name, pattern) or fits(f"{scenario}/{name}", pattern)


def nothing_fits(store: Store, metric: str, point: str, scenario: str) -> NotFound:
    """The error for whoever asked for series that are not there; its hint names near ones."""
    known = store.series()
    for what, pattern, names in (
        ("metric", metric, {s.metric for s in known}),
        ("point", point, {s.name for s in known}),
        ("scenario", scenario, {s.scenario for s in known}),
    ):
        if not any(fits(name, pattern) for name in names):
            near = get_close_matches(pattern, names, n=3) or sorted(names)[:5]
            return NotFound(
                f"no run has a {what} {pattern!r}",
                kind="series-missing",
                hint=f"there is {', '.join(near)}" if near else "the store holds no metric yet",
                field=what,
            )
    return NotFound(
        "no series fits all of these",
        kind="series-missing",
        hint="'graven trend' alone lists the series",
    )

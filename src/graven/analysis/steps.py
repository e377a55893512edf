"""Steps: change points of series over runs, with what people said of them. No store, no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, Protocol

from graven.analysis.statistics.changepoints import (
    MAGNITUDE,
    MIN_SEGMENT,
    WINDOW,
    ChangePoint,
    P,
    change_points,
)
from graven.model import MetricDef, MetricDirection

NEAR = 5
"""Runs that an annotation and the step it speaks of may lie apart: new runs shift estimates."""
NEW = "new"


class RunLike(Protocol):
    """What is said of a run here."""

    @property
    def run_id(self) -> str: ...  # noqa: D102  see graven.store.matrices.SeriesRun
    @property
    def timestamp(self) -> datetime: ...  # noqa: D102  see there
    @property
    def commit(self) -> str | None: ...  # noqa: D102  see there


class Annotation(Protocol):
    """What somebody said of a step."""

    @property
    def run_id(self) -> str: ...  # noqa: D102  see graven.store.annotations.StepAnnotation
    @property
    def state(self) -> str: ...  # noqa: D102  see there
    @property
    def by(self) -> str: ...  # noqa: D102  see there
    @property
    def at(self) -> str: ...  # noqa: D102  see there
    @property
    def message(self) -> str: ...  # noqa: D102  see there


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How steps are found; see `graven.analysis.statistics.changepoints.change_points`."""

    window: int = WINDOW
    p: float = P
    magnitude: float = MAGNITUDE
    min_segment: int = MIN_SEGMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of a series' level.

    Attributes:
        scenario, name, tags, metric: the series.
        unit: of ``before`` and ``after``: medians of the runs on both sides.
        change: (after - before) / abs(before); None where ``before`` is zero.
        worse: whether it goes the bad way; None where nobody said which way that is.
        p: of the t-test; None for a step that only people see.
        index: position of its first run among the series' runs of this answer.
        run_id, timestamp, commit: of the first run with the new level.
        last_run_id, last_commit: of the last run with the old one: the step lies between.
        state: ``new``, ``accepted`` or ``rejected``; ``by``, ``at`` and ``message`` with it.
    """

    scenario: str
    name: str
    tags: dict[str, str]
    metric: str
    unit: str | None
    direction: MetricDirection | None
    before: float
    after: float
    change: float | None
    worse: bool | None
    p: float | None
    index: int
    run_id: str
    timestamp: datetime
    commit: str | None
    last_run_id: str
    last_commit: str | None
    state: str = NEW
    by: str = ""
    at: str = ""
    message: str = ""

    @property
    def size(self) -> float:
        """How large the change is, whichever way; from zero it is infinite."""
        return math.inf if self.change is None else abs(self.change)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        record["timestamp"] = self.timestamp.isoformat()
        record["direction"] = None if self.direction is None else str(self.direction)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesValues:
    """A series to be looked at: its runs, oldest first, and a value of each."""

    scenario: str
    name: str
    tags: Mapping[str, str]
    metric: str
    definition: MetricDef | None
    runs: Sequence[RunLike]
    values: Sequence[float]


def find_steps(
    series: SeriesValues,
    annotations: Sequence[Annotation] = (),
    settings: Settings | None = None,
) -> list[Step]:
    """The steps of one series, oldest first: those that are found, and those people marked.

    An annotation speaks of the nearest step within `NEAR` runs, and the step is then told at
    the run of the annotation.
    """
    asked = settings or Settings()
    points = change_points(
        series.values,
        window=asked.window,
        p=asked.p,
        magnitude=asked.magnitude,
        min_segment=asked.min_segment,
    )
    if not points and not annotations:
        return []
    return sorted(_steps(series, points, annotations), key=lambda step: step.index)


def _steps(
    series: SeriesValues, points: list[ChangePoint], annotations: Sequence[Annotation]
) -> Iterator[Step]:
    positions = {run.run_id: at for at, run in enumerate(series.runs)}
    said = {positions[a.run_id]: a for a in annotations if a.run_id in positions}
    spoken_of = _pair([point.index for point in points], sorted(said))
    for number, point in enumerate(points):
        at = spoken_of.get(number)
        if at is None:
            yield _step(series, point.index, point, None)
        else:
            yield _step(series, at, point, said.pop(at))
    edges = [0, *(point.index for point in points), len(series.runs)]
    for at, annotation in said.items():
        before = [edge for edge in edges if edge < at]
        if before:  # nothing lies before the first run
            start, end = max(before), min(edge for edge in edges if edge > at)
            yield _step(series, at, _between(series.values, start, at, end), annotation)


def _pair(found: Sequence[int], said: Sequence[int]) -> dict[int, int]:
    """Number of a point -> position of the annotation that speaks of it, nearest first."""
    near = sorted(
        (abs(index - at), number, at)
        for number, index in enumerate(found)
        for at in said
        if abs(index - at) <= NEAR
    )
    pairs: dict[int, int] = {}
    for _, number, at in near:
        if number not in pairs and at not in pairs.values():
            pairs[number] = at
    return pairs


def _between(values: Sequence[float], start: int, at: int, end: int) -> ChangePoint | None:
    sides = [[v for v in part if math.isfinite(v)] for part in (values[start:at], values[at:end])]
    if not all(sides):
        return None
    before, after = (float(median(side)) for side in sides)
    change = None if before == 0 else (after - before) / abs(before)
    return ChangePoint(at, math.nan, before, after, change)


def _step(
    series: SeriesValues, at: int, point: ChangePoint | None, said: Annotation | None
) -> Step:
    run, last = series.runs[at], series.runs[_number_before(series.values, at)]
    known = series.definition
    before, after = (math.nan, math.nan) if point is None else (point.before, point.after)
    return Step(
        scenario=series.scenario,
        name=series.name,
        tags=dict(series.tags),
        metric=series.metric,
        unit=known.unit if known else None,
        direction=known.direction if known and known.direction_source != "unknown" else None,
        before=before,
        after=after,
        change=None if point is None else point.change,
        worse=_worse(known, before, after),
        p=None if point is None or math.isnan(point.p) else point.p,
        index=at,
        run_id=run.run_id,
        timestamp=run.timestamp,
        commit=run.commit,
        last_run_id=last.run_id,
        last_commit=last.commit,
        **({} if said is None else {
            "state": said.state, "by": said.by, "at": said.at, "message": said.message,
        }),
    )  # fmt: skip


def _number_before(values: Sequence[float], at: int) -> int:
    """The position of the last number before: what is none says nothing of the old level."""
    before = (index for index in range(at - 1, -1, -1) if math.isfinite(values[index]))
    return next(before, max(at - 1, 0))


def _worse(known: MetricDef | None, before: float, after: float) -> bool | None:
    if known is None or known.direction_source == "unknown" or math.isnan(after):
        return None
    if known.direction is MetricDirection.INFO or before == after:
        return None
    return (after > before) is (known.direction is MetricDirection.LOWER)

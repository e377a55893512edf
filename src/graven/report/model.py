"""What a report holds: runs, their series as columns, and what was found in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graven.analysis import Alarms, Comparison
from graven.analysis.steps import Step
from graven.model import MetricDef

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def tags_text(tags: Mapping[str, str]) -> str:
    """``a=1,b=2`` sorted by key."""
    return ",".join(f"{key}={value}" for key, value in sorted(tags.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """A run as the report lists it.

    Attributes:
        origin: measured, simulated or imported; shown beside everything of the run.
        environment: position in `Report.environments`, None if the run names none.
        refs: ``baselines/main``, ``tags/v1`` ... that stand for it.
    """

    id: str
    timestamp: datetime
    branch: str | None
    commit: str | None
    experiment: str | None
    status: str
    origin: str
    points: int
    environment: int | None
    refs: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        record["timestamp"] = self.timestamp.isoformat()
        record["refs"] = list(self.refs)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSeries:
    """One metric of one benchmark over the runs of the report.

    Attributes:
        rows: positions in `Report.runs`, ascending.
        values: one a row, in ``definition.unit``; NaN where a run has no number.
        lower, upper: bounds of the values where runs have them, else NaN; None where none has.
        definition: of the metric; None where nobody gave one.
        left_out: values in other units, which are another series, by unit.
        steps: changes of level, the oldest first.
    """

    scenario: str
    name: str
    tags: dict[str, str]
    metric: str
    rows: NDArray[np.intp]
    values: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    definition: MetricDef | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    @property
    def unit(self) -> str | None:
        """None where nobody said."""
        return self.definition.unit if self.definition is not None else None

    @property
    def way(self) -> str:
        """Which way is better: ``lower``, ``higher``, ``info``; empty where nobody said."""
        known = self.definition
        if known is None or known.direction_source == "unknown":
            return ""
        return str(known.direction)

    @property
    def label(self) -> str:
        """``scenario/name[k=v] metric``, for people."""
        tags = tags_text(self.tags)
        path = f"{self.scenario}/{self.name}" if self.scenario else self.name
        return f"{path}{f'[{tags}]' if tags else ''} {self.metric}"

    def summary(self) -> dict[str, float | int | None]:
        """Key figures of the values that are numbers: count, first, last, least, most, median."""
        import numpy as np

        numbers = self.values[np.isfinite(self.values)]
        if not len(numbers):
            return {"count": 0, "first": None, "last": None, "minimum": None, "maximum": None,
                    "median": None}  # fmt: skip
        return {
            "count": len(numbers),
            "first": float(numbers[0]),
            "last": float(numbers[-1]),
            "minimum": float(numbers.min()),
            "maximum": float(numbers.max()),
            "median": float(np.median(numbers)),
        }

    def to_dict(self, runs: Sequence[ReportRun]) -> dict[str, Any]:
        """JSON-ready; what is no number is None."""
        return {
            "scenario": self.scenario,
            "name": self.name,
            "tags": self.tags,
            "metric": self.metric,
            "unit": self.unit,
            "direction": str(self.definition.direction) if self.definition else None,
            "direction_source": self.definition.direction_source if self.definition else "unknown",
            "summary": self.summary(),
            "values_in_other_units": self.left_out,
            "steps": [step.to_dict() for step in self.steps],
            "points": list(self._points(runs)),
        }

    def _points(self, runs: Sequence[ReportRun]) -> Iterator[dict[str, Any]]:
        bounds = [
            [None] * len(self.rows) if bound is None else bound.tolist()
            for bound in (self.lower, self.upper)
        ]
        for row, value, *sides in zip(
            self.rows.tolist(), self.values.tolist(), *bounds, strict=True
        ):
            point = {"run": runs[row].id, "value": value if math.isfinite(value) else None}
            for name, side in zip(("lower", "upper"), sides, strict=True):
                if side is not None and math.isfinite(side):
                    point[name] = side
            yield point


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Single measurements of one series in one run.

    Attributes:
        run: position in `Report.runs`; series: in `Report.series`.
        values: finite, in the order measured.
    """

    run: int
    series: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a report shows.

    Attributes:
        title: of the page.
        store: what the store is called.
        made: when this was gathered.
        where: the query that chose the runs; empty for all.
        runs: oldest first.
        series: sorted by scenario, name, tags, metric.
        environments: distinct ones of the runs; numbers of `ReportRun.environment`.
        machines: fingerprint of each, None where the machine is not known.
        comparison: the latest run against the baseline; None with the reason in ``without``.
        without: why there is no comparison.
        baseline_name: what the baseline is called.
        alarms: the gate replayed over the past; None where nothing is judged by history.
        samples: those of the two runs compared.
        runs_left_out, series_left_out: how many fit too and are not in the report.
        notes: what a reader must know.
    """

    title: str
    store: str
    made: datetime
    where: str
    runs: tuple[ReportRun, ...]
    series: tuple[ReportSeries, ...]
    environments: tuple[dict[str, Any], ...]
    machines: tuple[str | None, ...]
    comparison: Comparison | None
    without: str | None
    baseline_name: str
    alarms: Alarms | None = None
    samples: tuple[Samples, ...] = ()
    runs_left_out: int = 0
    series_left_out: int = 0
    notes: tuple[str, ...] = ()

    def origins(self) -> dict[str, int]:
        """How many runs are measured, simulated, imported."""
        found: dict[str, int] = {}
        for run in self.runs:
            found[run.origin] = found.get(run.origin, 0) + 1
        return found

    def left_out(self) -> list[str]:
        """What fits too and is not in the report, as sentences for people."""
        found = []
        if self.runs_left_out:
            found.append(f"{self.runs_left_out:,} older runs")
        if self.series_left_out:
            found.append(f"{self.series_left_out:,} series")
        units: dict[str, int] = {}
        for series in self.series:
            for unit, count in series.left_out.items():
                units[unit] = units.get(unit, 0) + count
        found += [
            f"{count:,} older values in {unit or 'no unit'!r}"
            for unit, count in sorted(units.items())
        ]
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "title": self.title,
            "store": self.store,
            "made": self.made.isoformat(),
            "where": self.where,
            "origins": self.origins(),
            "baseline": self.baseline_name,
            "without_comparison": self.without,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "past_alarms": None if self.alarms is None else self.alarms.to_dict(),
            "runs": [run.to_dict() for run in self.runs],
            "series": [series.to_dict(self.runs) for series in self.series],
            "environments": list(self.environments),
            "machines": list(self.machines),
            "runs_left_out": self.runs_left_out,
            "series_left_out": self.series_left_out,
            "notes": list(self.notes),
        }

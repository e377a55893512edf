"""What comparing two runs answers: rows with their verdicts, and what a reader must know."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from graven.analysis.history import Usual
from graven.model import MetricDirection


class Verdict(StrEnum):
    """What became of one metric of one point."""

    REGRESSION = "regression"
    SUSPECT = "suspect"
    IMPROVEMENT = "improvement"
    NO_CHANGE = "no-change"
    NOT_ENOUGH_DATA = "not-enough-data"
    ADDED = "added"
    REMOVED = "removed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_A_NUMBER = "not-a-number"
    NO_DIRECTION = "no-direction"
    INCOMPARABLE = "incomparable"


class JudgedBy(StrEnum):
    """What a verdict rests on; ``auto`` is a wish only: whatever the data allow."""

    AUTO = "auto"
    HISTORY = "history"
    SAMPLES = "samples"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Ratio of the medians of the samples, current / baseline, with its 95 % interval.

    Attributes:
        lower, upper: None where a side has one sample.
        samples: how many independent samples the baseline and the current run have.
    """

    ratio: float
    lower: float | None
    upper: float | None
    samples: tuple[int, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record: dict[str, Any] = {"ratio": self.ratio, "samples": list(self.samples)}
        if self.lower is not None and self.upper is not None:
            record.update(lower=self.lower, upper=self.upper, confidence=0.95)
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One metric of one point in both runs (``metric`` None: the point as a whole).

    Attributes:
        occurrence: 1 for the first point of this key in its run, 2 for the next ...
        baseline, current: the values in ``unit``; None where there is none.
        delta: current - baseline; None where either is missing or no number.
        change: delta / abs(baseline), 0.05 for 5 % more; None where no ratio exists.
        threshold: the relative threshold that was applied.
        worse: True if the change goes the bad way (also for a point that fails now and
            did not before), False if it goes the good way, None if neither is known.
        note: why the verdict is what it is, where the numbers do not say it.
        effect: of the samples, where both runs have some; None without a ratio.
        judged_by: what the verdict rests on; None where nothing was to judge.
        usual: what the series did before, where that was asked.
        p, p_adjusted: of the rank test, by itself and among all of the suite.
        more_samples: how many more a side would let a test answer.
    """

    scenario: str
    name: str
    tags: dict[str, str]
    verdict: Verdict
    metric: str | None = None
    occurrence: int = 1
    unit: str | None = None
    direction: MetricDirection | None = None
    direction_source: str = "unknown"
    baseline: float | None = None
    current: float | None = None
    delta: float | None = None
    change: float | None = None
    threshold: float | None = None
    worse: bool | None = None
    note: str | None = None
    effect: Effect | None = None
    judged_by: JudgedBy | None = None
    usual: Usual | None = None
    p: float | None = None
    p_adjusted: float | None = None
    more_samples: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; None fields are left out."""
        record: dict[str, Any] = {"scenario": self.scenario, "name": self.name, "tags": self.tags}
        record["metric"] = self.metric
        record["verdict"] = str(self.verdict)
        if self.occurrence > 1:
            record["occurrence"] = self.occurrence
        if self.direction is not None:
            record["direction"] = str(self.direction)
            record["direction_source"] = self.direction_source
        for name in ("unit", "baseline", "current", "delta", "change", "threshold", "worse"):
            if getattr(self, name) is not None:
                record[name] = getattr(self, name)
        if self.change is not None:
            record["percent"] = self.change * 100
        if self.baseline and self.current is not None:
            record["ratio"] = self._ratio(self.baseline, self.current)
        if self.judged_by is not None:
            record["judged_by"] = str(self.judged_by)
        if self.effect is not None:
            record["effect"] = self.effect.to_dict()
        if self.usual is not None:
            record["history"] = self.usual.to_dict()
        for name in ("p", "p_adjusted", "more_samples", "note"):
            if getattr(self, name) is not None:
                record[name] = getattr(self, name)
        return record

    @staticmethod
    def _ratio(baseline: float, current: float) -> float:
        try:
            return current / baseline
        except OverflowError:
            return math.copysign(math.inf, current) * math.copysign(1.0, baseline)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateKey:
    """Points of one run that nothing tells apart."""

    scenario: str
    name: str
    tags: dict[str, str]
    in_baseline: int
    in_current: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "scenario": self.scenario,
            "name": self.name,
            "tags": self.tags,
            "in_baseline": self.in_baseline,
            "in_current": self.in_current,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabel:
    """What a reader must know of a run to judge a comparison with it."""

    id: str
    timestamp: datetime
    commit: str | None
    branch: str | None
    origin: str
    status: str
    machine: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "timestamp": self.timestamp.isoformat(),
            "commit": self.commit,
            "branch": self.branch,
            "origin": self.origin,
            "status": self.status,
            "machine": self.machine,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What `compare_runs` answers.

    Attributes:
        rows: baseline order first, then what only the current run has.
        duplicates: keys that occur more than once in a run.
        comparable: False if the machines are known to differ and that was not allowed.
        warnings: sentences a reader needs beside the rows.
        history_runs: comparable runs that the history held; None where none was asked for.
    """

    baseline: RunLabel
    current: RunLabel
    rows: tuple[Row, ...]
    duplicates: tuple[DuplicateKey, ...]
    comparable: bool
    warnings: tuple[str, ...]
    history_runs: int | None = None

    def counts(self) -> dict[str, int]:
        """Rows by verdict, all verdicts present."""
        found = Counter(row.verdict for row in self.rows)
        return {str(verdict): found[verdict] for verdict in Verdict}

    def ways(self) -> dict[str, int]:
        """Judged rows by what their verdict rests on."""
        found = Counter(row.judged_by for row in self.rows if row.judged_by is not None)
        return {str(way): found[way] for way in JudgedBy if way is not JudgedBy.AUTO}

    def _repr_html_(self) -> str:
        from graven.model.html import cell, table, tags_text

        rows = (
            (
                row.scenario, row.name, tags_text(row.tags), row.metric, row.baseline,
                row.current, row.unit,
                None if row.change is None else f"{row.change:+.1%}", str(row.verdict),
            )
            for row in self.rows
        )  # fmt: skip
        titles = (
            "scenario", "point", "tags", "metric", "baseline", "current", "unit", "change",
            "verdict",
        )  # fmt: skip
        counts = ", ".join(f"{n:,} {verdict}" for verdict, n in self.counts().items() if n)
        sides = " against ".join(
            f"<b>{cell(label.id)}</b> ({cell(label.origin)})"
            for label in (self.current, self.baseline)
        )
        warned = "".join(f"<p>{cell(warning)}</p>" for warning in self.warnings)
        shown = table(titles, rows, len(self.rows))
        return f"<div><p>{sides}: {cell(counts)}</p>{warned}{shown}</div>"

    def with_verdict(self, *verdicts: Verdict) -> tuple[Row, ...]:
        """The rows that have one of ``verdicts``."""
        return tuple(row for row in self.rows if row.verdict in verdicts)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "baseline": self.baseline.to_dict(),
            "current": self.current.to_dict(),
            "comparable": self.comparable,
            "warnings": list(self.warnings),
            "duplicates": [key.to_dict() for key in self.duplicates],
            "counts": self.counts(),
            "judged_by": {way: count for way, count in self.ways().items() if count},
            "history_runs": self.history_runs,
            "rows": [row.to_dict() for row in self.rows],
        }

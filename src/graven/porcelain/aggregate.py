"""A comparison, or many runs, as few numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from graven.analysis.aggregate import (
    NO_GROUP,
    Share,
    Summary,
    aggregate_rows,
    aggregate_values,
    grouping,
)
from graven.analysis.comparison import RunLabel
from graven.errors import InvalidInput
from graven.model import MetricDef
from graven.porcelain.compare import Rules, compare
from graven.porcelain.trend import nothing_fits
from graven.store import Store
from graven.store.matrices import Meaning

_PLAIN = ("branch", "commit", "experiment", "status", "origin", "machine", "group")
_KEYED = ("param", "derived")
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison summed up: the whole in ``shares[0]``, then the groups."""

    baseline: RunLabel
    current: RunLabel
    by: str | None
    shares: tuple[Share, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "baseline": self.baseline.id,
            "current": self.current.id,
            "by": self.by,
            "shares": [share.to_dict() for share in self.shares],
            "warnings": list(self.warnings),
        }


def aggregate_comparison(
    store: Store, baseline: str, current: str, *, by: str | None = None, rules: Rules | None = None
) -> Compared:
    """Compare two runs, and sum the rows up.

    Raises:
        NotFound: a revision means nothing. InvalidInput: no such grouping.
    """
    if by is not None:
        grouping(by)  # refused before anything is read
    found = compare(store, baseline, current, rules)
    return Compared(
        baseline=found.baseline,
        current=found.current,
        by=by,
        shares=tuple(aggregate_rows(found.rows, by)),
        warnings=tuple(found.warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """A metric of many runs, summed up by a label; the largest group first."""

    metric: str
    by: str
    definition: MetricDef | None
    runs: int
    summaries: tuple[Summary, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "metric": self.metric,
            "by": self.by,
            "unit": self.definition.unit if self.definition else None,
            "runs": self.runs,
            "groups": [summary.to_dict() for summary in self.summaries],
            "warnings": list(self.warnings),
        }


def aggregate_runs(store: Store, metric: str, *, by: str, where: str = "") -> Grouped:
    """Values of a metric over the runs that fit, by a label.

    A run's value is the median over its points. By a tag, which points have and not runs, it
    is the median over the points of the run that have that value of the tag.

    Args:
        store: where to look.
        metric: its name.
        by: ``branch``, ``commit``, ``experiment``, ``status``, ``origin``, ``machine``,
            ``group``, ``param.KEY``, ``derived.KEY`` or ``tag.KEY``.
        where: which runs, in the query language.

    Raises:
        InvalidInput: a metric that no run has, no such label, or a bad query.
    """
    head, _, key = by.partition(".")
    if head == "tag" and key:
        groups, runs = _by_tag(store, metric, key, where)
    elif by in _PLAIN or (head in _KEYED and key):
        groups, runs = _by_label(store, metric, by, where)
    else:
        raise InvalidInput(
            f"runs cannot be grouped by {by!r}",
            kind="bad-group",
            hint=f"one of {', '.join(_PLAIN)}, param.KEY, derived.KEY, tag.KEY",
            field="by",
        )
    meaning = store.metric_meanings([metric]).get(metric)
    summaries = aggregate_values(groups)
    summaries.sort(key=lambda summary: (-summary.count, summary.group))
    return Grouped(
        metric=metric,
        by=by,
        definition=store.metric_defs.get(metric, meaning.definition if meaning else None),
        runs=runs,
        summaries=tuple(summaries),
        warnings=tuple(_warnings(store, metric, meaning, where if not runs else "")),
    )


def _by_label(
    store: Store, metric: str, by: str, where: str
) -> tuple[dict[str, list[float | None]], int]:
    found = store.select_rows([f"metric.{metric}", by], where)
    groups: dict[str, list[float | None]] = {}
    for value, label in found.rows:
        groups.setdefault(NO_GROUP if label is None else str(label), []).append(value)
    return groups, len(found.rows)


def _by_tag(
    store: Store, metric: str, key: str, where: str
) -> tuple[dict[str, list[float | None]], int]:
    import numpy as np

    table = store.series_table()
    names = [name for name in table.names() if name.metric == metric]
    if not names:
        raise nothing_fits(store, metric, "*", "*")
    known = sorted({tag for name in names for tag in name.tags})
    if key not in known:
        near = get_close_matches(key, known, n=1)
        raise InvalidInput(
            f"no point with {metric!r} has a tag {key!r}",
            kind="name-unknown",
            hint=f"did you mean {near[0]!r}?" if near else
            f"there is {', '.join(known[:_NAMED]) or 'none'}",
            field=f"tag.{key}",
        )  # fmt: skip
    wanted = set(store.select_ids(where))
    keep = np.array([run.run_id in wanted for run in table.runs], bool)
    by_run: dict[str, dict[int, list[float]]] = {}
    for name in names:
        series = table.series(name)
        chosen = keep[series.rows]
        rows = by_run.setdefault(name.tags.get(key, NO_GROUP), {})
        for row, value in zip(
            series.rows[chosen].tolist(), series.values[chosen].tolist(), strict=True
        ):
            rows.setdefault(row, []).append(value)
    return {label: [_median(values) for values in rows.values()]
            for label, rows in by_run.items() if rows}, int(keep.sum())  # fmt: skip


def _median(values: list[float]) -> float:
    import numpy as np

    numbers = [value for value in values if value == value]  # noqa: PLR0124  only NaN differs from itself
    return float(np.median(numbers)) if numbers else float("nan")


def _warnings(store: Store, metric: str, meaning: Meaning | None, empty: str) -> Iterator[str]:
    remark = store.explain_empty(empty) if empty else None
    if remark is not None:
        yield remark
    if meaning is not None and len(meaning.units) > 1:
        listed = ", ".join(repr(unit) for unit in meaning.units)
        yield f"runs have {metric} in several units ({listed}); the numbers are taken as they are"

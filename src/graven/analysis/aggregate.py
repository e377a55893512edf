"""Many numbers as few: geometric means of ratios, counts by verdict and size, medians."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from graven.analysis.comparison import Row
from graven.errors import InvalidInput
from graven.model import MetricDirection

BUCKETS = (0.01, 0.05, 0.1, 0.25, 1.0)
"""Upper ends of the sizes of changes that are counted; the last bucket has none."""
NO_GROUP = "(none)"

_UNUSABLE = ("missing", "not a number", "infinite", "zero", "negative")


def unusable(value: float | None) -> str | None:
    """Why a value has no place in a geometric mean; None if it has."""
    if value is None:
        return "missing"
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite"
    if value == 0:
        return "zero"
    return "negative" if value < 0 else None


def geometric_mean(values: Iterable[float]) -> float | None:
    """Of positive finite numbers; None of none."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What became of one group of rows.

    Attributes:
        group: the label; empty for all rows.
        rows: metrics of points in it.
        ratio: geometric mean of current / baseline; None where the group has metrics of
            both directions, whose ratios say the opposite of each other.
        gain: the same with each ratio turned so that above 1 is better; of metrics with a
            known direction alone.
        rated, directed: how many ratios the two are means of.
        excluded: why rows have no ratio, and how many.
        verdicts: how many rows of each verdict.
        better, worse: changes by size: counts for each of `BUCKETS` and beyond.
    """

    group: str
    rows: int
    ratio: float | None
    gain: float | None
    rated: int
    directed: int
    excluded: dict[str, int]
    verdicts: dict[str, int]
    better: tuple[int, ...]
    worse: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        edges = [0.0, *BUCKETS]
        for side in ("better", "worse"):
            record[side] = [
                {"above": low, "count": count}
                for low, count in zip(edges, getattr(self, side), strict=True)
            ]
        return record


def aggregate_rows(rows: Iterable[Row], by: str | None = None) -> list[Share]:
    """Sum up a comparison: all of it first, then by group, sorted.

    Args:
        rows: of a comparison.
        by: ``scenario``, ``point``, ``metric``, ``verdict``, ``tag.KEY``; None for no groups.

    Raises:
        InvalidInput: no such grouping.
    """
    label = grouping(by) if by is not None else None
    groups: dict[str, list[Row]] = {}
    everything = list(rows)
    if label is not None:
        for row in everything:
            groups.setdefault(label(row), []).append(row)
    return [_share("", everything), *(_share(name, groups[name]) for name in sorted(groups))]


def grouping(by: str) -> Callable[[Row], str]:
    """What gives a row's label.

    Raises:
        InvalidInput: no such grouping.
    """
    plain: dict[str, Callable[[Row], str]] = {
        "scenario": lambda row: row.scenario or NO_GROUP,
        "point": lambda row: row.name,
        "metric": lambda row: row.metric or NO_GROUP,
        "verdict": lambda row: str(row.verdict),
    }
    if by in plain:
        return plain[by]
    head, dot, key = by.partition(".")
    if head == "tag" and dot and key:
        return lambda row: row.tags.get(key, NO_GROUP)
    raise InvalidInput(
        f"a comparison cannot be grouped by {by!r}",
        kind="bad-group",
        hint=f"one of {', '.join(plain)}, tag.KEY",
        field="by",
    )


def _share(name: str, rows: list[Row]) -> Share:
    ratios: list[float] = []
    gains: list[float] = []
    ways: set[MetricDirection | None] = set()
    excluded: Counter[str] = Counter()
    better, worse = [0] * (len(BUCKETS) + 1), [0] * (len(BUCKETS) + 1)
    for row in rows:
        why = _why_not(row)
        if why is not None:
            excluded[why] += 1
            continue
        ratio = _ratio(row)
        way = None if row.direction_source == "unknown" else row.direction
        ways.add(way)
        ratios.append(ratio)
        if way in (MetricDirection.LOWER, MetricDirection.HIGHER):
            gain = ratio if way is MetricDirection.HIGHER else 1 / ratio
            gains.append(gain)
            if gain != 1:
                (better if gain > 1 else worse)[_bucket(abs(ratio - 1))] += 1
    opposite = {MetricDirection.LOWER, MetricDirection.HIGHER} <= ways
    return Share(
        group=name,
        rows=len(rows),
        ratio=None if opposite else geometric_mean(ratios),
        gain=geometric_mean(gains),
        rated=len(ratios),
        directed=len(gains),
        excluded=dict(sorted(excluded.items())),
        verdicts=dict(Counter(str(row.verdict) for row in rows).most_common()),
        better=tuple(better),
        worse=tuple(worse),
    )


def _why_not(row: Row) -> str | None:
    """Why a row has no ratio: the reason of the value that is further from being one."""
    if row.metric is None:
        return "no metric"
    reasons = [why for why in (unusable(row.baseline), unusable(row.current)) if why]
    if reasons:
        return min(reasons, key=_UNUSABLE.index)
    if str(row.verdict) == "incomparable":
        return "incomparable"
    ratio = _ratio(row)
    return "infinite" if math.isinf(ratio) or ratio == 0 else None


def _ratio(row: Row) -> float:
    return (row.current or math.nan) / (row.baseline or math.nan)


def _bucket(size: float) -> int:
    # What is 10% but for the last digit of a float is no more than 10%.
    return next((at for at, end in enumerate(BUCKETS) if size <= end * (1 + 1e-9)), len(BUCKETS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Values of one metric over the runs, or points of runs, of one group.

    Attributes:
        group: the label.
        count: values that are finite numbers.
        median, least, most: of these; None of none.
        geometric_mean: of those above zero.
        excluded: why values are not in ``geometric_mean``, and how many; of these the
            missing and those that are no finite number are not in the others either.
    """

    group: str
    count: int
    median: float | None
    geometric_mean: float | None
    least: float | None
    most: float | None
    excluded: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


def aggregate_values(groups: Mapping[str, Iterable[float | None]]) -> list[Summary]:
    """Sum up the values of each group, in the order given."""
    return [_summary(name, list(values)) for name, values in groups.items()]


def _summary(name: str, values: list[float | None]) -> Summary:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    positive = [value for value in finite if value > 0]
    reasons = Counter(why for value in values if (why := unusable(value)) is not None)
    return Summary(
        group=name,
        count=len(finite),
        median=_middle(finite),
        geometric_mean=geometric_mean(positive),
        least=min(finite, default=None),
        most=max(finite, default=None),
        excluded=dict(sorted(reasons.items())),
    )


def _middle(values: list[float]) -> float | None:
    if not values:
        return None
    halved = max(abs(value) for value in values) > 1e300  # the sum of two may overflow
    return 2 * median(value / 2 for value in values) if halved else median(values)

"""One series over time: a summary, and a line of blocks to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from graven.model import TrendSeries

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-=+*#@"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSummary:
    """Key figures of a series; values that are no number are counted and left out.

    Attributes:
        count: points, those without a number among them.
        not_numbers: points whose value is NaN.
        change: (last - first) / abs(first), None where no ratio exists.
    """

    count: int
    not_numbers: int
    first: float | None
    last: float | None
    minimum: float | None
    maximum: float | None
    delta: float | None
    change: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


def summarize_trend(series: TrendSeries) -> TrendSummary:
    """Key figures of ``series``, oldest point first."""
    values = [point.value for point in series.points if not math.isnan(point.value)]
    first, last = (values[0], values[-1]) if values else (None, None)
    delta = change = None
    if first is not None and last is not None and math.isfinite(first) and math.isfinite(last):
        delta = last - first
        change = delta / abs(first) if first else None
    return TrendSummary(
        count=len(series.points),
        not_numbers=len(series.points) - len(values),
        first=first,
        last=last,
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        delta=delta,
        change=change,
    )


def sparkline(values: Sequence[float], *, width: int = 0, ascii_only: bool = False) -> str:
    """One block a value, low to high; a value that is no number is a gap.

    Args:
        values: oldest first; infinities are drawn at the ends of the scale.
        width: at most so many blocks; of more values, neighbours share a block that shows
            their mean. 0 means a block a value.
        ascii_only: characters that every terminal and file has.
    """
    shown = _condense(values, width) if 0 < width < len(values) else values
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    finite = [value for value in shown if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    return "".join(_block(value, low, high, blocks) for value in shown)


def _condense(values: Sequence[float], width: int) -> list[float]:
    """The means of ``width`` groups of neighbours that differ in size by one at most."""
    edges = [index * len(values) // width for index in range(width + 1)]
    return [_mean(values[start:end]) for start, end in pairwise(edges)]


def _mean(values: Sequence[float]) -> float:
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        return math.nan
    return sum(value / len(numbers) for value in numbers)  # divided first: no overflow


def _block(value: float, low: float, high: float, blocks: str) -> str:
    if math.isnan(value):
        return " "
    if math.isinf(value):
        return blocks[-1] if value > 0 else blocks[0]
    span = high / 2 - low / 2  # halved, since the span of extreme floats overflows
    if span <= 0:
        return blocks[len(blocks) // 2 - 1]
    step = (value / 2 - low / 2) / span * len(blocks)
    return blocks[min(int(step), len(blocks) - 1)]

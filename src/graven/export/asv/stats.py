"""The statistics asv keeps beside a value, from the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

COVERAGE = 0.99
NARROWEST, WIDEST = 1e-50, 1e50  # widths of an interval: weights differ by 1e100 at most
_EXACT_UP_TO = 1000  # samples; above, the normal approximation of the binomial is as good
_Z_99 = 2.5758293035489  # 99.5th percentile of the normal distribution


@dataclass(frozen=True, slots=True)
class Stats:
    """asv's columns for one value; all in the unit of the value.

    Quartiles without an interval stop ``asv compare``, an interval without quartiles
    stops ``asv show``: there are all four or none.
    """

    low: float
    high: float
    q25: float
    q75: float
    repeat: int


def make_stats(
    samples: Sequence[float] | None, lower: float | None, upper: float | None
) -> Stats | None:
    """Quartiles of the samples and the interval given; without one, that of the median.

    Returns None where there are no finite samples.
    """
    ordered = sorted(value for value in samples or () if math.isfinite(value))
    if not ordered:
        return None
    if lower is not None and upper is not None and _usable(lower, upper):
        low, high = lower, upper
    else:
        low, high = median_interval(ordered)
    return Stats(low, high, quantile(ordered, 0.25), quantile(ordered, 0.75), len(ordered))


def _usable(lower: float, upper: float) -> bool:
    """True where asv can weigh the value by 2 / width without an overflow later."""
    if math.isnan(lower) or math.isnan(upper):
        return False
    if math.isinf(lower) or math.isinf(upper) or lower == upper:
        return True  # asv takes the weight as unknown
    return NARROWEST <= abs(upper - lower) <= WIDEST


def quantile(ordered: Sequence[float], fraction: float) -> float:
    """Linear interpolation between the order statistics next to ``fraction`` (type 7)."""
    position = (len(ordered) - 1) * fraction
    left = math.floor(position)
    share = position - left
    if share == 0.0:
        return ordered[left]
    return ordered[left] * (1.0 - share) + ordered[left + 1] * share


def median_interval(ordered: Sequence[float]) -> tuple[float, float]:
    """A 99 % interval of the median from order statistics, of any distribution.

    The median lies below the (r+1)-th smallest sample with odds P(Binomial(n, 1/2) <= r),
    so the largest r whose odds are at most 0.5 % is counted off from both ends. With
    fewer than 8 samples there is none: (-inf, inf), which asv reads as unknown.
    """
    drop = _ranks_outside(len(ordered))
    if drop == 0:
        return -math.inf, math.inf
    low, high = ordered[drop - 1], ordered[len(ordered) - drop]
    return (low, high) if _usable(low, high) else (-math.inf, math.inf)


def _ranks_outside(n: int) -> int:
    """How many samples lie outside the interval on each side; at least 1 where there is one."""
    if n > _EXACT_UP_TO:
        return max(math.floor(n / 2 - _Z_99 * math.sqrt(n) / 2), 0)
    limit = (1.0 - COVERAGE) / 2.0
    total, rank = 0, 0
    while rank < n // 2:
        total += math.comb(n, rank)
        if total / 2**n > limit:
            break
        rank += 1
    return rank

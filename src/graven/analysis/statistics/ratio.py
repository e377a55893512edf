"""The ratio of two medians, with a bootstrap interval that is the same every time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graven.analysis.statistics.samples import Numbers, median
from graven.analysis.statistics.seeds import uniforms

CONFIDENCE = 0.95
REPLICATES = 2000
_EXACT_TABLE = 100  # samples up to which the table of a median is exact


class Ratio(NamedTuple):
    """median(current) / median(baseline); the bounds are None where a side has one sample."""

    value: float
    lower: float | None
    upper: float | None


def ratio_of_medians(
    baseline: Numbers,
    current: Numbers,
    seed: Sequence[str],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
) -> Ratio | None:
    """The ratio and its percentile bootstrap interval, each side resampled by itself.

    Args:
        baseline, current: independent finite samples, any order.
        seed: names that the draws depend on, and on nothing else.
        confidence: share of the replicates between the bounds.
        replicates: how many resampled ratios.

    Returns:
        None where no ratio exists: a side is empty, or a median is not above zero. A bound
        is infinite where more than its share of the resampled baselines is not above zero.
    """
    if not len(baseline) or not len(current):
        return None
    below, above = median(baseline), median(current)
    if below <= 0 or above <= 0:
        return None
    value = _divide(above, below)
    if min(len(baseline), len(current)) < 2:
        return Ratio(value, None, None)
    draws = uniforms(seed, 2 * replicates)
    old = _resampled_medians(baseline, draws[:replicates])
    new = _resampled_medians(current, draws[replicates:])
    with np.errstate(over="ignore"):
        ratios = np.where(old > 0, new / np.where(old > 0, old, 1.0), np.inf)
    tail = max(1, round(replicates * (1 - confidence) / 2))
    ratios.partition((tail - 1, replicates - tail))
    return Ratio(value, float(ratios[tail - 1]), float(ratios[replicates - tail]))


def _divide(above: float, below: float) -> float:
    try:
        return above / below
    except OverflowError:
        return math.inf


def _resampled_medians(samples: Numbers, draws: Numbers) -> Numbers:
    """One median a draw, of as many samples as there are, drawn with replacement.

    Which order statistics a resample's median falls on has a distribution that depends on
    their number alone. Drawing from it costs one number a replicate instead of one a sample.
    """
    ordered = np.sort(samples)
    if ordered[0] == ordered[-1]:
        return np.full(len(draws), ordered[0])
    cumulative, low, high = _median_table(len(ordered))
    picked = np.searchsorted(cumulative, draws, side="right")
    return ordered[low[picked]] / 2 + ordered[high[picked]] / 2


_Table = tuple[Numbers, NDArray[np.intp], NDArray[np.intp]]


@lru_cache(maxsize=64)
def _median_table(count: int) -> _Table:
    """Cumulative chances, and the two (equal, if odd) places whose mean is the median.

    Of the k-th smallest of n draws from places 1 to n: it is at most i if at least k draws
    are, each with the chance i/n. Above `_EXACT_TABLE` samples the binomial law gives way to
    the normal one, and the two middle draws are taken as one.
    """
    places = np.arange(count, dtype=np.intp)
    if count > _EXACT_TABLE:
        at = (places + 1) / count - 0.5
        below = [0.5 * math.erfc(-x) for x in (at * math.sqrt(2 * (count + 2))).tolist()]
        return _closed(np.array(below)), places, places
    middle = (count + 1) // 2
    below = [_at_least(middle, count, (place + 1) / count) for place in range(count)]
    if count % 2:
        return _closed(np.array(below)), places, places
    # Exactly half of the draws at i or below with one at i, the others at j or above with
    # one at j: the chance of the middle two being (i, j) for i < j is a product.
    up = np.diff(((places + 1) / count) ** middle, prepend=0.0)
    down = -np.diff(((count - 1 - places) / count) ** middle, prepend=1.0)
    both = np.triu(math.comb(count, middle) * np.outer(up, down), k=1)
    np.fill_diagonal(both, np.maximum(np.diff(below, prepend=0.0) - both.sum(axis=1), 0.0))
    low, high = np.triu_indices(count)
    return _closed(np.cumsum(both[low, high])), low, high


def _closed(cumulative: Numbers) -> Numbers:
    """Ends at 1 exactly, so that no draw below 1 falls behind the last place."""
    cumulative = np.minimum(cumulative, 1.0)
    cumulative[-1] = 1.0
    return cumulative


def _at_least(least: int, count: int, chance: float) -> float:
    """Chance of ``least`` or more successes."""
    return math.fsum(
        math.comb(count, k) * chance**k * (1 - chance) ** (count - k)
        for k in range(least, count + 1)
    )

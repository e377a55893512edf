"""The Mann-Whitney U test: whether values of one side tend to be larger."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from graven.analysis.statistics.samples import Numbers

EXACT_UP_TO = 20  # samples a side; above, the normal law is right to three digits


class RankTest(NamedTuple):
    """The answer of `mann_whitney`.

    ``u`` counts the pairs in which the current value is larger, ties as a half;
    ``superiority`` is their share (0.5: neither side is larger); ``p`` is two-sided.
    """

    u: float
    p: float
    superiority: float


def mann_whitney(baseline: Numbers, current: Numbers) -> RankTest | None:
    """Test two sides of independent finite values; None if one is empty.

    Exact without ties and with up to `EXACT_UP_TO` values a side, else by the normal law
    with corrections for ties and continuity. If all values are equal, p is 1.
    """
    first, second = len(baseline), len(current)
    if not first or not second:
        return None
    ordered = np.sort(baseline)
    below = np.searchsorted(ordered, current, side="left").sum()
    up_to = np.searchsorted(ordered, current, side="right").sum()
    u = float(below + up_to) / 2
    _, repeats = np.unique(np.concatenate((baseline, current)), return_counts=True)
    largest = max(u, first * second - u)
    if len(repeats) == first + second and max(first, second) <= EXACT_UP_TO:
        p = _exact(first, second, round(largest))
    else:
        p = _normal(first, second, largest, repeats.astype(np.float64))
    return RankTest(u, p, u / (first * second))


def _exact(first: int, second: int, largest: int) -> float:
    counts = _arrangements(min(first, second), max(first, second))
    return min(1.0, 2 * sum(counts[largest:]) / sum(counts))


@lru_cache(maxsize=256)
def _arrangements(few: int, many: int) -> tuple[int, ...]:
    """How many orders of both sides have u = 0, 1, 2 ...: coefficients of a Gaussian binomial.

    The product over i of (1 - q^(many + i)) / (1 - q^i), one factor after the other.
    """
    size = few * many + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, few + 1):
        for u in range(size - 1, many + i - 1, -1):
            counts[u] -= counts[u - many - i]
        for u in range(i, size):
            counts[u] += counts[u - i]
    return tuple(counts)


def _normal(first: int, second: int, largest: float, repeats: Numbers) -> float:
    total = first + second
    ties = float((repeats**3 - repeats).sum())
    spread = first * second / 12 * (total + 1 - ties / (total * (total - 1)))
    if spread <= 0:
        return 1.0
    z = (largest - first * second / 2 - 0.5) / math.sqrt(spread)
    return min(1.0, math.erfc(z / math.sqrt(2)))

"""From the samples of a metric to numbers that may be taken as independent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def independent(samples: Sequence[float], groups: Sequence[int] | None = None) -> Numbers:
    """The finite samples; of samples in groups, the median of each group.

    Samples of one process share its memory layout, its cache and its neighbours: they are
    alike beyond what the benchmark makes them. Where a tool says which samples came from
    which process, each process therefore counts once. One group alone is taken as it is.

    Args:
        samples: in the order measured.
        groups: how many consecutive samples came from each process; sums to their number.
    """
    values = np.asarray(samples, dtype=np.float64)
    if groups is not None and sum(1 for size in groups if size) > 1:
        edges = accumulate(groups, initial=0)
        parts = (finite(values[start:end]) for start, end in pairwise(edges))
        return np.array([median(part) for part in parts if len(part)], dtype=np.float64)
    return finite(values)


def finite(values: Numbers) -> Numbers:
    """``values`` without NaN and infinities."""
    return values[np.isfinite(values)]


def median(values: Numbers) -> float:
    """The median, halves summed so that nothing overflows; NaN of nothing."""
    count = len(values)
    if not count:
        return float("nan")
    ordered = np.sort(values)
    low, high = ordered[(count - 1) // 2], ordered[count // 2]
    return float(low if low == high else low / 2 + high / 2)

"""Quartiles of many rows at once, rows of unequal length among them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graven.analysis.statistics.samples import Numbers


class Spread(NamedTuple):
    """One entry a row: how many finite numbers, and where they lie; NaN for an empty row."""

    counts: NDArray[np.intp]
    least: Numbers
    q1: Numbers
    median: Numbers
    q3: Numbers
    most: Numbers


def spread_of_rows(rows: Numbers) -> Spread:
    """Quartiles by linear interpolation between the nearest two values.

    Args:
        rows: shape (rows, values); NaN and infinities are left out.
    """
    ordered = np.sort(np.where(np.isfinite(rows), rows, np.nan), axis=1)  # NaN goes last
    count = np.asarray(np.count_nonzero(~np.isnan(ordered), axis=1), dtype=np.intp)
    if not ordered.shape[1]:
        nothing = np.full(len(rows), np.nan)
        return Spread(count, *(nothing.copy() for _ in range(5)))
    cuts = (_cut(ordered, count, share) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Spread(count, *cuts)


def _cut(ordered: Numbers, count: NDArray[np.intp], share: float) -> Numbers:
    at = np.maximum(count - 1, 0) * share
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    row = np.arange(len(ordered))
    weight = at - low
    values: Numbers = ordered[row, low] * (1 - weight) + ordered[row, high] * weight
    return values

"""Runs in order of several metrics at once: each brought to one scale, weighted, summed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from graven.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Scale(StrEnum):
    """How values of a metric are brought to one scale; the better value is the larger.

    ``min-max``: from 0 (worst) to 1 (best). ``z``: standard deviations from the mean.
    ``rank``: from 0 to 1 by place, equal values sharing theirs; outliers weigh no more
    than others. In all of them a metric that is the same everywhere says nothing: 0.
    """

    MIN_MAX = "min-max"
    Z = "z"
    RANK = "rank"


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer of `rank`.

    Attributes:
        order: rows, the best first; equal scores in the order given; rows without a score,
            in the order given, at the end.
        scores: one for each row as given: the weighted mean of its scaled values, NaN where
            a value is no number (or infinite, but for scale ``rank``).
        lacking: metric to the rows that lack it.
    """

    order: list[int]
    scores: Floats
    lacking: dict[str, list[int]]


def rank(
    values: Floats,
    metrics: Sequence[str],
    weights: Sequence[float],
    higher: Sequence[bool],
    scale: Scale = Scale.MIN_MAX,
) -> Ranking:
    """Order runs by a weighted mean of several metrics.

    Args:
        values: shape (runs, metrics).
        metrics: their names.
        weights: one a metric, positive.
        higher: for each metric whether more is better.
        scale: how values are brought to one scale.

    Raises:
        InvalidInput: a weight that is no positive number.
    """
    import numpy as np

    check_weights(dict(zip(metrics, weights, strict=True)))
    good = ~np.isnan(values) if scale is Scale.RANK else np.isfinite(values)
    scaled = _scaled_together(values, good, scale, np.asarray(higher, bool))
    share = np.asarray(weights, np.float64)
    share = share / share.max()
    # Metric by metric: a product of matrices rounds equal rows apart, by where they stand.
    scores = np.zeros(len(values))
    for column, part in enumerate((share / share.sum()).tolist()):
        scores += scaled[:, column] * part
    whole = good.all(axis=1)
    scores[~whole] = np.nan
    order = np.argsort(np.where(whole, -scores, np.inf), kind="stable")
    lacking = {
        metrics[column]: np.flatnonzero(~good[:, column]).tolist()
        for column in np.flatnonzero(~good.all(axis=0)).tolist()
    }
    return Ranking(order.tolist(), scores, lacking)


def _scaled_together(values: Floats, good: Any, scale: Scale, higher: Any) -> Floats:
    """All metrics on their scales; what is not ``good`` becomes NaN."""
    import numpy as np

    if scale is Scale.RANK:
        scaled = np.empty_like(values)
        for column, up in enumerate(higher):
            scaled[:, column] = _places(values[:, column], good[:, column], higher=up)
        return scaled
    if not len(values):
        return values.copy()
    # Halved and divided first: differences and squares of any finite values stay finite.
    halved = values / 2
    if good.all():
        low, high = halved.min(axis=0), halved.max(axis=0)
    else:
        halved[~good] = np.nan
        low = np.fmin.reduce(halved, axis=0)
        high = np.fmax.reduce(halved, axis=0)
    wide = low < high
    halved -= low
    halved /= np.where(wide, high - low, 1.0)
    down = wide & ~higher
    np.subtract(1.0, halved, out=halved, where=down)
    if scale is Scale.Z:
        for column in np.flatnonzero(wide).tolist():
            part = halved[good[:, column], column]
            halved[:, column] = (halved[:, column] - part.mean()) / part.std()
    return halved


def _places(values: Floats, good: Any, *, higher: bool) -> Floats:
    """One metric by place, from 0 to 1; what is not ``good`` becomes NaN."""
    import numpy as np

    out = np.full(len(values), np.nan)
    known = values[good]
    if not len(known):
        return out
    _, places, counts = np.unique(known, return_inverse=True, return_counts=True)
    shared = counts.cumsum() - (counts + 1) / 2
    result = shared[places] / (len(known) - 1) if len(counts) > 1 else np.zeros(len(known))
    out[good] = result if higher or len(counts) == 1 else 1 - result
    return out


def check_weights(weights: Mapping[str, object], where: str = "rank") -> dict[str, float]:
    """Weights as numbers.

    Raises:
        InvalidInput: one that is no positive number, or none at all.
    """
    found = {}
    for metric, weight in weights.items():
        number = weight if isinstance(weight, (int, float)) else math.nan
        if isinstance(weight, bool) or not (math.isfinite(number) and number > 0):
            raise InvalidInput(
                f"{where}: the weight of {metric!r} is {str(weight)[:40]!r}, not a number above 0",
                kind="bad-weight",
                hint="which way is better is said by the metric's direction, not by the sign",
                field=metric,
            )
        found[metric] = float(number)
    if not found:
        raise InvalidInput(f"{where}: no metric to rank by", kind="no-metric", field="metric")
    return found

"""Where the level of a series changes: E-Divisive in windows, with a t-test.

The energy statistic and the divisive search are those of D. S. Matteson and N. A. James, "A
Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data", JASA 109
(2014) 334-345. Its permutation test is replaced by Student's t-test, which makes the answer
the same each time, and the series is searched in windows that overlap, which makes the time
linear in its length: both as in M. Fleming, P. Kolaczkowski et al., "Hunter: Using Change
Point Detection to Hunt for Performance Regressions", ICPE 2023. Points are first taken at ten
times the level that was asked for, so that none hides another, and the weak ones are merged
away afterwards, when each is judged by the whole segments on its two sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graven.analysis.statistics.student import two_sided_p
from graven.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WINDOW = 50
P = 0.001
MAGNITUDE = 0.05
MIN_SEGMENT = 3
_LOOSER = 10.0  # the first pass takes points at so many times p
_MAX_LOOSE = 0.05


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A place where the level of a series changes.

    Attributes:
        index: of the first value after the change, in the values as they were given.
        p: of a t-test between the segments on its two sides.
        before, after: medians of these segments.
        change: (after - before) / abs(before); None where ``before`` is zero.
    """

    index: int
    p: float
    before: float
    after: float
    change: float | None


def change_points(
    values: Sequence[float | None] | Floats,
    *,
    window: int = WINDOW,
    p: float = P,
    magnitude: float = MAGNITUDE,
    min_segment: int = MIN_SEGMENT,
) -> list[ChangePoint]:
    """Where the level of ``values`` changes, oldest first.

    Args:
        values: oldest first. None, NaN and infinities are passed over; the indexes of the
            answer count them.
        window: values that are looked at together.
        p: a point whose t-test has this p or more is no change.
        magnitude: nor is one whose medians differ by this fraction or less.
        min_segment: nor one with fewer values than this on a side.

    Raises:
        InvalidInput: a setting that makes no sense.
    """
    import numpy as np

    _check(window, p, magnitude, min_segment)
    given = np.asarray(values, dtype=np.float64)
    positions = np.flatnonzero(np.isfinite(given))
    kept = given[positions]
    if len(kept) < 2 * min_segment:
        return []
    scaled = _scaled(kept)
    loose = max(p, min(p * _LOOSER, _MAX_LOOSE))
    series = _Segments(kept, scaled)
    found = _split(series, window, loose, min_segment)
    merged = _merge(series, found, p, magnitude)
    return [replace(point, index=int(positions[point.index])) for point in merged]


def _check(window: int, p: float, magnitude: float, min_segment: int) -> None:
    for name, value, good in (
        ("p", p, 0 < p < 1),
        ("magnitude", magnitude, 0 <= magnitude < math.inf),
        ("min_segment", min_segment, min_segment >= 2),
        ("window", window, window >= 2 * min_segment),
    ):
        if not good:
            raise InvalidInput(
                f"change points: {name} cannot be {value}", kind="bad-setting", field=name
            )


def _scaled(values: Floats) -> Floats:
    """Centred, and between -1 and 1: squares and sums of any finite values stay finite."""
    import numpy as np

    halved = values / 2  # the difference of the largest floats overflows
    centred = halved - _median(halved)
    size = np.abs(centred).max()
    return centred / size if size > 0 else centred


class _Segments:
    """Means, deviations and medians of stretches of one series."""

    def __init__(self, values: Floats, scaled: Floats) -> None:
        self.values = values
        self.scaled = scaled

    def __len__(self) -> int:
        return len(self.scaled)

    def p(self, start: int, middle: int, end: int) -> float:
        """Of Student's t-test between [start, middle) and [middle, end)."""
        left, right = self.scaled[start:middle], self.scaled[middle:end]
        freedom = len(left) + len(right) - 2
        if freedom < 1:
            return 1.0
        mean_left, mean_right = float(left.mean()), float(right.mean())
        apart = abs(mean_left - mean_right)
        spread = _squares(left, mean_left) + _squares(right, mean_right)
        # What rounding alone leaves of a constant stretch is no spread, and no step.
        if apart <= 1e-14 * max(abs(mean_left), abs(mean_right), 1e-300):
            return 1.0
        error = math.sqrt(spread / freedom * (1 / len(left) + 1 / len(right)))
        return two_sided_p(apart / error, freedom) if error > 0 else 0.0

    def point(self, start: int, middle: int, end: int) -> ChangePoint:
        """The change at ``middle`` between its neighbours ``start`` and ``end``."""
        before, after = _median(self.values[start:middle]), _median(self.values[middle:end])
        change = None if before == 0 else after / abs(before) - math.copysign(1.0, before)
        return ChangePoint(middle, self.p(start, middle, end), before, after, change)


def _median(values: Floats) -> float:
    import numpy as np

    half = (len(values) - 1) // 2
    low, high = np.partition(values, (half, len(values) // 2))[[half, len(values) // 2]].tolist()
    middle: float = low / 2 + high / 2 if abs(low) > 1 else (low + high) / 2  # the sum may overflow
    return low if low == high else middle


def _squares(values: Floats, mean: float) -> float:
    centred = values - mean
    return float(centred @ centred)


def _split(series: _Segments, window: int, p: float, min_segment: int) -> list[int]:
    """All points that any window shows at ``p``, in order."""
    found: set[int] = set()
    start, step, length = 0, window // 2, len(series)
    while start < length:
        end = min(start + window, length)
        here = _divide(series, start, end, p, min_segment)
        found.update(here)
        if end == length:
            break
        # What lies before the last point is settled: the next window begins there.
        start = max(start + step, max(here, default=0))
    return sorted(found)


def _divide(series: _Segments, start: int, end: int, p: float, min_segment: int) -> list[int]:
    """Divide a window again and again, where the energy between two parts is largest."""
    import numpy as np

    values = series.scaled[start:end]
    distances = np.triu(np.abs(values[:, None] - values[None, :]))
    found = []
    waiting = [(0, len(values))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2 * min_segment:
            continue
        middle = first + _best_cut(distances[first:last, first:last], min_segment)
        if series.p(start + first, start + middle, start + last) < p:
            found.append(start + middle)
            waiting += [(first, middle), (middle, last)]
    return found


def _best_cut(distances: Any, min_segment: int) -> int:
    """The cut whose two sides are furthest apart by the energy statistic.

    Args:
        distances: between the values, those above the diagonal only.
        min_segment: values that each side keeps.
    """
    import numpy as np

    length = len(distances)
    left = np.arange(min_segment, length - min_segment + 1)
    right = length - left
    within_left = distances.sum(axis=0).cumsum()[left - 1]
    from_here = distances.sum(axis=1)[::-1].cumsum()[::-1]
    within_right = from_here[left]
    between = from_here[0] - within_left - within_right
    energy = 2 * (
        between / (left * right)
        - within_left / (left * (left - 1))
        - within_right / (right * (right - 1))
    )
    return int(left[np.argmax(left * right / length * energy)])


def _merge(series: _Segments, indexes: list[int], p: float, magnitude: float) -> list[ChangePoint]:
    """Take away the weakest point until all are strong; its neighbours are judged anew."""
    edges = [0, *indexes, len(series)]
    points = [series.point(*edges[at : at + 3]) for at in range(len(indexes))]
    while points:
        at = max(range(len(points)), key=lambda i: points[i].p)
        if points[at].p < p:
            at = min(range(len(points)), key=lambda i: size_of(points[i]))
            if size_of(points[at]) > magnitude:
                return points
        del points[at], edges[at + 1]
        for beside in (at - 1, at):
            if 0 <= beside < len(points):
                points[beside] = series.point(*edges[beside : beside + 3])
    return points


def size_of(point: ChangePoint) -> float:
    """How large a change is, as a fraction, whichever way it goes; from zero it is infinite."""
    if point.change is not None:
        return abs(point.change)
    return math.inf if point.after else 0.0

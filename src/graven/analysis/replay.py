"""How often a gate would have fired on the past that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graven.analysis.history import FENCE, LEAST, WINDOW, History, SeriesKey

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.analysis.statistics.samples import Numbers

    Flags = NDArray[np.bool]

ENOUGH = 50
"""Comparisons below which a share says nothing."""
MOST_CELLS = 2_000_000
"""Numbers in all windows together; of longer histories the newest part is replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """The rule of the history, replayed over the history of the compared series.

    Attributes:
        comparisons: of a value with at least `LEAST` values before it.
        fired: called a regression; true ones are among them.
        suspected: called suspect: the next run did not agree, or the past differs as much.
        runs: over how many runs of the history.
        series: how many series had any such comparison.
    """

    comparisons: int
    fired: int
    suspected: int
    runs: int
    series: int

    @property
    def share(self) -> float | None:
        """Of the comparisons, how many fired; None where there are too few to say."""
        return self.fired / self.comparisons if self.comparisons >= ENOUGH else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        return {**record, "share": self.share}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Which way is worse for a series (1: up, -1: down), and the least change that counts.

    ``floor`` is the least one from a zero, in the metric's unit.
    """

    sign: int
    relative: float
    floor: float = 0.0


def replay(history: History, sides: Mapping[SeriesKey, Side]) -> Alarms:
    """Judge each past value by those before it, as the gate judges the one in hand.

    Every value has the one before it as the run that may agree, and up to `WINDOW` values
    before both as what is usual. The samples within the runs are not looked at, so that the
    gate itself fires at most as often.
    """
    import numpy as np

    wanted = [(history.columns[key], side) for key, side in sides.items() if key in history.columns]
    if not wanted or not history.runs:
        return Alarms(comparisons=0, fired=0, suspected=0, runs=len(history.runs), series=0)
    rows = max(2 * WINDOW, MOST_CELLS // (WINDOW * len(wanted)))
    values = history.since_cuts()[-rows:, [column for column, _ in wanted]]
    values = np.where(np.isfinite(values), values, np.nan) * [side.sign for _, side in wanted]
    least = np.array([side.relative for _, side in wanted])
    floors = np.array([side.floor for _, side in wanted])
    # Each series without its gaps: these go to the top, where no window is full yet.
    order = np.argsort(~np.isnan(values), axis=0, kind="stable")
    values = np.take_along_axis(values, order, axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # limits of extreme floats are infinite
        looked_at, fired, suspected = _judge_all(values, least, floors)
    return Alarms(
        comparisons=int(looked_at.sum()),
        fired=int(fired.sum()),
        suspected=int(suspected.sum()),
        runs=len(values),
        series=int(looked_at.any(axis=0).sum()),
    )


def _judge_all(values: Numbers, least: Numbers, floors: Numbers) -> tuple[Flags, Flags, Flags]:
    """Of all but the first value of each column: was it judged, did it fire, was it suspect."""
    import numpy as np

    from graven.analysis.statistics.quantiles import spread_of_rows

    count, width = values.shape
    padded = np.concatenate((np.full((WINDOW, width), np.nan), values))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0)[: count - 1]
    spread = spread_of_rows(windows.reshape(-1, WINDOW))
    counts, q1, median, q3, most = (
        part.reshape(windows.shape[:2])
        for part in (spread.counts, spread.q1, spread.median, spread.q3, spread.most)
    )
    # The window before row t ends at t - 1: the one that may agree is not in it.
    before, now = values[:-1], values[1:]
    effect, further = (
        np.where(level == 0, floors, level + least * np.abs(level)) for level in (median, most)
    )
    limit = np.maximum(q3 + FENCE * (q3 - q1), effect)
    looked_at = (counts >= LEAST) & ~np.isnan(now)
    beyond = looked_at & (now > limit)
    sure = (before > limit) | (now > further)
    within = looked_at & ~beyond & (now > further)  # worse than all, but fences are wider
    return looked_at, beyond & sure, (beyond & ~sure) | within

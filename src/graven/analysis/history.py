"""What a series did before: the runs that a gate may lean on, and what was usual in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graven.analysis.statistics.samples import Numbers

WINDOW = 30
"""Runs that say what is usual; more would hold times that are long past."""
LEAST = 10
"""With fewer runs nothing is usual yet."""
FENCE = 1.5
"""Interquartile ranges beyond the quartiles: where Tukey's fences stand."""
MIXED = 4.0
"""Interquartile range over median stride; 1.4 for values that only waver."""

SeriesKey = tuple[str, str, tuple[tuple[str, str], ...], str]
"""(scenario, name, sorted tags, metric)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run that values of the history come from."""

    run_id: str
    timestamp: datetime
    commit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What a series did in the runs near the baseline; values in the metric's unit.

    Attributes:
        runs: how many values these are from.
        low, high: Tukey's fences, q1 - 1.5 IQR and q3 + 1.5 IQR.
        moved: whether a change was accepted after the baseline; then the baseline is of
            the time before it.
        stride: the median change from one run to the next.
        settled: whether all of them are from before the baseline: it was set by one who
            could know them.
    """

    runs: int
    least: float
    q1: float
    median: float
    q3: float
    most: float
    moved: bool = False
    stride: float = 0.0
    settled: bool = False

    @property
    def mixed(self) -> bool:
        """Whether the values are of several levels: far apart, while neighbours are alike."""
        return self.q3 - self.q1 > MIXED * self.stride

    @property
    def low(self) -> float:
        """The lower fence."""
        return self.q1 - FENCE * (self.q3 - self.q1)

    @property
    def high(self) -> float:
        """The upper fence."""
        return self.q3 + FENCE * (self.q3 - self.q1)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        names = ("runs", "least", "q1", "median", "q3", "most", "low", "high")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Values of many series over comparable runs: same branch, machine, experiment, origin.

    Attributes:
        columns: which column of ``values`` a series has.
        runs: oldest first; neither the run that is judged nor its neighbours.
        values: shape (runs, series), float64; NaN where a run has no value, or one in
            another unit.
        confirming: shape (any, series): the runs that may agree with the one that is judged:
            others of its commit, the one before and the one after it on its branch.
        baseline_at: when the baseline was measured.
        cuts: since when a series is what it is: the time of its last accepted change.
        branch: whose runs these are; None for runs without a branch.
        moving: whether nobody set the baseline: it is merely the run that came before, and
            as good or bad as runs are. One that was set is what its user holds on to.
    """

    columns: Mapping[SeriesKey, int]
    runs: Sequence[PastRun]
    values: Numbers
    confirming: Numbers
    baseline_at: datetime
    cuts: Mapping[SeriesKey, datetime] = field(default_factory=dict)
    branch: str | None = None
    moving: bool = False

    def since_cuts(self) -> Numbers:
        """``values`` with NaN for what was before a series' last accepted change."""
        import numpy as np

        values = self.values.copy()
        times = [run.timestamp for run in self.runs]
        for key, cut in self.cuts.items():
            column = self.columns.get(key)
            if column is not None:
                values[np.array([time < cut for time in times], dtype=bool), column] = np.nan
        return values

    def usual(self) -> dict[SeriesKey, Usual]:
        """What is usual for each series that has any value, or an accepted change.

        Taken from the values up to the baseline, the newest `WINDOW` of them. So a change for
        the worse after it never becomes usual by lasting long. Where they are fewer than
        `LEAST`, those that follow the baseline are taken too, as far as they hold one level:
        as many as `WINDOW`, or `LEAST`, or none of them.
        """
        split = self._split
        before, after = range(split - 1, -1, -1), range(split, len(self.runs))
        found = {
            key: replace(usual, settled=usual.runs >= LEAST)
            for key, usual in self._usual(before).items()
        }
        few = [key for key in self.columns if key not in found or found[key].runs < LEAST]
        if few and after:
            spans = [self._usual([*before, *after], most) for most in (WINDOW, LEAST)]
            for key in few:
                usual = (span[key] for span in spans if key in span)
                level = next((one for one in usual if not one.mixed), None)
                if level is not None:
                    found[key] = level
        return found

    def usual_after(self) -> dict[SeriesKey, Usual]:
        """The same of the `WINDOW` values that follow the baseline, itself among them."""
        return self._usual([*range(max(0, self._split - 1), len(self.runs))])

    @property
    def _split(self) -> int:
        """How many runs are not after the baseline."""
        return sum(run.timestamp <= self.baseline_at for run in self.runs)

    def _usual(self, order: Sequence[int], most: int = WINDOW) -> dict[SeriesKey, Usual]:
        """Of the first ``most`` values of each series, the runs taken in this order."""
        import numpy as np

        from graven.analysis.statistics.quantiles import spread_of_rows

        values = self.since_cuts()[list(order)]
        rank = np.cumsum(np.isfinite(values), axis=0)
        chosen = np.where((rank <= most) & np.isfinite(values), values, np.nan)
        spread = spread_of_rows(chosen.T)
        # Without its gaps, so that neighbours stand beside each other.
        gapless = np.take_along_axis(
            chosen, np.argsort(np.isnan(chosen), axis=0, kind="stable"), axis=0
        )
        with np.errstate(over="ignore"):  # the distance of extreme floats is infinite
            strides = spread_of_rows(np.abs(np.diff(gapless, axis=0)).T).median
        found = {}
        for key, column in self.columns.items():
            count = int(spread.counts[column])
            cut = self.cuts.get(key)
            if count or cut is not None:
                found[key] = Usual(
                    runs=count,
                    least=float(spread.least[column]),
                    q1=float(spread.q1[column]),
                    median=float(spread.median[column]),
                    q3=float(spread.q3[column]),
                    most=float(spread.most[column]),
                    moved=cut is not None and cut > self.baseline_at,
                    stride=float(strides[column]),
                )
        return found

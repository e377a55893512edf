"""Which of many commits moved a metric: a binary search that bears noise and failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

UNCLEAR = 0.2
"""Share of the way between the two ends, around its middle, where a value is measured again."""

Measure = Callable[[int], Sequence[float] | None]
"""Measure a candidate once more: its new values, or None where it cannot be measured."""


@dataclass(slots=True)
class Candidate:
    """What is known of one commit.

    Attributes:
        index: 0 is the good end.
        values: everything measured so far.
        failed: it cannot be measured.
        bad: which end it is like; None while that is open.
        unclear: it lay between the two, however often it was measured.
    """

    index: int
    values: list[float] = field(default_factory=list)
    failed: bool = False
    bad: bool | None = None
    unclear: bool = False

    @property
    def value(self) -> float:
        """The median of what was measured."""
        return median(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """The answer.

    Attributes:
        tried: every candidate that was looked at, in the order of looking.
        good, bad: the last candidate like the good end, and the first like the bad one.
            With nothing but failures between them the culprit is among those and ``bad``.
        moved: the two ends differ by more than the threshold at all.
        change: from the good to the bad end, relative to the good one; None without a ratio.
        step: from ``good`` to ``bad``, the same way.
        confirmed: both of them, measured once more at the end, came out as before.
        skipped: failed candidates between ``good`` and ``bad``.
    """

    tried: tuple[Candidate, ...]
    good: Candidate
    bad: Candidate
    moved: bool
    change: float | None
    step: float | None
    confirmed: bool = True
    skipped: tuple[Candidate, ...] = ()


class EndFailed(Exception):
    """One of the two ends cannot be measured: there is nothing to search between."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def bisect(count: int, measure: Measure, *, threshold: float, repeat: int = 1) -> Bisection:
    """Find where a metric moved among ``count`` candidates, the good end first.

    A candidate belongs to the end whose median is nearer, by ratio where both are positive.
    One close to the middle between them is measured up to twice as often before it is
    decided. Failed ones are gone round. The two that are found are measured once more.

    Args:
        count: how many candidates, both ends included; at least 2.
        measure: called for a candidate as often as it takes.
        threshold: relative change that counts as having moved.
        repeat: how often each candidate is measured.

    Raises:
        EndFailed: an end cannot be measured.
    """
    search = _Search(count, measure, repeat)
    good, bad = search.end(0), search.end(count - 1)
    change = relative_change(good.value, bad.value)
    if not _beyond(good.value, bad.value, threshold):
        return Bisection(
            tried=tuple(search.tried), good=good, bad=bad, moved=False, change=change, step=change
        )
    good.bad, bad.bad = False, True
    scale = _Scale(good.value, bad.value)
    low, high = good, bad
    while (middle := search.between(low.index, high.index, scale)) is not None:
        if middle.bad:
            high = middle
        else:
            low = middle
    alike = [search.confirm(each, scale) for each in (low, high)]  # both, whatever the first says
    return Bisection(
        tried=tuple(search.tried),
        good=low,
        bad=high,
        moved=True,
        change=change,
        confirmed=all(alike),
        step=relative_change(low.value, high.value),
        skipped=tuple(search.failed_between(low.index, high.index)),
    )


def relative_change(old: float, new: float) -> float | None:
    """(new - old) / abs(old); None where there is no ratio."""
    if old == new:
        return 0.0
    if old == 0 or not math.isfinite(old) or not math.isfinite(new):
        return None
    return (new - old) / abs(old)


def _beyond(old: float, new: float, threshold: float) -> bool:
    change = relative_change(old, new)
    return old != new if change is None else abs(change) > threshold


class _Scale:
    """Where a value lies between the two ends: 0 is the good one, 1 the bad one."""

    def __init__(self, good: float, bad: float) -> None:
        self._log = good > 0 and bad > 0 and math.isfinite(good) and math.isfinite(bad)
        self._good, self._bad = self._map(good), self._map(bad)

    def place(self, value: float) -> float:
        if self._log and value <= 0:
            return 0.0 if self._good < self._bad else 1.0
        mapped = self._map(value)
        if mapped in (self._good, self._bad):
            return float(mapped == self._bad)
        return (mapped - self._good) / (self._bad - self._good)

    def _map(self, value: float) -> float:
        return math.log(value) if self._log else value


class _Search:
    def __init__(self, count: int, measure: Measure, repeat: int) -> None:
        self._measure = measure
        self._repeat = repeat
        self._known: dict[int, Candidate] = {}
        self._count = count
        self.tried: list[Candidate] = []

    def end(self, index: int) -> Candidate:
        candidate = self._look(index)
        if candidate.failed:
            raise EndFailed(index)
        return candidate

    def between(self, low: int, high: int, scale: _Scale) -> Candidate | None:
        """A candidate between two, as near to their middle as can be measured; decided."""
        for index in _from_the_middle(low, high):
            if index in self._known:
                continue  # failed: all others between the two are not known yet
            candidate = self._look(index)
            if candidate.failed:
                continue
            for _ in range(self._repeat):
                if abs(scale.place(candidate.value) - 0.5) >= UNCLEAR / 2:
                    break
                candidate.values += self._numbers(index)
            place = scale.place(candidate.value)
            candidate.unclear = abs(place - 0.5) < UNCLEAR / 2
            candidate.bad = place > 0.5
            return candidate
        return None

    def confirm(self, candidate: Candidate, scale: _Scale) -> bool:
        """Measure it once more; True if alone that says the same as what was known."""
        again = self._numbers(candidate.index)
        candidate.values += again
        return bool(again) and (scale.place(median(again)) > 0.5) is candidate.bad

    def failed_between(self, low: int, high: int) -> Iterator[Candidate]:
        return (self._known[i] for i in range(low + 1, high) if i in self._known)

    def _look(self, index: int) -> Candidate:
        candidate = self._known[index] = Candidate(index)
        self.tried.append(candidate)
        for _ in range(self._repeat):
            values = self._numbers(index)
            if not values:
                candidate.failed = True
                break
            candidate.values += values
        return candidate

    def _numbers(self, index: int) -> list[float]:
        """Measure once more; what is no number says nothing."""
        return [value for value in self._measure(index) or () if not math.isnan(value)]


def _from_the_middle(low: int, high: int) -> Iterator[int]:
    """Every index between two, the middle first, then outwards."""
    middle = (low + high) // 2
    for distance in range(high - low):
        for index in {middle - distance, middle + distance}:
            if low < index < high:
                yield index

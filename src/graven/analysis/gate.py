"""The verdict on two values of a metric: by history, by samples, or by the ratio alone.

docs/answers.md has the rules in plain words, docs/design/0016-gate.md the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graven.analysis.changes import Allowance
from graven.analysis.comparison import Effect, JudgedBy, Row, Verdict
from graven.analysis.history import LEAST, History, SeriesKey, Usual
from graven.model import Metric, MetricDirection

if TYPE_CHECKING:
    from graven.analysis.statistics.samples import Numbers

LEVEL = 0.01
"""Adjusted p below which samples differ."""
LEAST_SAMPLES = 5
"""A side; with fewer no rank test can reach `LEVEL`: 2 / C(8, 4) is 0.029."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two values that can be judged: both finite, the direction known.

    Attributes:
        facts: fields of the row, all but the verdict's own.
        series: the key of its history; None for a point that others have the name of.
        way: how the user wants it judged; `JudgedBy.AUTO` leaves it to the data.
    """

    facts: dict[str, Any]
    old: Metric
    new: Metric
    direction: MetricDirection
    allowance: Allowance
    series: SeriesKey | None = None
    way: JudgedBy = JudgedBy.AUTO

    @property
    def sign(self) -> int:
        """1 where more is worse, -1 where less is."""
        return 1 if self.direction is MetricDirection.LOWER else -1

    @property
    def equal(self) -> bool:
        """Whether it is the very value of the baseline."""
        return self.old.value == self.new.value


@dataclass(frozen=True, slots=True)
class _Samples:
    """Independent samples of both sides, and what follows from them."""

    old: Numbers
    new: Numbers
    effect: Effect | None
    dropped: int

    @property
    def least(self) -> int:
        return min(len(self.old), len(self.new))


def effect_of(
    old: Metric, new: Metric, facts: Mapping[str, Any], seed: tuple[str, str]
) -> Effect | None:
    """Ratio of medians with its interval; None where a side has no samples, or no ratio."""
    found = _samples(old, new, facts, seed)
    return None if found is None else found.effect


def settle(pairs: Sequence[Pair], seed: tuple[str, str], history: History | None) -> list[Row]:
    """A row for each pair, in order.

    Args:
        pairs: all of the suite: the more tests, the less each counts.
        seed: names of the two runs' contents, which the intervals are drawn from.
        history: of the baseline's branch; None where there is none.
    """
    usual = _Past(history)
    samples = [_samples(pair.old, pair.new, pair.facts, seed) for pair in pairs]
    rows: dict[int, Row] = {}
    tested: list[int] = []
    for index, (pair, found) in enumerate(zip(pairs, samples, strict=True)):
        row = _by_history(pair, found, usual)
        if row is None and pair.equal:
            row = _equal(pair, found)
        if row is not None:
            rows[index] = row
        elif found is not None and found.least >= LEAST_SAMPLES and pair.way in _BY_SAMPLES:
            tested.append(index)
        else:
            rows[index] = _by_ratio(pair, found)
    rows.update(_by_samples({index: (pairs[index], samples[index]) for index in tested}))
    return [_not_against(usual, pairs[index], rows[index]) for index in range(len(pairs))]


_BY_SAMPLES = (JudgedBy.AUTO, JudgedBy.SAMPLES)


def _samples(
    old: Metric, new: Metric, facts: Mapping[str, Any], seed: tuple[str, str]
) -> _Samples | None:
    if not old.samples or not new.samples:
        return None
    from graven.analysis.statistics.ratio import ratio_of_medians
    from graven.analysis.statistics.samples import independent

    before = independent(old.samples, old.sample_groups)
    now = independent(new.samples, new.sample_groups)
    tags = (text for pair in sorted(facts["tags"].items()) for text in pair)
    names = (facts["scenario"], facts["name"], facts["metric"], str(facts["occurrence"]), *tags)
    ratio = ratio_of_medians(before, now, (*seed, *names))
    effect = None
    if ratio is not None:
        effect = Effect(
            ratio=ratio.value,
            lower=ratio.lower,
            upper=ratio.upper,
            samples=(len(before), len(now)),
        )
    dropped = sum(x - x != 0 for metric in (old, new) for x in metric.samples or ())
    return _Samples(before, now, effect, dropped)


# --- by history ---


class _Past:
    """What was usual, asked of the history when it is needed."""

    def __init__(self, history: History | None) -> None:
        self._history = history
        self._near = {} if history is None else history.usual()
        self._after: dict[SeriesKey, Usual] | None = None

    def near(self, pair: Pair) -> Usual | None:
        """What was usual near the baseline; None where the pair is not judged by it."""
        if pair.series is None or pair.way is not JudgedBy.AUTO:
            return None
        return self._near.get(pair.series)

    def fitting(self, pair: Pair) -> Usual | None:
        """What was usual at the level of the baseline; None where too few runs tell.

        A baseline that lies outside of what was usual before it may begin a new level.
        """
        usual = self.near(pair)
        if usual is None or self.is_free(usual) or usual.runs < LEAST:
            return usual
        if not _unusual(pair, usual, pair.old.value):
            return usual
        if self._after is None:
            self._after = self._history.usual_after() if self._history is not None else {}
        after = self._after.get(pair.series) if pair.series is not None else None
        if after is None or after.runs < LEAST or after.mixed:
            return None
        if _unusual(pair, after, pair.old.value):
            return None
        return after

    def is_free(self, usual: Usual) -> bool:
        """Whether the baseline is nothing to hold on to."""
        return usual.moved or (self._history is not None and self._history.moving)

    def others(self, pair: Pair) -> list[float]:
        """The values of the runs that may agree."""
        if self._history is None or pair.series is None:
            return []
        column = self._history.confirming[:, self._history.columns[pair.series]]
        return [float(value) for value in column]


def _by_history(pair: Pair, samples: _Samples | None, past: _Past) -> Row | None:
    """The verdict by what was usual; None where nothing is, or the baseline was not."""
    usual = past.fitting(pair)
    if usual is None or (pair.equal and not past.is_free(usual)):
        return None
    if usual.runs < LEAST:
        return _waiting(pair, samples, usual) if usual.moved else None
    effect = None if samples is None else samples.effect
    facts = {**pair.facts, "usual": usual, "effect": effect, "judged_by": JudgedBy.HISTORY}
    now = pair.new.value
    worse = pair.sign * (now - usual.median) > 0
    if not past.is_free(usual) and facts["worse"] is not worse:
        return Row(**facts, verdict=Verdict.NO_CHANGE)  # of the baseline, in the other direction
    facts["worse"] = worse
    further = _beyond_all(pair, usual, worse) and _interval_agrees(pair, effect, worse)
    if not _unusual(pair, usual, now):
        if worse and further:  # the fences are wide where the past itself had several levels
            note = "beyond all, but past runs differ as much"
            return Row(**facts, verdict=Verdict.SUSPECT, note=note)
        return Row(**facts, verdict=Verdict.NO_CHANGE)
    agreeing = sum(
        _unusual(pair, usual, other) and (pair.sign * (other - usual.median) > 0) is worse
        for other in past.others(pair)
    )
    if agreeing or further:
        verdict = Verdict.REGRESSION if worse else Verdict.IMPROVEMENT
        note = "confirmed" if agreeing else "beyond all"
        return Row(**facts, verdict=verdict, note=note)
    if worse:
        return Row(**facts, verdict=Verdict.SUSPECT, note="unconfirmed")
    return Row(**facts, verdict=Verdict.NO_CHANGE, note="better in this run alone")


def _not_against(past: _Past, pair: Pair, row: Row) -> Row:
    """A value that is usual is no regression against a baseline that was unusually good.

    Mostly the baseline was lucky; if it was better for a reason, ten more runs will tell, or
    whoever accepts the step.
    """
    usual = past.near(pair)
    if row.verdict is not Verdict.REGRESSION or row.judged_by is JudgedBy.HISTORY:
        return row
    if usual is None or not usual.settled or _unusual(pair, usual, pair.new.value):
        return row
    note = "usual, but the baseline is not"
    # Beyond every run of the history the baseline is hardly luck, yet nothing tells for sure.
    edge = usual.least if pair.sign > 0 else usual.most
    lucky = not pair.allowance.exceeded(edge, pair.old.value)
    verdict = Verdict.NO_CHANGE if lucky else Verdict.SUSPECT
    return replace(row, verdict=verdict, usual=usual, note=note)


def _waiting(pair: Pair, samples: _Samples | None, usual: Usual) -> Row:
    return Row(
        **pair.facts,
        verdict=Verdict.NOT_ENOUGH_DATA,
        effect=None if samples is None else samples.effect,
        judged_by=JudgedBy.HISTORY,
        note=f"a change was accepted after the baseline, {usual.runs} runs ago: set a new"
        f" baseline, or wait for {LEAST - usual.runs} more runs",
    )


def _unusual(pair: Pair, usual: Usual, value: float) -> bool:
    """Beyond the fences, and by more than the minimum effect; False for NaN."""
    outside = value > usual.high or value < usual.low
    return outside and pair.allowance.exceeded(usual.median, value)


def _beyond_all(pair: Pair, usual: Usual, worse: bool) -> bool:
    """Further than any value of the history, by more than the minimum effect."""
    upwards = (pair.sign > 0) is worse
    edge = usual.most if upwards else usual.least
    further = pair.new.value > edge if upwards else pair.new.value < edge
    return further and pair.allowance.exceeded(edge, pair.new.value)


def _interval_agrees(pair: Pair, effect: Effect | None, worse: bool) -> bool:
    """Whether the samples exclude that nothing changed; they say nothing where there are none."""
    if effect is None or effect.lower is None or effect.upper is None:
        return True
    upwards = (pair.sign > 0) is worse
    return effect.lower > 1 if upwards else effect.upper < 1


# --- by the samples of the two runs ---


def _by_samples(tested: Mapping[int, tuple[Pair, _Samples | None]]) -> dict[int, Row]:
    from graven.analysis.statistics.falsediscovery import benjamini_hochberg
    from graven.analysis.statistics.ranktest import RankTest, mann_whitney

    found: dict[int, tuple[Pair, _Samples, RankTest]] = {}
    for index, (pair, samples) in tested.items():
        test = None if samples is None else mann_whitney(samples.old, samples.new)
        if samples is not None and test is not None:
            found[index] = (pair, samples, test)
    adjusted = benjamini_hochberg([test.p for _, _, test in found.values()])
    return {
        index: _sample_row(pair, samples, test.p, chance, test.superiority)
        for (index, (pair, samples, test)), chance in zip(found.items(), adjusted, strict=True)
    }


def _sample_row(
    pair: Pair, samples: _Samples, p: float, adjusted: float, superiority: float
) -> Row:
    from graven.analysis.statistics.samples import median
    from graven.analysis.statistics.samplesize import samples_needed

    before, now = median(samples.old), median(samples.new)
    facts = {
        **pair.facts,
        "effect": samples.effect,
        "judged_by": JudgedBy.SAMPLES,
        "p": p,
        "p_adjusted": adjusted,
        "worse": pair.sign * (now - before) > 0 if now != before else None,
    }
    notes = [pair.allowance.why(before)] if before != now else []
    if samples.dropped:
        notes.append(f"{samples.dropped} samples are no finite numbers and left out")
    verdict = Verdict.NO_CHANGE
    if pair.allowance.exceeded(before, now):
        if adjusted < LEVEL:
            verdict = Verdict.REGRESSION if facts["worse"] else Verdict.IMPROVEMENT
        else:
            verdict = Verdict.NOT_ENOUGH_DATA
            level = LEVEL * min(1.0, p / adjusted)  # what the other tests of the suite leave
            needed = samples_needed(superiority, level)
            more = None if needed is None else max(1, needed - samples.least)
            facts["more_samples"] = more
            notes.append("more samples than anyone takes" if more is None else _more(more))
    return Row(**facts, verdict=verdict, note=_joined(notes))


def _more(count: int) -> str:
    return f"about {count:,} more sample{'s' if count != 1 else ''} a side needed"


def _joined(notes: Sequence[str | None]) -> str | None:
    return "; ".join(note for note in notes if note) or None


# --- by the ratio alone ---


def _equal(pair: Pair, samples: _Samples | None) -> Row:
    """The very value of a baseline that is held on to."""
    effect = None if samples is None else samples.effect
    return Row(**pair.facts, verdict=Verdict.NO_CHANGE, judged_by=JudgedBy.RATIO, effect=effect)


def _by_ratio(pair: Pair, samples: _Samples | None) -> Row:
    effect = None if samples is None else samples.effect
    before, now = pair.old.value, pair.new.value
    facts = {**pair.facts, "effect": effect, "judged_by": JudgedBy.RATIO}
    note = pair.allowance.why(before)
    if not pair.allowance.exceeded(before, now):
        return Row(**facts, verdict=Verdict.NO_CHANGE, note=note)
    if pair.way is not JudgedBy.RATIO and not _interval_agrees(pair, effect, facts["worse"]):
        least = 0 if samples is None else samples.least
        more = max(1, LEAST_SAMPLES - least)
        return Row(
            **facts,
            verdict=Verdict.NOT_ENOUGH_DATA,
            more_samples=more,
            note=_joined([note, _more(more)]),
        )
    verdict = Verdict.REGRESSION if facts["worse"] else Verdict.IMPROVEMENT
    return Row(**facts, verdict=verdict, note=note)

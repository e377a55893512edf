"""The gate: whether a comparison passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graven.analysis.comparison import Comparison, Row, Verdict

JUDGED = (
    Verdict.REGRESSION,
    Verdict.SUSPECT,
    Verdict.IMPROVEMENT,
    Verdict.NO_CHANGE,
    Verdict.NOT_ENOUGH_DATA,
)
_DOUBTFUL = (Verdict.REMOVED, Verdict.NOT_A_NUMBER, Verdict.SKIPPED)
_OPEN = (Verdict.SUSPECT, Verdict.NOT_ENOUGH_DATA, Verdict.INCOMPARABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Why there is no answer: the question cannot be judged as asked."""

    kind: str
    message: str
    hint: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The answer of the gate.

    Attributes:
        passed: nothing got worse beyond its threshold, and there is no mistake.
        failures: the rows that fail the check, in the order they are shown.
        doubtful: removed, skipped and not-a-number rows; failures too when strict.
        undecided: suspect, not-enough-data and incomparable rows; a mistake when strict.
        mistakes: why nothing could be judged; then ``passed`` is False and it is no
            regression either.
        judged: how many rows had both values and a direction.
    """

    comparison: Comparison
    passed: bool
    strict: bool
    failures: tuple[Row, ...]
    doubtful: tuple[Row, ...]
    undecided: tuple[Row, ...]
    mistakes: tuple[Mistake, ...]
    judged: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "passed": self.passed,
            "strict": self.strict,
            "judged": self.judged,
            "failures": [row.to_dict() for row in self.failures],
            "mistakes": [mistake.to_dict() for mistake in self.mistakes],
            **self.comparison.to_dict(),
        }


def judge(comparison: Comparison, *, strict: bool = False) -> CheckResult:
    """Turn a comparison into pass or fail.

    Failing are regressions, and points that fail now and were ok in the baseline.
    Removed, skipped and not-a-number rows are only named, unless ``strict``. Nor do rows
    that nobody can decide yet fail; ``strict`` makes them a mistake (kind ``inconclusive``),
    which is no regression either. A metric without a known direction is never judged.
    """
    failures = [
        *sorted(comparison.with_verdict(Verdict.REGRESSION), key=_severity),
        *(row for row in comparison.with_verdict(Verdict.FAILED) if row.worse),
    ]
    doubtful = comparison.with_verdict(*_DOUBTFUL)
    if strict:
        failures += doubtful
    undecided = comparison.with_verdict(*_OPEN)
    judged = len(comparison.with_verdict(*JUDGED))
    mistakes = tuple(_mistakes(comparison, judged, bool(failures)))
    if strict and undecided and not failures and not mistakes:
        mistakes = (_inconclusive(undecided),)
    return CheckResult(
        comparison=comparison,
        passed=not failures and not mistakes,
        strict=strict,
        failures=tuple(failures),
        doubtful=doubtful,
        undecided=undecided,
        mistakes=mistakes,
        judged=judged,
    )


def _inconclusive(rows: tuple[Row, ...]) -> Mistake:
    return Mistake(
        kind="inconclusive",
        message=f"{len(rows)} of the values can be called neither better nor worse yet",
        hint="measure again: another run, or more samples a run; without --strict they pass",
    )


def _severity(row: Row) -> float:
    """Worst first; a change without a ratio (from zero) is worst."""
    return -abs(row.change) if row.change is not None else float("-inf")


def _mistakes(comparison: Comparison, judged: int, failing: bool) -> Iterator[Mistake]:
    if not comparison.comparable:
        yield Mistake(
            kind="incomparable-machines",
            message="the two runs were measured on different machines"
            f" ({comparison.baseline.machine} and {comparison.current.machine})",
            hint="set a baseline measured on this machine, or pass --allow-cross-machine",
        )
        return
    if judged or failing:
        return
    shared = [row for row in comparison.rows if None not in (row.baseline, row.current)]
    if shared:
        yield Mistake(
            kind="nothing-judged",
            message=f"of the metrics in both runs ({len(shared)}) none can be judged",
            hint=_way_out({row.verdict for row in shared}),
        )
    else:
        yield Mistake(
            kind="nothing-compared",
            message="the two runs have no metric of any point in common",
            hint="scenario, name and tags of a point must be the same in both; of several suites"
            " in one store each needs a baseline of its own (--run RUN --baseline NAME);"
            " set a new one if the benchmarks were renamed",
        )


def _way_out(verdicts: set[Verdict]) -> str:
    if Verdict.NO_DIRECTION in verdicts:
        return (
            "say which way is better with --direction METRIC=lower, or in metric_defs"
            " of the store's config.json"
        )
    if Verdict.INCOMPARABLE in verdicts:
        return "their units have changed: set a baseline that has the new ones"
    return "measure again: their values are no numbers"

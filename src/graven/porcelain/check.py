"""The gate of a continuous integration: the latest run against a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.analysis import (
    Alarms,
    CheckResult,
    Comparison,
    History,
    JudgedBy,
    Side,
    Thresholds,
    Ways,
    judge,
    replay,
)
from graven.analysis.check import JUDGED
from graven.analysis.history import SeriesKey
from graven.errors import NotFound
from graven.model import MetricDirection
from graven.porcelain.baseline_words import find_baseline, is_set, pick
from graven.porcelain.compare import Rules, check_rules, compare_with, limits
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The answer.

    Attributes:
        baseline_name: what the baseline is called, or was asked for as.
        result: None where there is no baseline and that was allowed.
        alarms: the gate replayed over the past of these series; None where nothing in it
            is judged by its history.
    """

    baseline_name: str
    result: CheckResult | None
    alarms: Alarms | None = None

    @property
    def passed(self) -> bool:
        """Nothing stands in the way."""
        return self.result is None or self.result.passed

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record: dict[str, Any] = {
            "baseline_name": self.baseline_name,
            "baseline_missing": self.result is None,
            "passed": self.passed,
        }
        if self.result is None:
            return record
        record["past_alarms"] = None if self.alarms is None else self.alarms.to_dict()
        return {**record, **self.result.to_dict()}


def check(
    store: Store,
    *,
    baseline: str = "main",
    run: str | None = None,
    branch: str | None = None,
    rules: Rules | None = None,
    strict: bool = False,
    allow_missing: bool = False,
) -> CheckReport:
    """Judge a run against a baseline.

    Args:
        store: where both are.
        baseline: a baseline's name; or ``latest@BRANCH``, ``merge-base``, ``merge-base:BRANCH``
            (see `graven.porcelain.baseline_words`), or a revision.
        run: revision to judge; else the latest run of ``branch``, else the latest run.
        branch: whose latest run to judge.
        rules: thresholds, directions, metrics.
        strict: removed, skipped and not-a-number values fail too, and values that nobody can
            decide yet are a mistake.
        allow_missing: pass where there is no baseline.

    Raises:
        NotFound: no such baseline (kind ``baseline-missing``), no such run.
        InvalidInput: a rule is wrong.
    """
    rules = rules or Rules()
    check_rules(rules)  # before anything else: a typo must not wait for the first baseline
    if allow_missing and not store.count() and not is_set(store, baseline):
        return CheckReport(baseline_name=baseline, result=None)
    try:
        current = pick(store, run or (f"latest@{branch}" if branch else "latest"))
        before = find_baseline(store, baseline, current.run)
    except NotFound as error:
        if error.kind == "baseline-missing" and allow_missing:
            return CheckReport(baseline_name=baseline, result=None)
        raise
    comparison, history = compare_with(store, before, current, rules)
    sides = {} if history is None else _sides(comparison, history, *limits(store, rules))
    return CheckReport(
        baseline_name=before.name,
        result=judge(comparison, strict=strict),
        alarms=replay(history, sides) if history is not None and sides else None,
    )


def _sides(
    comparison: Comparison, history: History, thresholds: Thresholds, ways: Ways
) -> dict[SeriesKey, Side]:
    """The series of the rows that were judged, and how each would have been.

    Not those that the user has judged otherwise: the rule that is replayed is none of theirs.
    """
    found = {}
    for row in comparison.with_verdict(*JUDGED):
        if row.metric is None or row.direction is None or row.occurrence > 1:
            continue
        key = (row.scenario, row.name, tuple(sorted(row.tags.items())), row.metric)
        place = (row.scenario, row.name, row.metric)
        if key in history.columns and ways.way_for(*place) is JudgedBy.AUTO:
            found[key] = Side(
                sign=1 if row.direction is MetricDirection.LOWER else -1,
                relative=row.threshold or 0.0,
                floor=thresholds.floor_for(*place),
            )
    return found

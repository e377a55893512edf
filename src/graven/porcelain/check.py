"""The gate of a continuous integration: the latest run against a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.analysis import CheckResult, judge
from graven.errors import NotFound
from graven.porcelain.compare import Rules, check_rules, compare_with
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The answer; ``result`` is None where there is no baseline and that was allowed."""

    baseline_name: str
    result: CheckResult | None

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
        return record if self.result is None else {**record, **self.result.to_dict()}


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
        baseline: name of the baseline.
        run: revision to judge; else the latest run of ``branch``, else the latest run.
        branch: whose latest run to judge.
        rules: thresholds, directions, metrics.
        strict: removed, skipped and not-a-number values fail too.
        allow_missing: pass where the baseline was never set.

    Raises:
        NotFound: no such baseline (kind ``baseline-missing``), no such run.
        InvalidInput: a rule is wrong.
    """
    rules = rules or Rules()
    check_rules(rules)  # before anything else: a typo must not wait for the first baseline
    entry = store.baselines.entry(baseline)
    if entry is None:
        if allow_missing:
            return CheckReport(baseline_name=baseline, result=None)
        raise NotFound(
            f"no baseline {baseline!r} is set",
            kind="baseline-missing",
            hint=f"set one with 'graven baseline set {baseline} REV', or pass --allow-missing",
            baseline=baseline,
        )
    current = store.load_rev(run or (f"latest@{branch}" if branch else "latest"))
    comparison = compare_with(store, store.baselines[baseline], current, rules)
    return CheckReport(baseline_name=baseline, result=judge(comparison, strict=strict))

"""Compare two runs of the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from graven.analysis import Comparison, History, Thresholds, Ways, compare_runs
from graven.analysis.thresholds import rule_fits
from graven.errors import InvalidInput
from graven.ingest import fingerprint
from graven.model import MetricDirection, Run
from graven.porcelain.baseline_words import Picked, find_baseline, is_merge_base, pick
from graven.porcelain.histories import gather
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How to judge, as the user said it.

    Attributes:
        thresholds: ``10%``, ``0.1`` or ``metric=5%``; above the store's configuration.
        directions: metric to ``lower``, ``higher`` or ``info``.
        metrics: only these; empty means all.
        allow_cross_machine: judge runs of different machines.
        judge_by: ``ratio``, ``samples``, ``auto`` or ``metric=ratio``; above the store's
            configuration.
    """

    thresholds: tuple[str, ...] = ()
    directions: Mapping[str, str] | None = None
    metrics: Collection[str] = ()
    allow_cross_machine: bool = False
    judge_by: tuple[str, ...] = ()


def compare(store: Store, baseline: str, current: str, rules: Rules | None = None) -> Comparison:
    """Compare the runs that two revisions mean.

    Raises:
        NotFound: a revision means nothing.
        InvalidInput: a rule is wrong, or names a metric that neither run has.
    """
    rules = rules or Rules()
    check_rules(rules)
    now = pick(store, current)
    before = find_baseline(store, baseline, now.run) if is_merge_base(baseline) else None
    return compare_with(store, before or pick(store, baseline), now, rules)[0]


def compare_with(
    store: Store, old: Picked, new: Picked, rules: Rules
) -> tuple[Comparison, History | None]:
    """Compare two runs by the store's configuration and the user's rules.

    Returns:
        The comparison, and the history it leaned on where there was enough of one.
    """
    baseline, current = old.run, new.run
    thresholds, ways = limits(store, rules)
    _check_metrics(baseline, current, {*rules.metrics, *(rules.directions or {})})
    machines = (fingerprint(baseline.environment), fingerprint(current.environment))
    comparable = rules.allow_cross_machine or None in machines or machines[0] == machines[1]
    history, runs = None, None
    if comparable:
        history, runs = gather(store, baseline, current, moving=old.moving)
    comparison = compare_runs(
        baseline,
        current,
        thresholds=thresholds,
        metrics=set(rules.metrics) or None,
        directions=_directions(store, rules),
        machines=machines,
        allow_cross_machine=rules.allow_cross_machine,
        history=history,
        ways=ways,
        # Equal contents give equal intervals, in every copy of the store.
        seed=(old.object_id, new.object_id),
    )
    warnings = (*comparison.warnings, *_idle(rules, baseline, current))
    return replace(comparison, history_runs=runs, warnings=warnings), history


def limits(store: Store, rules: Rules) -> tuple[Thresholds, Ways]:
    """How large a change counts, and what decides: the store's configuration, the user's above."""
    config = store.config
    thresholds = Thresholds.from_config(config.get("thresholds"), config.get("floors"))
    ways = Ways.from_config(config.get("judge_by"))
    return thresholds.with_flags(rules.thresholds), ways.with_flags(rules.judge_by)


def check_rules(rules: Rules) -> None:
    """Raise InvalidInput for a rule that is wrong whatever the runs are."""
    Thresholds().with_flags(rules.thresholds)
    Ways().with_flags(rules.judge_by)
    for metric, word in (rules.directions or {}).items():
        if word not in tuple(MetricDirection):
            raise InvalidInput(
                f"direction of {metric!r}: {word!r} is none of {', '.join(MetricDirection)}",
                kind="bad-direction",
                hint="--direction METRIC=lower",
                field="direction",
            )


def _directions(store: Store, rules: Rules) -> dict[str, MetricDirection]:
    """The store's definitions, the user's words above them."""
    known = {
        name: definition.direction
        for name, definition in store.metric_defs.items()
        if definition.direction_source != "unknown"
    }
    for metric, word in (rules.directions or {}).items():
        known[metric] = MetricDirection(word)
    return known


def _check_metrics(baseline: Run, current: Run, names: set[str]) -> None:
    """Refuse names that neither run has: a typo must not make a check pass."""
    known = {name for run in (baseline, current) for point in run.points for name in point.metrics}
    unknown = sorted(names - known)
    if unknown:
        raise InvalidInput(
            f"neither run has the metric {unknown[0]!r}",
            kind="unknown-metric",
            hint=f"there is {', '.join(sorted(known)[:8])}" if known else "they hold no metric",
            field="metric",
        )


def _idle(rules: Rules, *runs: Run) -> Iterator[str]:
    """Flags about metrics that neither run has: no error, since a suite need not be whole."""
    places = {(p.scenario, p.name, name) for run in runs for p in run.points for name in p.metrics}
    for option, flags in (("threshold", rules.thresholds), ("judge-by", rules.judge_by)):
        for flag in flags:
            pattern = flag.rpartition("=")[0]
            if pattern and not any(rule_fits(pattern, *place) for place in places):
                yield f"--{option} {flag} is about no metric of the two runs"

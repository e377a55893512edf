"""Compare two runs of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from graven.analysis import Comparison, Thresholds, compare_runs
from graven.errors import InvalidInput
from graven.ingest import fingerprint
from graven.model import MetricDirection, Run
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How to judge, as the user said it.

    Attributes:
        thresholds: ``10%``, ``0.1`` or ``metric=5%``; above the store's configuration.
        directions: metric to ``lower``, ``higher`` or ``info``.
        metrics: only these; empty means all.
        allow_cross_machine: judge runs of different machines.
    """

    thresholds: tuple[str, ...] = ()
    directions: Mapping[str, str] | None = None
    metrics: Collection[str] = ()
    allow_cross_machine: bool = False


def compare(store: Store, baseline: str, current: str, rules: Rules | None = None) -> Comparison:
    """Compare the runs that two revisions mean.

    Raises:
        NotFound: a revision means nothing.
        InvalidInput: a rule is wrong, or names a metric that neither run has.
    """
    rules = rules or Rules()
    check_rules(rules)
    return compare_with(store, store.load_rev(baseline), store.load_rev(current), rules)


def compare_with(store: Store, baseline: Run, current: Run, rules: Rules) -> Comparison:
    """Compare two runs by the store's configuration and the user's rules."""
    config = store.config
    thresholds = Thresholds.from_config(config.get("thresholds"), config.get("floors"))
    _check_metrics(baseline, current, {*rules.metrics, *(rules.directions or {})})
    return compare_runs(
        baseline,
        current,
        thresholds=thresholds.with_flags(rules.thresholds),
        metrics=set(rules.metrics) or None,
        directions=_directions(store, rules),
        machines=(fingerprint(baseline.environment), fingerprint(current.environment)),
        allow_cross_machine=rules.allow_cross_machine,
    )


def check_rules(rules: Rules) -> None:
    """Raise InvalidInput for a rule that is wrong whatever the runs are."""
    Thresholds().with_flags(rules.thresholds)
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

"""Compare two runs, point by point and metric by metric.

Points are matched by (scenario, name, tags). Everything that cannot be judged gets a
row with a verdict of its own, so that nothing drops out in silence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from graven.analysis.changes import Allowance, relative_change
from graven.analysis.comparison import (
    Comparison,
    DuplicateKey,
    JudgedBy,
    Row,
    RunLabel,
    Verdict,
)
from graven.analysis.gate import Pair, effect_of, settle
from graven.analysis.history import History
from graven.analysis.thresholds import Thresholds, Ways
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run

PointKey = tuple[str, str, tuple[tuple[str, str], ...]]
"""(scenario, name, sorted tags)."""

_TRUST = {"unknown": 0, "unit": 1, "tool": 2, "declared": 3}


@dataclass(frozen=True, slots=True)
class _Rules:
    """What every row of one comparison is judged by."""

    thresholds: Thresholds
    defs: Mapping[str, MetricDef]
    units: tuple[Mapping[str, MetricDef], Mapping[str, MetricDef]]
    comparable: bool
    ways: Ways
    seed: tuple[str, str]


def compare_runs(
    baseline: Run,
    current: Run,
    *,
    thresholds: Thresholds | None = None,
    metrics: Collection[str] | None = None,
    directions: Mapping[str, MetricDirection] | None = None,
    machines: tuple[str | None, str | None] = (None, None),
    allow_cross_machine: bool = False,
    history: History | None = None,
    ways: Ways | None = None,
    seed: tuple[str, str] | None = None,
) -> Comparison:
    """Compare every metric of every point.

    Args:
        baseline, current: the runs, the older one first.
        thresholds: a change strictly beyond its threshold counts; 5 % if None.
        metrics: judge and list only these; None means all.
        directions: overrides what the runs say, by metric name; counts as declared.
        machines: the fingerprints of the two machines; None is unknown, and unknown
            is not called different.
        allow_cross_machine: judge although the fingerprints differ.
        history: what the series did before, on the baseline's branch and on this machine.
        ways: what the user wants metrics to be judged by; what the data allow if None.
        seed: what the intervals are drawn from: names of the two runs' contents (their
            object ids); the runs' ids if None.

    Returns:
        A `Comparison`. Where the baseline is zero no ratio exists: any worsening beyond
        the absolute floor (zero by default) is a regression.
    """
    differ = None not in machines and machines[0] != machines[1]
    rules = _Rules(
        thresholds or Thresholds(),
        _merge_defs(baseline, current, directions or {}),
        (baseline.metric_defs, current.metric_defs),
        allow_cross_machine or not differ,
        ways or Ways(),
        seed or (baseline.id, current.id),
    )
    before, now = _by_key(baseline), _by_key(current)
    found = [
        row
        for key in [*before, *(key for key in now if key not in before)]
        for row in _compare_key(key, before.get(key, []), now.get(key, []), rules)
        if metrics is None or _metric(row) is None or _metric(row) in metrics
    ]
    pairs = [row for row in found if isinstance(row, Pair)]
    settled = iter(settle(pairs, rules.seed, history))
    rows = [next(settled) if isinstance(row, Pair) else row for row in found]
    return Comparison(
        baseline=_label(baseline, machines[0]),
        current=_label(current, machines[1]),
        rows=tuple(rows),
        duplicates=tuple(_duplicates(before, now)),
        comparable=rules.comparable,
        warnings=(
            *_itself(baseline, current, rules.seed),
            *_warnings(baseline, current, differ, allow_cross_machine),
            *_contradictions(baseline, current, rules.defs, directions or {}),
        ),
    )


def _metric(row: Row | Pair) -> str | None:
    metric: str | None = row.facts["metric"] if isinstance(row, Pair) else row.metric
    return metric


def point_key(point: Point) -> PointKey:
    """What tells this point from the others of its run."""
    return (point.scenario, point.name, tuple(sorted(point.tags.items())))


def _by_key(run: Run) -> dict[PointKey, list[Point]]:
    found: dict[PointKey, list[Point]] = {}
    for point in run.points:
        found.setdefault(point_key(point), []).append(point)
    return found


def _merge_defs(
    baseline: Run, current: Run, directions: Mapping[str, MetricDirection]
) -> dict[str, MetricDef]:
    """One definition a metric: the better founded direction, the current run's among equals."""
    merged = dict(baseline.metric_defs)
    for name, mine in current.metric_defs.items():
        theirs = merged.get(name)
        if theirs is None or _TRUST[mine.direction_source] >= _TRUST[theirs.direction_source]:
            merged[name] = mine
    for name, direction in directions.items():
        unit = merged[name].unit if name in merged else ""
        merged[name] = MetricDef(name=name, unit=unit, direction=direction)
    return merged


def _compare_key(
    key: PointKey, before: list[Point], now: list[Point], rules: _Rules
) -> Iterator[Row | Pair]:
    if before and now and len(before) != len(now):
        yield Row(
            scenario=key[0],
            name=key[1],
            tags=dict(key[2]),
            verdict=Verdict.INCOMPARABLE,
            note=f"occurs {len(before)} times in the baseline and {len(now)} times now,"
            " and nothing tells them apart",
        )
        return
    for index in range(max(len(before), len(now))):
        old = before[index] if index < len(before) else None
        new = now[index] if index < len(now) else None
        yield from _compare_points(key, index + 1, old, new, rules)


def _compare_points(
    key: PointKey, occurrence: int, old: Point | None, new: Point | None, rules: _Rules
) -> Iterator[Row | Pair]:
    facts: dict[str, Any] = {
        "scenario": key[0],
        "name": key[1],
        "tags": dict(key[2]),
        "occurrence": occurrence,
    }
    whole = _whole_point_row(facts, old, new)
    if whole is not None:
        yield whole
    old_metrics = old.metrics if old and old.status is PointStatus.OK else {}
    new_metrics = new.metrics if new and new.status is PointStatus.OK else {}
    if whole is not None and whole.verdict in (Verdict.FAILED, Verdict.SKIPPED):
        return
    for name in [*old_metrics, *(n for n in new_metrics if n not in old_metrics)]:
        yield _compare_metric(facts, name, old_metrics.get(name), new_metrics.get(name), rules)


def _whole_point_row(facts: dict[str, Any], old: Point | None, new: Point | None) -> Row | None:
    """A row about the point itself, where its metrics alone would not tell the story."""
    if new is None:
        if old is not None and (old.status is not PointStatus.OK or not old.metrics):
            return Row(**facts, verdict=Verdict.REMOVED, note=f"{old.status} in the baseline")
        return None
    was = old.status if old is not None else None
    if new.status is PointStatus.FAILED:
        first = was is not PointStatus.FAILED
        why = f": {new.error.strip().splitlines()[-1]}" if new.error and new.error.strip() else ""
        before = "not in the baseline" if was is None else f"{was} in the baseline"
        return Row(
            **facts,
            verdict=Verdict.FAILED,
            worse=True if first and was is PointStatus.OK else None,
            note=f"{before}, fails now{why}" if first else f"failed in the baseline too{why}",
        )
    if new.status is PointStatus.SKIPPED:
        note = "not in the baseline" if was is None else f"{was} in the baseline"
        return Row(**facts, verdict=Verdict.SKIPPED, note=f"{note}, skipped now")
    if was is PointStatus.FAILED:
        return Row(
            **facts, verdict=Verdict.IMPROVEMENT, worse=False, note="failed in the baseline, ok now"
        )
    if not new.metrics and (old is None or not old.metrics):
        verdict = Verdict.ADDED if old is None else Verdict.NO_CHANGE
        return Row(**facts, verdict=verdict, note="holds no metric")
    return None


def _compare_metric(
    facts: dict[str, Any], name: str, old: Metric | None, new: Metric | None, rules: _Rules
) -> Row | Pair:
    known = rules.defs.get(name)
    facts = {
        **facts,
        "metric": name,
        "unit": known.unit if known else None,
        "direction": known.direction if known else None,
        "direction_source": known.direction_source if known else "unknown",
        "baseline": None if old is None else old.value,
        "current": None if new is None else new.value,
    }
    if old is None or new is None:
        return Row(**facts, verdict=Verdict.ADDED if old is None else Verdict.REMOVED)
    units = [defs[name].unit for defs in rules.units if name in defs]
    if len(set(units)) > 1:
        note = f"the unit is {units[0]!r} in the baseline and {units[1]!r} now"
        return Row(**{**facts, "unit": units[1]}, verdict=Verdict.INCOMPARABLE, note=note)
    if math.isnan(old.value) or math.isnan(new.value):
        sides = [s for s, m in (("the baseline", old), ("this run", new)) if math.isnan(m.value)]
        return Row(
            **facts, verdict=Verdict.NOT_A_NUMBER, note=f"not a number in {' and '.join(sides)}"
        )
    return _judge(facts, old, new, known, rules)


def _judge(
    facts: dict[str, Any], old: Metric, new: Metric, known: MetricDef | None, rules: _Rules
) -> Row | Pair:
    """The row of two numbers, or the pair that the gate makes one of."""
    place = facts["scenario"], facts["name"], facts["metric"]
    allowance = Allowance(
        relative=rules.thresholds.threshold_for(*place), floor=rules.thresholds.floor_for(*place)
    )
    same = old.value == new.value  # also for equal infinities, whose difference is no number
    facts["delta"] = 0.0 if same else new.value - old.value
    facts["change"] = relative_change(old.value, new.value)
    facts["threshold"] = allowance.relative
    effect = partial(effect_of, old, new, facts, rules.seed)
    if known is None or known.direction_source == "unknown":
        note = "nobody said which way is better"
        return Row(**facts, verdict=Verdict.NO_DIRECTION, note=note, effect=effect())
    if known.direction is MetricDirection.INFO:
        return Row(**facts, verdict=Verdict.NO_DIRECTION, effect=effect())
    if not same:
        facts["worse"] = (new.value > old.value) is (known.direction is MetricDirection.LOWER)
    if not rules.comparable:
        note = "measured on different machines"
        return Row(**facts, verdict=Verdict.INCOMPARABLE, note=note, effect=effect())
    if math.isinf(old.value) or math.isinf(new.value):
        if same:
            return Row(**facts, verdict=Verdict.NO_CHANGE, judged_by=JudgedBy.RATIO)
        verdict = Verdict.REGRESSION if facts["worse"] else Verdict.IMPROVEMENT
        return Row(
            **facts, verdict=verdict, judged_by=JudgedBy.RATIO, note=allowance.why(old.value)
        )
    tags = tuple(sorted(facts["tags"].items()))
    return Pair(
        facts=facts,
        old=old,
        new=new,
        direction=known.direction,
        allowance=allowance,
        # Of points that nothing tells apart a history would mix all.
        series=(place[0], place[1], tags, place[2]) if facts["occurrence"] == 1 else None,
        way=rules.ways.way_for(*place),
    )


def _duplicates(
    before: Mapping[PointKey, list[Point]], now: Mapping[PointKey, list[Point]]
) -> Iterator[DuplicateKey]:
    for key in [*before, *(key for key in now if key not in before)]:
        counts = len(before.get(key, ())), len(now.get(key, ()))
        if max(counts) > 1:
            yield DuplicateKey(
                scenario=key[0],
                name=key[1],
                tags=dict(key[2]),
                in_baseline=counts[0],
                in_current=counts[1],
            )


def _itself(baseline: Run, current: Run, contents: tuple[str, str]) -> Iterator[str]:
    if baseline.id == current.id:
        same = contents[0] == contents[1]
        yield f"run {current.id} is compared with {'itself' if same else 'another version of it'}"


def _warnings(baseline: Run, current: Run, differ: bool, allowed: bool) -> Iterator[str]:
    if differ:
        ending = ", compared as asked" if allowed else ", so nothing is judged"
        yield "the two runs were measured on different machines" + ending
    for what, run in (("the baseline", baseline), ("the current run", current)):
        if run.origin != "measured":
            yield f"the numbers of {what} ({run.id}) are {run.origin}, not measured"
        if run.status != "ok":
            yield f"the status of {what} ({run.id}) is {run.status!r}"


def _contradictions(
    baseline: Run,
    current: Run,
    merged: Mapping[str, MetricDef],
    directions: Mapping[str, MetricDirection],
) -> Iterator[str]:
    """Metrics of which the two runs say that the other way is better, and nobody else decides."""
    for name, mine in current.metric_defs.items():
        theirs = baseline.metric_defs.get(name)
        if theirs is None or mine.direction is theirs.direction or name in directions:
            continue
        if "unknown" not in (mine.direction_source, theirs.direction_source):
            yield (
                f"better is {theirs.direction} for {name!r} in the baseline and"
                f" {mine.direction} now; judged as {merged[name].direction}"
            )


def _label(run: Run, machine: str | None) -> RunLabel:
    return RunLabel(
        id=run.id,
        timestamp=run.timestamp,
        commit=run.commit,
        branch=run.branch,
        origin=str(run.origin),
        status=run.status,
        machine=machine,
    )

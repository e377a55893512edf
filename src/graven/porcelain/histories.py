"""The history that a comparison leans on, gathered from the store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from graven.analysis.history import LEAST, WINDOW, History, PastRun, SeriesKey
from graven.ingest import fingerprint
from graven.model import Run
from graven.store.histories import (
    Comparable,
    Kin,
    comparable_runs,
    runs_of_commits,
    series_values,
)

if TYPE_CHECKING:
    from graven.store import Store

MOST_RUNS = 500
"""Runs of a history: what is usual needs 30, the replay of the gate takes what there is."""
_NEIGHBOURS = 3  # looked at to find one that is neither of the two runs


def kin_of(run: Run) -> Kin:
    """What other runs must share with ``run`` to be compared with it."""
    return Kin(fingerprint(run.environment), run.experiment, str(run.origin))


def gather(
    store: Store, baseline: Run, current: Run, *, moving: bool = False
) -> tuple[History | None, int]:
    """The history of the series that both runs have, and how many runs it has.

    Of the baseline's branch and experiment, and of the current run's machine, up to the
    current run. None where that is too little for any answer. Say ``moving`` where nobody
    set the baseline: then it may be a neighbour too.
    """
    kin = kin_of(current)._replace(experiment=baseline.experiment)
    found = _on_the_branch(store, kin, baseline, current)
    cuts = _accepted(store, {*(run.run_id for run in found), current.id}, current.timestamp)
    neighbours = _neighbours(
        store, kin, {current.id} if moving else {baseline.id, current.id}, current
    )
    apart = {run.run_id for run in neighbours} | {current.id}
    past = [run for run in found if run.run_id not in apart]
    units = _shared_series(baseline, current)
    if (len(past) < LEAST and not cuts) or not units:
        return None, len(past)
    history = History(
        columns={key: column for column, key in enumerate(units)},
        runs=[
            PastRun(run_id=run.run_id, timestamp=run.timestamp, commit=run.commit) for run in past
        ],
        values=series_values(store, past, units),
        confirming=series_values(store, neighbours, units),
        baseline_at=baseline.timestamp,
        cuts=cuts,
        branch=baseline.branch,
        moving=moving,
    )
    return history, len(past)


def _on_the_branch(store: Store, kin: Kin, baseline: Run, current: Run) -> list[Comparable]:
    """Runs of the baseline's branch up to the current run, oldest first."""
    until = current.timestamp
    found = comparable_runs(store, kin, branch=baseline.branch, until=until, limit=MOST_RUNS)
    if len(found) == MOST_RUNS and found[-1].timestamp > baseline.timestamp:
        # The baseline lies far back: what was usual then is taken from around it.
        before, after = (
            comparable_runs(store, kin, branch=baseline.branch, limit=WINDOW, **span)
            for span in (
                {"until": baseline.timestamp},
                {"since": baseline.timestamp, "oldest": True},
            )
        )
        known = {run.run_id for run in found}
        found += [run for run in {*before, *after} if run.run_id not in known]
    return sorted(found, key=lambda run: (run.timestamp, run.number))


def _neighbours(store: Store, kin: Kin, not_these: set[str], current: Run) -> list[Comparable]:
    """The runs that may agree: others of the commit, the one before, the one after."""
    found: dict[str, Comparable] = {}
    around = (
        comparable_runs(
            store, kin, branch=current.branch, until=current.timestamp, limit=_NEIGHBOURS
        ),
        comparable_runs(
            store,
            kin,
            branch=current.branch,
            since=current.timestamp,
            limit=_NEIGHBOURS,
            oldest=True,
        ),
    )
    for runs in around:
        near = [run for run in runs if run.run_id not in not_these]
        found.update({run.run_id: run for run in near[:1]})
    if current.commit:
        same = runs_of_commits(store, kin, [current.commit])
        found.update({run.run_id: run for run in same if run.run_id not in not_these})
    return list(found.values())


def _accepted(store: Store, runs: set[str], until: datetime) -> dict[SeriesKey, datetime]:
    """When each series had its last accepted change, among these runs."""
    cuts: dict[SeriesKey, datetime] = {}
    for step in store.step_annotations():
        if step.state == "accepted" and step.run_id in runs and step.timestamp <= until:
            name = step.series
            key = (name.scenario, name.name, tuple(sorted(name.tags.items())), name.metric)
            cuts[key] = max(step.timestamp, cuts.get(key, step.timestamp))
    return cuts


def _shared_series(baseline: Run, current: Run) -> dict[SeriesKey, str | None]:
    """The series that both runs have, and the unit that the current run has them in."""
    before = set(_series(baseline))
    defs = current.metric_defs
    return {
        key: defs[key[3]].unit if key[3] in defs else None
        for key in _series(current)
        if key in before
    }


def _series(run: Run) -> Iterable[SeriesKey]:
    for point in run.points:
        tags = tuple(sorted(point.tags.items()))
        for metric in point.metrics:
            yield (point.scenario, point.name, tags, metric)

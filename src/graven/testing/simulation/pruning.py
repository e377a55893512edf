"""Pruning, and which runs it may take: the rules of choice written down a second time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from graven import Run, clock
from graven.errors import Conflict, Corrupt, GravenError, InvalidInput
from graven.formats import layout
from graven.ids import ObjectId
from graven.refs.journal import RefUpdate
from graven.store import Store
from graven.testing.runs import sample_run
from graven.testing.simulation.clients import Client, Task
from graven.testing.simulation.model import BucketModel, Moment, demand
from graven.testing.simulation.operations import Operation
from graven.upkeep.prune import PrunePlan, PruneReport, carry_out, plan_prune
from graven.upkeep.selection import Criteria

METRIC = "time"

PRUNINGS = (
    Criteria(keep_last=1),
    Criteria(keep_last=3),
    Criteria(older_than=sample_run("any", minute=3).timestamp),
    Criteria(older_than=sample_run("any", minute=4).timestamp, keep_last=2),
    Criteria(rank=METRIC, keep_top=1),
    Criteria(rank=METRIC, keep_top=2, ascending=True),
)
"""What clients may ask for."""


class _Pruned(NamedTuple):
    """What a pruning planned and did, and the runs and attachments in its archive."""

    plan: PrunePlan
    report: PruneReport
    archived: dict[str, tuple[Run, dict[str, str]]]


class Prune(Operation):
    """Plan a pruning and carry it out; first into an archive, if a path is given."""

    refusals = (InvalidInput, Conflict, Corrupt)

    def __init__(self, model: BucketModel, criteria: Criteria, archive: str | None) -> None:
        super().__init__(model)
        self.criteria = criteria
        self.archive = archive
        self._beside: list[dict[str, dict[str, RefUpdate]]] = []  # before and after
        self._visible: dict[str, dict[str, ObjectId]] = {}

    def do(self, client: Client) -> _Pruned:
        """See `Operation`."""
        store = self.store(client)
        plan = plan_prune(store, self.criteria)
        self._note_what_is_beside(plan)
        report = carry_out(store, plan, archive=self.archive)
        if report.archive is None or self.archive is None:
            return _Pruned(plan, report, {})
        self._note_what_is_beside(plan)
        try:
            return _Pruned(plan, report, _read_archive(self.archive))
        finally:
            os.remove(self.archive)

    def _note_what_is_beside(self, plan: PrunePlan) -> None:
        if self.archive is not None:
            self._beside.append({run_id: self.model.beside(run_id) for run_id in plan.run_ids})
            if len(self._beside) == 1:
                self._visible = {run_id: self.model.attachments(run_id) for run_id in plan.run_ids}

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """What went was chosen by the rules at some moment, and nothing stood for it."""
        plan, report, archived = task.result
        landed = sorted((u.name, u.target) for u in self.model.footprint(task).updates)
        wanted = sorted((layout.run_ref(run_id), None) for run_id in report.run_ids)
        demand(landed == wanted, f"{task} stored {landed}, not {wanted}")
        left = {spared.run_id for spared in report.spared}
        told = sorted([*report.run_ids, *left])
        demand(told == sorted(plan.run_ids), f"{task} tells of {told}, planned {plan.run_ids}")
        if self.model.bucket.lateness:
            return
        kept = {spared.run_id for spared in plan.spared}
        chosen = {*plan.run_ids, *kept}
        states = [set(_chosen(self._runs(moment), self.criteria)) for moment in seen]
        demand(chosen in states, f"{task} chose {chosen} by {self.criteria}, of {states}")
        for run_id in kept:
            demand(any(m.guards(run_id) for m in seen), f"{task}: nothing stood for {run_id}")
        for run_id, stamp in zip(plan.run_ids, plan.stamps, strict=True):
            free = any(not moment.guards(run_id) for moment in seen)
            demand(free, f"{task} took {run_id}, which something stood for all the time")
            if run_id in report.run_ids:
                self._check_gone(task, run_id, stamp, seen, archived)

    def _check_gone(
        self,
        task: Task[Any],
        run_id: str,
        stamp: int,
        seen: list[Moment],
        archived: dict[str, tuple[Run, dict[str, str]]],
    ) -> None:
        there = [m.winners[run_id] for m in seen if m.object_of(run_id) is not None]
        planned = next((u for u in there if u.stamp == stamp), None)
        if planned is None or planned.target is None:
            demand(False, f"{task}: {run_id} never had the stamp that was planned")
            return
        (tombstone,) = [
            u for u in self.model.footprint(task).updates if u.name == layout.run_ref(run_id)
        ]
        demand(tombstone.stamp > stamp, f"{task}: {run_id} is newer than its tombstone")
        if self.archive is None:
            return
        demand(run_id in archived, f"{task}: {run_id} is not in the archive")
        run, attached = archived[run_id]
        demand(run == self.model.run_of(planned.target), f"{task} archived {run}")
        before, after = (found[run_id] for found in self._beside)
        lost = [
            name
            for name, target in self._visible[run_id].items()
            if after[name] == before[name] and attached.get(name) != target.hex()
        ]
        demand(not lost, f"{task} archived {run_id} without {lost}")

    def _runs(self, moment: Moment) -> Iterator[_Candidate]:
        for run_id, update in moment.winners.items():
            if update.target is not None:
                yield _Candidate(self.model.run_of(update.target), update.stamp, run_id)

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """A time to come, a metric that no run has, or a run that changed while it was archived."""
        if error.kind == "bad-selection":
            return self.criteria.older_than is not None
        if error.kind == "name-unknown":
            return any(not moment.objects for moment in seen)
        changed = any(moment.winners != seen[0].winners for moment in seen)
        return error.kind == "bad-archive" and self.archive is not None and changed


class _Candidate(NamedTuple):
    run: Run
    stamp: int
    run_id: str


def _chosen(runs: Iterator[_Candidate], criteria: Criteria) -> Iterator[str]:
    """Ids of the runs that no rule keeps, baselines left aside."""
    found = list(runs)
    # Newest first; of equal times the one written later, then by name.
    found.sort(key=lambda c: c.run_id)
    found.sort(key=lambda c: (c.run.timestamp, c.stamp), reverse=True)
    kept: set[str] = set()
    if criteria.keep_last is not None:
        kept.update(c.run_id for c in found[: criteria.keep_last])  # all are of one branch
    if criteria.older_than is not None:
        limit = clock.make_aware(criteria.older_than)
        kept.update(c.run_id for c in found if c.run.timestamp >= limit)
    if criteria.rank is not None and criteria.keep_top is not None:
        sign = -1.0 if criteria.ascending else 1.0
        best = sorted(
            found,
            key=lambda c: (sign * c.run.points[0].metrics[METRIC].value, c.run.timestamp, c.stamp),
            reverse=True,
        )
        kept.update(c.run_id for c in best[: criteria.keep_top])
    yield from (c.run_id for c in found if c.run_id not in kept)


def _read_archive(path: str) -> dict[str, tuple[Run, dict[str, str]]]:
    """Each run in an archive, with the objects of what is attached to it."""
    store = Store(f"zip://{path}", create=False, readonly=True)
    try:
        return {
            header.run_id: (
                store.load(header.run_id),
                {a.name: a.object_id for a in store.attachments(header.run_id)},
            )
            for header in store.headers()
        }
    finally:
        store.close()

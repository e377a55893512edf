"""What clients do to a store, and which outcomes are right.

Each operation is judged when it has ended. An answer must be right for some moment
between its first request and its last; what an error promises not to be there must not.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from graven import Run
from graven.errors import Conflict, GravenError, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.guarded import RefValue
from graven.ids import ObjectId, parse_object_id
from graven.refs.journal import RefUpdate
from graven.store import Store
from graven.sync.transfer import SyncReport, transfer
from graven.testing.simulation.clients import Client, Outcome, Task
from graven.testing.simulation.model import BucketModel, Moment, Pointer, demand, rank

LOG = "logs/x"


class Operation(abc.ABC):
    """One thing to do in the store of one bucket.

    Attributes:
        refusals: the errors that may say no to it.
        whole: all of it lands at once, or none.
    """

    refusals: ClassVar[tuple[type[GravenError], ...]] = ()
    whole = True

    def __init__(self, model: BucketModel) -> None:
        self.model = model

    @abc.abstractmethod
    def do(self, client: Client) -> object:
        """Do it, as a client's task."""

    def store(self, client: Client) -> Store:
        """The client's store in the bucket."""
        return client.store(self.model.bucket)

    @abc.abstractmethod
    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """Raise `Violation` unless an acknowledged one has done what it says."""

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """True if there was a reason to refuse at one of the moments."""
        del error, seen
        return False


class Save(Operation):
    """Save one run."""

    def __init__(self, model: BucketModel, run: Run) -> None:
        super().__init__(model)
        self.run = run
        self.object_id = model.expect(run)

    def do(self, client: Client) -> object:
        """See `Operation`."""
        return self.store(client).save(self.run)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """The update landed, and it alone."""
        _check_stored(self.model, task, [(layout.run_ref(self.run.id), self.object_id)])


class Batch(Operation):
    """Save several runs in one transaction, each with a log; one that ``fails`` stores none."""

    refusals = (InvalidInput,)

    def __init__(self, model: BucketModel, runs: list[Run], *, fails: bool) -> None:
        super().__init__(model)
        self.runs = runs
        self.fails = fails
        self.object_ids = [model.expect(run) for run in runs]

    def do(self, client: Client) -> None:
        """See `Operation`."""
        with self.store(client).batch() as batch:
            for run in self.runs:
                batch.save(run, attachments={LOG: run.id.encode()})
            if self.fails:
                raise InvalidInput("enough")

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """All updates landed, in order and at once."""
        demand(not self.fails, f"{task} swallowed an error")
        names = [layout.run_ref(run.id) for run in self.runs]
        _check_stored(self.model, task, list(zip(names, self.object_ids, strict=True)))

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """Its own error, and no other."""
        return self.fails


class Delete(Operation):
    """Delete a run."""

    refusals = (NotFound, Conflict)

    def __init__(self, model: BucketModel, run_id: str, *, force: bool) -> None:
        super().__init__(model)
        self.run_id = run_id
        self.force = force

    def do(self, client: Client) -> None:
        """See `Operation`."""
        self.store(client).delete(self.run_id, force=self.force)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """A tombstone landed, above what was to be deleted, and nothing guarded the run."""
        landed = self.model.footprint(task).updates
        named = [(update.name, update.target) for update in landed]
        demand(named == [(layout.run_ref(self.run_id), None)], f"{task} stored {named}")
        if self.model.bucket.lateness:
            return
        there = [moment.winners[self.run_id] for moment in seen if self._is_there(moment)]
        demand(there, f"{task}: there was nothing to delete")
        demand(landed[0].stamp > there[0].stamp, f"{task}: the run is newer than its tombstone")
        always = set.intersection(*(moment.guards(self.run_id) for moment in seen))
        demand(self.force or not always, f"{task}: {always} stood for the run")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """It was not there, or something stood for it."""
        if isinstance(error, NotFound):
            return any(not self._is_there(moment) for moment in seen)
        return not self.force and _any(seen, lambda moment: moment.guards(self.run_id))

    def _is_there(self, moment: Moment) -> bool:
        return moment.object_of(self.run_id) is not None


class Restore(Operation):
    """Undo the deletion of a run."""

    refusals = (NotFound, Conflict)

    def __init__(self, model: BucketModel, run_id: str) -> None:
        super().__init__(model)
        self.run_id = run_id

    def do(self, client: Client) -> object:
        """See `Operation`."""
        return self.store(client).restore(self.run_id)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """An earlier value of the run landed, above the tombstone."""
        name = layout.run_ref(self.run_id)
        landed = [u for u in self.model.footprint(task).updates if u.name == name]
        demand(len(landed) == 1, f"{task} brought back {landed}")
        for update in landed:
            demand(
                update.target is not None and self.model.run_of(update.target).id == self.run_id,
                f"{task} brought back {update}",
            )
        if self.model.bucket.lateness == 0:
            dead = [m.winners[self.run_id] for m in seen if self._is_deleted(m)]
            demand(dead, f"{task}: it was not deleted")
            demand(landed[0].stamp > dead[0].stamp, f"{task}: the tombstone is newer")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """It never was there, or is not deleted."""
        if isinstance(error, NotFound):
            return any(self.run_id not in moment.saved for moment in seen)
        return any(moment.object_of(self.run_id) is not None for moment in seen)

    def _is_deleted(self, moment: Moment) -> bool:
        return self.run_id in moment.winners and moment.object_of(self.run_id) is None


class SetPointer(Operation):
    """Let a baseline or tag stand for a run; ``expect`` as in `Pointers.set`."""

    refusals = (NotFound, Conflict)

    def __init__(
        self, model: BucketModel, pointer: Pointer, run_id: str, *, expect: str | None = None
    ) -> None:
        super().__init__(model)
        self.pointer = pointer
        self.run_id = run_id
        self.expect = expect

    def do(self, client: Client) -> RefValue:
        """See `Operation`."""
        space = getattr(self.store(client), self.pointer.space)
        value: RefValue = space.set(self.pointer.name, self.run_id, expect=self.expect)
        return value

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """Its value is in the chain once, or stood there already."""
        value: RefValue = task.result
        _check_in_chain(self.model, self.pointer, task, seen)
        if self.model.bucket.lateness == 0:
            found = [moment.object_of(self.run_id) for moment in seen]
            known = [object_id.hex() for object_id in found if object_id is not None]
            demand(value.object in known, f"{task}: the run never was {value.object}")
        chain = self.model.chains[self.pointer]
        if self.expect is not None and value in chain:  # another bucket's may have come since
            before = chain[value.seq - 2].object if value.seq > 1 else None
            demand(self.expect in (before, value.object), f"{task} replaced {before}")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """No such run, a tag that is set already, or not what was expected."""
        if isinstance(error, NotFound):
            return any(moment.object_of(self.run_id) is None for moment in seen)
        if error.kind == "tag-exists":
            return _any(seen, lambda moment: moment.pointed(self.pointer))
        return error.kind == "ref-moved" and _any(
            seen, lambda moment: self.expect not in (None, moment.pointed(self.pointer))
        )


class DeletePointer(Operation):
    """Unset a baseline or tag."""

    refusals = (NotFound,)

    def __init__(self, model: BucketModel, pointer: Pointer) -> None:
        super().__init__(model)
        self.pointer = pointer

    def do(self, client: Client) -> RefValue:
        """See `Operation`."""
        space = getattr(self.store(client), self.pointer.space)
        value: RefValue = space.delete(self.pointer.name)
        return value

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """Its value is in the chain once."""
        demand(task.result.run is None, f"{task}: it stands for {task.result.run}")
        _check_in_chain(self.model, self.pointer, task, seen)

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """It was not set."""
        return any(moment.pointed(self.pointer) is None for moment in seen)


class Look(Operation):
    """Read everything that is listed: runs as rows, one run whole, pointers."""

    refusals = (NotFound,)

    def __init__(self, model: BucketModel, run_id: str, pointer: Pointer) -> None:
        super().__init__(model)
        self.run_id = run_id
        self.pointer = pointer

    def do(self, client: Client) -> tuple[dict[str, ObjectId], str | None, Run]:
        """See `Operation`."""
        store = self.store(client)
        headers = {h.run_id: parse_object_id(h.object_id) for h in store.headers()}
        entry = getattr(store, self.pointer.space).entry(self.pointer.name)
        return headers, entry and entry.object, store.load(self.run_id)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """All that was read was true at some moment; no batch was seen in part."""
        headers, pointed, run = task.result
        if self.model.bucket.lateness:
            return
        states = [moment.objects for moment in seen]
        demand(headers in states, f"{task} saw {headers}, which never was")
        demand(
            any(moment.pointed(self.pointer) == pointed for moment in seen),
            f"{task} saw {self.pointer} at {pointed}",
        )
        found = [state[self.run_id] for state in states if self.run_id in state]
        demand(run in [self.model.run_of(target) for target in found], f"{task} read {run}")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """The run was not there."""
        return any(moment.object_of(self.run_id) is None for moment in seen)


class Transfer(Operation):
    """Push or pull: bring everything that another bucket has and this one lacks."""

    whole = False  # what was sent before it broke off is there, and right

    def __init__(self, model: BucketModel, source: BucketModel) -> None:
        super().__init__(model)
        self.source = source

    def do(self, client: Client) -> SyncReport:
        """See `Operation`."""
        return transfer(client.store(self.source.bucket), self.store(client))

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """No run is older here than it was there at the beginning."""
        report: SyncReport = task.result
        busy = {name for name, error in report.failed.items() if error.kind == "ref-moved"}
        demand(report.failed.keys() == busy and report.refused is None, f"{task}: {report}")
        landed = {"/".join(pointer) for pointer, _ in self.model.footprint(task).values}
        demand(landed <= set(report.moved), f"{task} moved {landed}, and says {report.moved}")
        if self.source.bucket.lateness:
            return
        here = seen[-1].winners
        for run_id, update in self.source.during(task)[0].winners.items():
            demand(
                run_id in here and rank(here[run_id]) >= rank(update), f"{task}: {run_id} is old"
            )


def judge(operation: Operation, task: Task[Any]) -> None:
    """Raise `Violation` unless the outcome of an operation is right."""
    seen = operation.model.during(task)
    mark = operation.model.footprint(task)
    if operation.whole:
        demand(len(mark.packs) <= 1, f"{task} became visible in parts")
        demand(len(mark.values) <= 1, f"{task} changed its ref {len(mark.values)} times")
    if task.outcome is Outcome.DONE:
        operation.check_done(task, seen)
    elif task.outcome is not Outcome.UNKNOWN:
        demand(not mark or not operation.whole, f"{task}, and yet it landed")
        demand(not task.queued, f"{task}, and yet it is queued")
    error = task.error
    if task.outcome is Outcome.REFUSED and error is not None:
        demand(isinstance(error, operation.refusals), f"{task}: no such refusal")
        if operation.model.bucket.lateness == 0:
            demand(operation.may_refuse(error, seen), f"{task}: there was no reason")


def _check_stored(model: BucketModel, task: Task[Any], wanted: list[tuple[str, ObjectId]]) -> None:
    """These runs landed, in this order; or they wait in an outbox, and may have landed too."""
    landed = _runs_of(model.footprint(task).updates)
    if task.queued:
        kept = _runs_of(task.queued)
        demand(kept == wanted, f"{task} queued {kept}")
    demand(landed == wanted or (task.queued and not landed), f"{task} stored {landed}")


def _runs_of(updates: Iterable[RefUpdate]) -> list[tuple[str, ObjectId | None]]:
    parsed = [(update, layout.parse_ref_name(update.name)) for update in updates]
    return [(u.name, u.target) for u, ref in parsed if ref is not None and not ref.attachment]


def _check_in_chain(
    model: BucketModel, pointer: Pointer, task: Task[Any], seen: list[Moment]
) -> None:
    value: RefValue = task.result
    landed = model.footprint(task).values
    stood = _any(seen, lambda moment: moment.pointers.get(pointer) == value)
    demand(landed == [(pointer, value)] or (not landed and stood), f"{task} wrote {landed}")


def _any(seen: list[Moment], holds: Callable[[Moment], object]) -> bool:
    return any(holds(moment) for moment in seen)

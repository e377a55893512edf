"""Several clients on one bucket, what they do, and the proof at the end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

from graven import Run
from graven.backends.retrying import RetryPolicy
from graven.clock import COUNTER_BITS, MAX_AHEAD_MS
from graven.errors import NotFound
from graven.formats import layout
from graven.ids import ObjectId
from graven.store import Store
from graven.testing.invariants import (
    NO_DISK,
    check_catalog_is_derived,
    check_nothing_damaged,
    check_runs_are,
    check_runs_load,
)
from graven.testing.runs import sample_run
from graven.testing.simulation.bucket import Bucket
from graven.testing.simulation.clients import Client, Outcome, Task
from graven.testing.simulation.faults import CALM, ROUGH, Faults
from graven.testing.simulation.keeping import (
    Attach,
    Collect,
    Detach,
    LongBatch,
    PutTable,
    Repack,
)
from graven.testing.simulation.model import BucketModel, Pointer, Violation, demand
from graven.testing.simulation.operations import (
    Batch,
    Delete,
    DeletePointer,
    Look,
    Operation,
    Restore,
    Save,
    SetPointer,
    Transfer,
    judge,
)
from graven.testing.simulation.outboxes import Deliver, Waiting, WatchedOutbox
from graven.testing.simulation.pruning import Prune
from graven.testing.simulation.scheduler import Simulation
from graven.upkeep.selection import Criteria

RUN_IDS = ("a", "b", "c", "Run", "deadbeef00")
POINTERS = (Pointer("baselines", "main"), Pointer("baselines", "nightly"), Pointer("tags", "v1"))
FAILURES = ("busy", "clock-skew", "session-old", "packs-moved", "not-written")
"""Kinds of errors that say that nothing was done, and that may come at any time."""

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
HOURS = (1, 5, 11, 13, 25, 40)
_DAY_MS = 24 * 60 * _MINUTE_MS


@dataclass(frozen=True)
class Conditions:
    """What a world is like.

    Attributes:
        clients: how many work at a time.
        faults: how often requests fail.
        skew_ms: how far clocks may be off, either way.
        lateness, tells_time: see `Bucket`.
        views: the setting ``views`` of the store.
        mirrored: there are two buckets; every other client works on the second, and pushes to
            the first and pulls from it.
        disks: clients keep catalogs and objects on a disk, which outlives them.
        outboxes: what cannot be sent waits on the disk; two clients share a machine's outbox.
    """

    clients: int = 3
    faults: Faults = CALM
    skew_ms: int = 0
    lateness: int = 0
    tells_time: bool = True
    views: str = "all"
    mirrored: bool = False
    disks: bool = False
    outboxes: bool = False

    @classmethod
    def drawn(cls, dice: random.Random) -> Conditions:
        """Conditions for a seed.

        Two buckets are never listed late: a value that a baseline had before, and that no
        listing shows, is left behind by a push, as one that was pruned is.
        """
        lateness = dice.choice([0, 0, 0, 40])
        return cls(
            clients=dice.randint(2, 4),
            faults=ROUGH.scaled(dice.choice([0.0, 0.3, 1.0, 2.0])),
            skew_ms=dice.choice([0, _MINUTE_MS, 25 * _MINUTE_MS, 2 * _DAY_MS, 30 * _DAY_MS]),
            lateness=lateness,
            tells_time=dice.random() < 0.7,
            views=dice.choice(["all", "none", "none"]),
            mirrored=lateness == 0 and dice.random() < 0.5,
            disks=dice.random() < 0.3,
            outboxes=dice.random() < 0.6,
        )


class World:
    """A bucket, its clients, and the model that judges them.

    Whatever is done is handed to a client and happens when that client has its turn.

    Args:
        seed: decides the conditions, unless they are given, and everything that follows.
    """

    def __init__(self, seed: int, conditions: Conditions | None = None) -> None:
        self.seed = seed
        self.conditions = conditions or Conditions.drawn(random.Random(f"{seed} conditions"))
        self.simulation = Simulation(seed, self.conditions.faults)
        known: dict[ObjectId, Run] = {}
        names = ["bucket", "mirror"] if self.conditions.mirrored else ["bucket"]
        self.models = [
            BucketModel(self._new_bucket(name), self.simulation.true_ms, known) for name in names
        ]
        self.tasks: list[Task[Any]] = []
        self._operations: dict[Task[Any], Operation] = {}
        self._dice = random.Random(f"{seed} world")
        self._lives = 0
        self._disk = TemporaryDirectory(prefix="graven-world-")
        self._waiting: dict[str, Waiting] = {}
        self._archives = count()
        self.simulation.watchers.append(self._judge)
        self.clients = [self._new_client(slot) for slot in range(self.conditions.clients)]

    def _new_bucket(self, name: str) -> Bucket:
        how = self.conditions
        bucket = self.simulation.bucket(name, lateness=how.lateness, tells_time=how.tells_time)
        bucket.storage.put(layout.CONFIG_FILE, f'{{"views": "{how.views}"}}'.encode())
        return bucket

    # --- what can be done ---

    def save(self, who: int, run_id: str, value: float) -> None:
        """Save a run."""
        self._begin(who, Save(self.home(who), _run(run_id, value)))

    def batch(self, who: int, runs: list[tuple[str, float]], *, fails: bool) -> None:
        """Save several at once, or none if it ``fails``."""
        self._begin(who, Batch(self.home(who), [_run(*run) for run in runs], fails=fails))

    def long_batch(self, who: int, runs: list[tuple[str, float]], number: int, hours: int) -> None:
        """Save runs with something large beside each, hours apart, or none."""
        made = [_run(*run) for run in runs]
        self._begin(who, LongBatch(self.home(who), made, number, hours))

    def delete(self, who: int, run_id: str, *, force: bool) -> None:
        """Delete a run."""
        self._begin(who, Delete(self.home(who), run_id, force=force))

    def restore(self, who: int, run_id: str) -> None:
        """Undo a deletion."""
        self._begin(who, Restore(self.home(who), run_id))

    def set_pointer(self, who: int, pointer: Pointer, run_id: str, *, expecting: bool) -> None:
        """Set a baseline or tag, if it still stands where it does now if ``expecting``."""
        expect = self.home(who).moments[-1].pointed(pointer) if expecting else None
        self._begin(who, SetPointer(self.home(who), pointer, run_id, expect=expect))

    def delete_pointer(self, who: int, pointer: Pointer) -> None:
        """Unset a baseline or tag."""
        self._begin(who, DeletePointer(self.home(who), pointer))

    def look(self, who: int, run_id: str, pointer: Pointer) -> None:
        """Read."""
        self._begin(who, Look(self.home(who), run_id, pointer))

    def push(self, who: int) -> None:
        """Bring to the other bucket what the client's own has; nothing where there is one."""
        if self.conditions.mirrored:
            self._transfer(who, self.home(who), self.home(who + 1))

    def pull(self, who: int) -> None:
        """Bring to the client's bucket what the other has; nothing where there is one."""
        if self.conditions.mirrored:
            self._transfer(who, self.home(who + 1), self.home(who))

    def _transfer(self, who: int, source: BucketModel, target: BucketModel) -> None:
        target.sources[self._begin(who, Transfer(target, source))] = source

    def attach(self, who: int, run_id: str, name: str, number: int, *, large: bool) -> None:
        """Attach something to a run."""
        self._begin(who, Attach(self.home(who), run_id, name, number, large=large))

    def detach(self, who: int, run_id: str, name: str) -> None:
        """Take an attachment away."""
        self._begin(who, Detach(self.home(who), run_id, name))

    def put_table(self, who: int, run_id: str, number: int) -> None:
        """Put a table beside a run, in a file of its own."""
        self._begin(who, PutTable(self.home(who), run_id, number))

    def prune(self, who: int, criteria: Criteria, *, archive: bool) -> None:
        """Delete the runs that are chosen, perhaps into an archive."""
        path = f"{self._disk.name}/{next(self._archives)}.zip" if archive else None
        self._begin(who, Prune(self.home(who), criteria, path))

    def cut_off(self, who: int, requests: int) -> None:
        """Let so many of a client's next requests never arrive."""
        self.clients[self._slot(who)].cut_off = requests

    def deliver(self, who: int) -> None:
        """Send what waits on a client's machine for its bucket."""
        if self.conditions.outboxes:
            model = self.home(who)
            operation = Deliver(model, self._waiting_for(model, self._slot(who)))
            model.upkeep.add(self._begin(who, operation))

    def collect(self, who: int) -> None:
        """Let a client collect garbage; nothing where listings are late for days."""
        self._upkeep(who, Collect)

    def repack(self, who: int) -> None:
        """Let a client merge packs; nothing where listings are late for days."""
        self._upkeep(who, Repack)

    def _upkeep(self, who: int, kind: type[Collect] | type[Repack]) -> None:
        if self.conditions.lateness == 0:
            model = self.home(who)
            model.upkeep.add(self._begin(who, kind(model)))

    def jump(self, hours: int) -> None:
        """Let time go by, wherever the clients stand; their uptime goes on.

        What is under way when many hours begin never arrives.
        """
        if self.conditions.lateness == 0:
            self.simulation.jump(hours * _HOUR_MS)

    def reopen(self, who: int) -> None:
        """Close the client's store; the next operation opens it anew."""
        self.clients[self._slot(who)].begin(Client.close, "reopen")

    def crash(self, who: int) -> None:
        """Let a client die where it stands; another takes its place."""
        self.clients[self._slot(who)].crash()
        self._replace_the_dead()

    def run(self, steps: int | None = None) -> None:
        """Let clients take turns."""
        self.simulation.run(steps)
        self._replace_the_dead()

    # --- how it ends ---

    def finish(self) -> None:
        """Let everything come to its end, and check the whole store against the model."""
        self.run()
        self.simulation.settle()
        self._replace_the_dead()
        self._deliver_all()
        if self.conditions.mirrored:
            self._check_sync()
        for model in self.models:
            self._check_store(model)
        for number, model in enumerate(self.models):
            self.look(number, RUN_IDS[0], POINTERS[0])
            self.clients[number].begin(partial(_check_catalog, model), "check the catalog")
        self.simulation.run()

    def close(self) -> None:
        """End all clients, and remove their disks."""
        self.simulation.close()
        self._disk.cleanup()

    def _deliver_all(self) -> None:
        """Nothing that was acknowledged stays behind: it arrives once the bucket can be reached."""
        for slot in range(len(self.clients)):
            self.deliver(slot)
            self.simulation.run()
        for place, waiting in self._waiting.items():
            # By the clocks of these clients, not by the true one.
            if not any(self._is_ahead(client.clock.time_ns() // 10**6) for client in self.clients):
                demand(not waiting.packs, f"seed {self.seed}: {waiting.packs} waits in {place}")

    def _check_sync(self) -> None:
        """Once all is sent both ways, both buckets hold the same runs."""
        for send in (self.push, self.pull):
            send(0)
            self.simulation.run()
        if all(task.outcome is Outcome.DONE for task in self.tasks[-2:]):
            for run_id in RUN_IDS:
                one, other = (model.state(run_id) for model in self.models)
                demand(one == other, f"seed {self.seed}: after push and pull {one} and {other}")

    def _check_store(self, model: BucketModel) -> None:
        try:
            url, storage = model.bucket.url, model.bucket.storage
            store = Store(url, create=False, readonly=True, backend=storage)
        except NotFound:
            demand(not model.runs, f"seed {self.seed}: there is no store in {url}")
            return
        check_runs_load(store)
        check_runs_are(store, model.runs)
        check_nothing_damaged(store)
        for run_id in model.runs:
            found = {a.name: a.object_id for a in store.attachments(run_id)}
            wanted = {name: o.hex() for name, o in model.attachments(run_id).items()}
            demand(found == wanted, f"attachments of {run_id}: {found}, not {wanted}")
        for pointer, chain in model.pointers():
            history = getattr(store, pointer.space).history(pointer.name)
            demand(history[::-1] == chain, f"the history of {pointer}: {history}, not {chain}")
        store.close()

    # --- clients ---

    def home(self, who: int) -> BucketModel:
        """The model of the bucket that a client works on."""
        return self.models[self._slot(who) % len(self.models)]

    def _slot(self, who: int) -> int:
        return who % len(self.clients)

    def _new_client(self, slot: int) -> Client:
        self._lives += 1
        skew = self.conditions.skew_ms
        return self.simulation.client(
            f"client-{self._lives}",
            offset_ms=self._dice.randint(-skew, skew),
            weight=self._dice.choice([1.0, 1.0, 1.0, 0.05]),
            retry=RetryPolicy(attempts=self._dice.choice([1, 2, 5])),
            cache_dir=f"{self._disk.name}/{slot}" if self.conditions.disks else NO_DISK,
            new_outbox=partial(self._new_outbox, slot) if self.conditions.outboxes else None,
        )

    def _machine(self, slot: int) -> str:
        return f"{self._disk.name}/state/{slot // 2}"

    def _waiting_for(self, model: BucketModel, slot: int) -> Waiting:
        place = f"{self._machine(slot)} {model.bucket.url}"
        if place not in self._waiting:
            self._waiting[place] = Waiting(model)
        return self._waiting[place]

    def _new_outbox(self, slot: int, client: Client, store: Store) -> WatchedOutbox:
        (model,) = (model for model in self.models if model.bucket.url == store.url)
        waiting = self._waiting_for(model, slot)
        return WatchedOutbox(store, client, self._machine(slot), waiting)

    def _replace_the_dead(self) -> None:
        for number, client in enumerate(self.clients):
            if client.dead:
                self.clients[number] = self._new_client(number)

    def _begin(self, who: int, operation: Operation) -> Task[Any]:
        name = type(operation).__name__.lower()
        task = self.clients[self._slot(who)].begin(operation.do, f"{name} no. {len(self.tasks)}")
        self._operations[task] = operation
        self.tasks.append(task)
        return task

    def _judge(self, task: Task[Any]) -> None:
        operation = self._operations.get(task)
        try:
            if operation is not None:
                judge(operation, task)
            if task.outcome is Outcome.FAILED:
                self._check_failure(task)
        except Violation as violation:
            raise Violation(f"seed {self.seed}, step {self.simulation.step}: {violation}") from None

    def _check_failure(self, task: Task[Any]) -> None:
        kind = task.error.kind if task.error is not None else ""
        demand(kind in FAILURES, f"{task}: no such failure")
        if kind == "clock-skew":
            demand(self._is_ahead(task.begun_ms), f"{task}: nothing is ahead of its clock")

    def _is_ahead(self, now_ms: int) -> bool:
        """True if the stamp of something lies too far ahead of a clock."""
        highest = max(model.highest for model in self.models)
        waiting = (u.stamp for w in self._waiting.values() for us in w.packs.values() for u in us)
        highest = max([highest, *waiting])
        return (highest >> COUNTER_BITS) + 1 - now_ms >= MAX_AHEAD_MS


def _run(run_id: str, value: float) -> Run:
    """The runs of a world are of different times, so that there is something to choose by."""
    return sample_run(run_id, value, minute=int(value))


def _check_catalog(model: BucketModel, client: Client) -> None:
    check_catalog_is_derived(client.store(model.bucket))

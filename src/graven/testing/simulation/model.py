"""What a bucket has to hold, worked out from what landed in it by rules of its own.

The model is told of each write at the moment at which it lands. From the packs it takes the
ref updates alone and merges them by taking the greatest; of a guarded ref it keeps every
value. It remembers every state that there was, so that what a client has seen can be
compared with the moments at which it may have looked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from graven import Run
from graven.catalog.refresh import expand_updates
from graven.clock import COUNTER_BITS, MAX_AHEAD_MS
from graven.formats import layout, pack
from graven.formats.guarded import RefValue, decode_ref_file, encode_ref_object
from graven.formats.run import RunEncoder
from graven.ids import ObjectId, hash_bytes, parse_object_id
from graven.refs.guarded import KEPT_VALUES
from graven.refs.journal import RefUpdate
from graven.store.look import TOLERATED_MS
from graven.testing.simulation.bucket import Bucket, Write
from graven.testing.simulation.clients import Outcome, Task
from graven.testing.simulation.places import Places

_KEPT = (layout.FileKind.STORE, layout.FileKind.GUARDED_REF)
_PLACES = (layout.FileKind.PACK, layout.FileKind.LOOSE)


class Violation(AssertionError):
    """The store broke a promise."""


def demand(holds: object, broken: str) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(broken)


class Pointer(NamedTuple):
    """A guarded ref: ``baselines`` or ``tags``, and a name."""

    space: str
    name: str


class Moment(NamedTuple):
    """The state of a bucket from one step to the next change.

    Attributes:
        step: of the change that brought it about.
        winners: of each run that ever was, the update that wins; a tombstone if it is deleted.
        pointers: of each guarded ref, the value that stands.
        saved: runs of which a value has been here, and can be brought back.
    """

    step: int
    winners: dict[str, RefUpdate]
    pointers: dict[Pointer, RefValue]
    saved: frozenset[str]

    def object_of(self, run_id: str) -> ObjectId | None:
        """The object of a run; None if it is not there."""
        winner = self.winners.get(run_id)
        return winner.target if winner is not None else None

    @property
    def objects(self) -> dict[str, ObjectId]:
        """The runs that are there."""
        return {run_id: u.target for run_id, u in self.winners.items() if u.target is not None}

    def pointed(self, pointer: Pointer) -> str | None:
        """The object that a pointer stands for; None if it is not set."""
        value = self.pointers.get(pointer)
        return value.object if value is not None else None

    def guards(self, run_id: str) -> set[Pointer]:
        """The pointers that stand for a run."""
        return {pointer for pointer, value in self.pointers.items() if value.run == run_id}


class Footprint:
    """What landed of one task.

    Attributes:
        packs: ref updates by the key of their pack; those without any are left out.
        values: of guarded refs.
    """

    def __init__(self) -> None:
        self.packs: dict[str, list[RefUpdate]] = {}
        self.values: list[tuple[Pointer, RefValue]] = []

    @property
    def updates(self) -> list[RefUpdate]:
        """All ref updates."""
        return [update for updates in self.packs.values() for update in updates]

    def __bool__(self) -> bool:
        return bool(self.packs or self.values)


class BucketModel:
    """The plain model of one bucket.

    Args:
        bucket: what it watches.
        true_ms: tells the time; no stamp may be far ahead of it where the bucket tells it too.
        known: run objects that any bucket may hold; shared by the models of one simulation.
        refs_alone: what refs name stands elsewhere, and is not looked for.

    Attributes:
        moments: every state so far, oldest first.
        chains: all values of each guarded ref, oldest first.
        highest: the greatest stamp in the name of any pack.
        sources: of each task that brings another bucket's content, the model of that bucket.
        upkeep: tasks that rewrite and delete; what they wrote may be seen although they failed.
        places: where objects stand.
    """

    def __init__(
        self,
        bucket: Bucket,
        true_ms: Callable[[], int],
        known: dict[ObjectId, Run] | None = None,
        *,
        refs_alone: bool = False,
    ) -> None:
        self.bucket = bucket
        self._refs_alone = refs_alone
        self._true_ms = true_ms
        self.moments = [Moment(0, {}, {}, frozenset())]
        self.chains: defaultdict[Pointer, list[RefValue]] = defaultdict(list)
        self._histories: defaultdict[Pointer, dict[str, list[RefValue]]] = defaultdict(dict)
        self.highest = 0
        self.sources: dict[Task[Any], BucketModel] = {}
        self.upkeep: set[Task[Any]] = set()
        self.places = Places(bucket)
        self._winners: dict[str, RefUpdate] = {}
        self._floors: defaultdict[str, int] = defaultdict(int)
        self._saved: frozenset[str] = frozenset()
        self._runs = {} if known is None else known
        self._footprints: defaultdict[Task[Any], Footprint] = defaultdict(Footprint)
        self._encoder = RunEncoder()
        bucket.watchers.append(self.see)

    def expect(self, run: Run) -> ObjectId:
        """The object that will hold a run; what is read under that name must equal it."""
        object_id = self._encoder.encode(run).run.id
        self._runs[object_id] = run
        return object_id

    # --- what lands ---

    def see(self, write: Write) -> None:
        """Take in something that has landed."""
        kind = layout.classify(write.key)
        if write.data is None:
            demand(kind not in _KEPT, f"{write.key} was deleted")
            if kind in _PLACES:
                self._see_deletion(write)
            elif kind is layout.FileKind.PLAN:
                self.places.remove_plan(write.key)
        elif kind is layout.FileKind.PACK:
            self._see_pack(write, write.data)
        elif kind is layout.FileKind.GUARDED_REF:
            self._see_pointer(write, write.data)
        elif kind is layout.FileKind.LOOSE:
            self.places.add_loose(write.key)
        elif kind is layout.FileKind.PLAN and _is_open(write.key):
            self.places.add_plan(write.key, write.data, self._true_ms())

    def _see_deletion(self, write: Write) -> None:
        wrong = self.places.remove(write.key, self._true_ms())
        demand(wrong is None, f"{write.key} was deleted: {wrong}")
        winners: dict[str, RefUpdate] = {}
        floors: defaultdict[str, int] = defaultdict(int)
        for update in self.places.standing:
            _take(update, winners, floors)
        for name, update in self._winners.items():
            left = winners.get(name)
            dead = self._is_dead(update)  # for good, so that nobody asks for it
            same = left is not None and rank(left) == rank(update)
            demand(same or dead, f"without {write.key} {name} is {left}, not {update}")
            demand(
                floors[name] == self._floors[name] or dead,
                f"without {write.key} the floor of {name} is {floors[name]}",
            )
        self._demand_objects(f"without {write.key}")
        self._saved = self._restorable()
        self._remember(write.step)

    def _is_dead(self, update: RefUpdate) -> bool:
        ref = layout.parse_ref_name(update.name)
        if ref is None or not ref.attachment:
            return False
        return update.stamp <= self._floors[layout.run_ref(ref.run_id)]

    def _demand_objects(self, when: str) -> None:
        """All that can be asked for has to stand somewhere."""
        if self._refs_alone:
            return
        lost = self.places.lacking(self._roots())
        demand(not lost, f"{when} {sorted(i.hex()[:12] for i in lost)} are gone")

    def _roots(self) -> Iterator[ObjectId]:
        for run_id in self.moments[-1].objects:
            yield from self.attachments(run_id).values()
        for update in self._winners.values():
            if update.target is not None and not self._is_attachment(update.name):
                yield update.target
        for chain in self.chains.values():
            for value in chain[:-1]:
                yield hash_bytes(encode_ref_object(value))
            for value in chain[-KEPT_VALUES:]:
                if value.object is not None:
                    yield parse_object_id(value.object)

    def _is_attachment(self, name: str) -> bool:
        ref = layout.parse_ref_name(name)
        return ref is not None and bool(ref.attachment)

    def _restorable(self) -> frozenset[str]:
        """Runs whose last value can be brought back, if they are deleted."""
        last: dict[str, RefUpdate] = {}
        for update in self.places.standing:
            known = last.get(update.name)
            if update.target is not None and (known is None or update.stamp > known.stamp):
                last[update.name] = update
        return frozenset(
            name.removeprefix("runs/")
            for name, update in last.items()
            if update.target is not None and not self.places.lacking([update.target])
        )

    def footprint(self, task: Task[Any]) -> Footprint:
        """What landed of a task so far."""
        return self._footprints[task]

    def _see_pack(self, write: Write, data: bytes) -> None:
        name = layout.parse_pack_name(write.key.removeprefix(layout.PACKS))
        if name is None or hash_bytes(data) != name.digest:
            raise Violation(f"{write.key} does not hold what its name says")
        tail = pack.read_tail(data, len(data))
        updates = expand_updates(pack.read_metadata(data[tail.offset : -pack.TAIL_BYTES]))
        self.highest = max(self.highest, name.stamp)
        self.places.add_pack(write.key, updates)
        ahead = (name.stamp >> COUNTER_BITS) - self._true_ms()
        demand(
            not self.bucket.tells_time or ahead <= MAX_AHEAD_MS + TOLERATED_MS,
            f"{write.key} is {ahead} ms ahead of the bucket's clock",
        )
        if updates:
            for update in updates:
                self._merge(update)
            self._remember(write.step)
            self._demand_objects(f"with {write.key}")
            if write.task is not None:
                self._demand_open(write.task)
                self._footprints[write.task].packs[write.key] = updates

    def _merge(self, update: RefUpdate) -> None:
        _take(update, self._winners, self._floors)
        if update.target is not None:
            self._saved |= {update.name.removeprefix("runs/")}

    def _see_pointer(self, write: Write, data: bytes) -> None:
        folder, _, file = write.key.rpartition("/")
        pointer = Pointer(folder.removeprefix(layout.REFS), layout.parse_guarded_file(file) or "")
        value = decode_ref_file(data, write.key)
        source = self.sources.get(write.task) if write.task is not None else None
        if source is None:
            _append(self.chains[pointer], value, write.key)
        else:
            self.chains[pointer] = _forwarded(self.chains[pointer], source.past_of(pointer), value)
        self._histories[pointer][value.write_id] = list(self.chains[pointer])
        self._remember(write.step)
        self._demand_objects(f"with {value.object} as {pointer}")
        if write.task is not None:
            self._demand_open(write.task)
            self._footprints[write.task].values.append((pointer, value))

    def past_of(self, pointer: Pointer) -> dict[str, list[RefValue]]:
        """By write id the history up to each value that ever stood here."""
        return self._histories[pointer]

    def _demand_open(self, task: Task[Any]) -> None:
        """What lands late must be of a task that did not promise that nothing of it is there."""
        over = task.outcome in (Outcome.REFUSED, Outcome.FAILED)
        demand(
            not over or task in self.sources or task in self.upkeep,
            f"{task}, and yet it landed later",
        )

    def _remember(self, step: int) -> None:
        winners = {}
        for name, update in self._winners.items():
            ref = layout.parse_ref_name(name)
            if ref is not None and not ref.attachment:
                winners[ref.run_id] = update
        pointers = {pointer: chain[-1] for pointer, chain in self.chains.items()}
        self.moments.append(Moment(step, winners, pointers, self._saved))

    # --- what has to be ---

    def during(self, task: Task[Any]) -> list[Moment]:
        """The states that there were between a task's first request and its last."""
        steps = [moment.step for moment in self.moments]
        first = max(bisect_right(steps, task.begun) - 1, 0)
        return self.moments[first : bisect_right(steps, task.ended)]

    def run_of(self, object_id: ObjectId) -> Run:
        """The run that an object holds."""
        return self._runs[object_id]

    @property
    def runs(self) -> dict[str, Run]:
        """The runs that are there now."""
        objects = self.moments[-1].objects
        return {run_id: self._runs[target] for run_id, target in objects.items()}

    def attachments(self, run_id: str) -> dict[str, ObjectId]:
        """What is there beside a run now."""
        floor = self._floors[layout.run_ref(run_id)]
        return {
            name: update.target
            for name, update in self.beside(run_id).items()
            if update.target is not None and update.stamp > floor
        }

    def beside(self, run_id: str) -> dict[str, RefUpdate]:
        """The winning update of each name that ever was attached to a run."""
        start = layout.run_ref(run_id) + "/"
        return {
            name.removeprefix(start): update
            for name, update in self._winners.items()
            if name.startswith(start)
        }

    def absorbs(self, update: RefUpdate) -> bool:
        """True if an update has arrived, or would change nothing."""
        standing = self._winners.get(update.name)
        brought = update.stamp if update.target is None else update.floor
        return (
            standing is not None
            and rank(standing) >= rank(update)
            and self._floors[update.name] >= brought
        )

    def state(self, run_id: str) -> tuple[RefUpdate | None, int, dict[str, ObjectId]]:
        """What another bucket must hold of a run to be equal: winner, floor, attachments.

        Attachments that died with their run stay where they are; of a deleted one those count
        that would be there if it were saved again.
        """
        name = layout.run_ref(run_id)
        winner = self._winners.get(name)
        return winner and winner._replace(floor=0), self._floors[name], self.attachments(run_id)

    def pointers(self) -> Iterator[tuple[Pointer, list[RefValue]]]:
        """Every guarded ref with all of its values, oldest first."""
        yield from sorted(self.chains.items())


def _is_open(key: str) -> bool:
    plan = layout.parse_plan_name(key.removeprefix(layout.PACKS))
    return plan is not None and not plan.done


def _take(update: RefUpdate, winners: dict[str, RefUpdate], floors: dict[str, int]) -> None:
    standing = winners.get(update.name)
    if standing is None or rank(update) > rank(standing):
        winners[update.name] = update
    brought = update.stamp if update.target is None else update.floor
    floors[update.name] = max(floors[update.name], brought)


def _append(chain: list[RefValue], value: RefValue, key: str) -> None:
    """A value set in this bucket: the next one, linked to the one before."""
    expected = hash_bytes(encode_ref_object(chain[-1])).hex() if chain else None
    demand(
        (value.seq, value.previous) == (len(chain) + 1, expected),
        f"no. {value.seq} of {key} stands where no. {len(chain) + 1} belongs",
    )
    chain.append(value)


def _forwarded(
    chain: list[RefValue], source: dict[str, list[RefValue]], value: RefValue
) -> list[RefValue]:
    """The history after a value of another bucket came: that which it had there.

    It went further, or both had the same run by histories that had parted.
    """
    history = source.get(value.write_id, [])
    demand(history and history[-1] == value, f"{value} came from nowhere")
    if chain:
        stood = chain[-1]
        joins = (stood.run, stood.object) == (value.run, value.object)
        demand(joins or stood in history[:-1], f"{value} did not follow {stood}")
    return history


def rank(update: RefUpdate) -> tuple[int, bytes, bool, bytes]:
    """The order of updates: written down once more, so that a mistake in graven's is seen."""
    return (update.stamp, update.writer, update.target is None, update.target or b"")

"""The storage of the model: places that hold objects and updates, and what must not be lost.

Everything is a small integer. A set of objects is a bit mask, and so are the *facts* of a
place: its objects, and for each name whether the winning update and the highest floor
stand in it. An update's rank is one number too: stamp, writer, is a tombstone, target.
"""

from __future__ import annotations

from typing import NamedTuple

GRACE = 1440  # minutes
HALF = GRACE // 2
REPACK_GRACE = 10
FLIGHT = HALF - 120
"""A request takes less than half a grace period: the margin that all other times leave it."""

RUNS = 2
NAMES = 2 * RUNS  # the attachment of a run has its number + RUNS
SPACES = 1  # guarded refs
KEPT = 2
"""Of a guarded ref so many targets are live (graven: 20)."""

LEAVES = 4
CLOSURES = (1, 2, 4, 8, *(1 << 4 + n | mask for n, mask in enumerate((1, 3, 6, 8))))
"""The object itself and all that it names: four leaves, and values that share them."""
VALUES = len(CLOSURES)
_BARE = tuple(1 << n for n in range(VALUES))
FIRST_REF = 16  # `ref` objects are numbered from here on
WINS = 64  # facts: the objects, then a bit for each name's winner, and one for its floor
FLOORS = WINS + NAMES
OBJECTS = (1 << WINS) - 1


class Loss(AssertionError):
    """Something that was live is gone."""


class Update(NamedTuple):
    """An update of a name; ``floor`` is the stamp itself if it is a tombstone."""

    name: int
    rank: int
    floor: int


class Value(NamedTuple):
    """A value of a guarded ref; ``past`` are those before it, newest first."""

    seq: int
    target: int
    ref: int
    past: tuple[tuple[int, int], ...]


class Place:
    """A pack, or a loose object; never changed. ``sound`` is False if its frames are damaged."""

    __slots__ = ("key", "objects", "sound", "updates")

    def __init__(self, key: int, objects: int, updates: tuple[Update, ...], sound: bool) -> None:
        self.key = key
        self.objects = objects
        self.updates = updates
        self.sound = sound


class Plan(NamedTuple):
    """A plan to delete; ``born`` by the storage's clock."""

    condemned: frozenset[int]
    born: int
    grace: int


def rank_of(stamp: int, writer: int, target: int) -> int:
    """The rank of an update; ``target`` -1 deletes."""
    return ((stamp * 64 + writer) * 2 + (target < 0)) * 64 + target + 1


def update_of(name: int, rank: int, floor: int = 0) -> Update:
    """An update with the floor that it brings."""
    return Update(name, rank, rank >> 13 if rank & 63 == 0 else floor)


class State:
    """What merging makes of places: by name the winner's rank, and the floor."""

    __slots__ = ("floors", "ranks")

    def __init__(self) -> None:
        self.ranks = [0] * NAMES
        self.floors = [0] * NAMES

    def take(self, updates: tuple[Update, ...]) -> None:
        """Merge updates in."""
        ranks, floors = self.ranks, self.floors
        for name, rank, floor in updates:
            if rank > ranks[name]:  # noqa: PLR1730 - a call each of a million times
                ranks[name] = rank
            if floor > floors[name]:  # noqa: PLR1730 - as above
                floors[name] = floor

    def merge(self, other: State) -> None:
        """Know what both know."""
        self.ranks = list(map(max, self.ranks, other.ranks))
        self.floors = list(map(max, self.floors, other.floors))

    def target(self, name: int) -> int:
        """What a name stands for; -1 if it is not there."""
        found = (self.ranks[name] & 63) - 1
        if name < RUNS or found < 0:
            return found
        run = name - RUNS
        if self.ranks[run] & 63 and self.ranks[name] >> 13 > self.floors[run]:
            return found
        return -1

    def live(
        self,
        guarded: list[Value],
        *,
        dormant: bool = False,
        history: bool = True,
        links: bool = True,
    ) -> int:
        """All objects that must be readable; less of it is what a careless collector sees.

        ``dormant`` are attachments newer than the deletion of their run: whoever saves a
        run under that id shows them again.
        """
        named = CLOSURES if links else _BARE
        mask = 0
        for name in range(NAMES):
            target = self.target(name)
            if target < 0 and dormant and self._sleeps(name):
                target = (self.ranks[name] & 63) - 1
            if target >= 0:
                mask |= named[target]
        for value in guarded:
            if value.target >= 0:
                mask |= named[value.target]
            if history:
                for _, ref in value.past:
                    mask |= 1 << ref
                for target, _ in value.past[: KEPT - 1]:
                    if target >= 0:
                        mask |= named[target]
        return mask

    def _sleeps(self, name: int) -> bool:
        return name >= RUNS and self.ranks[name] >> 13 > self.floors[name - RUNS]

    def facts(self, place: Place) -> int:
        """What of the whole state stands in a place."""
        mask = place.objects
        for name, rank, floor in place.updates:
            if rank == self.ranks[name]:
                mask |= 1 << WINS + name
            if floor and floor == self.floors[name]:
                mask |= 1 << FLOORS + name
        return mask

    def demands(self, *, tombstones: bool = True, floors: bool = True) -> int:
        """The facts that must stand somewhere, live objects apart."""
        mask = 0
        for name in range(NAMES):
            if not tombstones and not self.ranks[name] & 63:
                continue
            if self.ranks[name]:
                mask |= 1 << WINS + name
            if self.floors[name] and floors:
                mask |= 1 << FLOORS + name
        return mask


class Storage:
    """Keys, bodies and a clock that is right; after each change nothing live may be missing.

    Attributes:
        now: minutes; the clock of the storage.
        plans, done: by key of the plan; done holds when it was carried out.
        truth: all updates merged that ever landed.
        deleted: how many places were.
    """

    def __init__(self) -> None:
        self.now = 100 * GRACE
        self.places: dict[int, Place] = {}
        self.plans: dict[int, Plan] = {}
        self.done: dict[int, int] = {}
        self.guarded = [Value(0, -1, 0, ())] * SPACES
        self.truth = State()
        self.highest = 0
        self.deleted = 0
        self._live = 0
        self._present = 0
        self._keys = 0
        self._refs = FIRST_REF

    def new_key(self) -> int:
        """A key that nobody has used."""
        self._keys += 1
        return self._keys

    def new_ref(self) -> int:
        """The id of a new `ref` object."""
        self._refs += 1
        return self._refs

    def put(self, objects: int, updates: tuple[Update, ...] = (), *, sound: bool = True) -> int:
        """Write a pack or a loose object; its key."""
        key = self.new_key()
        self.places[key] = Place(key, objects, updates, sound)
        if sound:
            self._present |= objects
        if updates:
            self.truth.take(updates)
            for update in updates:
                self.highest = max(self.highest, update.rank >> 13)
            self._look("an update")
        return key

    def swap(self, space: int, seq: int, target: int) -> bool:
        """Set a guarded ref, on condition that its value is the one of ``seq``."""
        old = self.guarded[space]
        if old.seq != seq:
            return False
        past = ((old.target, old.ref), *old.past) if old.seq else ()
        self.guarded[space] = Value(seq + 1, target, self.new_ref(), past)
        self._look("a guarded ref")
        return True

    def delete(self, key: int) -> None:
        """Delete a place; a second time is fine."""
        if self.places.pop(key, None) is None:
            return
        self.deleted += 1
        left = State()
        present = 0
        for place in self.places.values():
            left.take(place.updates)
            if place.sound:
                present |= place.objects
        self._present = present
        if left.ranks != self.truth.ranks or left.floors != self.truth.floors:
            raise Loss(f"{key} held an update or a floor that nothing else holds")
        self._look("a deletion")

    def _look(self, after: str) -> None:
        lost = self.truth.live(self.guarded) & ~self._present
        if lost:
            raise Loss(f"after {after} objects {lost & OBJECTS:#x} are live and not there")

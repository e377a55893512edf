"""What clients of the model do to a store: save, attach, delete, restore, push, set baselines."""

from __future__ import annotations

from graven.testing.protocol.client import Asks, Client, Steps
from graven.testing.protocol.storage import (
    CLOSURES,
    LEAVES,
    NAMES,
    RUNS,
    SPACES,
    VALUES,
    State,
    Update,
    rank_of,
    update_of,
)

_LEAF_BITS = (1 << LEAVES) - 1


class Writer(Client):
    """A client that changes refs."""

    def pick(self, count: int) -> int:
        """A number below ``count``."""
        return int(self.dice() * count)

    def value(self) -> int:
        """An object that a name may stand for."""
        return LEAVES + self.pick(VALUES - LEAVES)

    def rank(self, target: int, seen: int = 0) -> int:
        """The rank of an update made now, above ``seen``."""
        return rank_of(self.tick(seen), self.number, target)

    def put(self, since: int, objects: int, *updates: Update) -> Asks:
        """Write a pack, if it is not too late."""
        if (yield from self.send(since)):
            self.storage.put(objects, updates)
            return True
        return False

    def put_apart(self, objects: int, *updates: Update) -> Steps:
        """Write what is lacking, in one pack or in several: objects first, then the updates.

        Objects may be packs of their own, or loose: for the protocol these are alike.
        """
        lacking = objects & ~self.sound()
        if lacking and self.dice() < 0.5:
            first = lacking & _LEAF_BITS if self.dice() < 0.5 else lacking
            if first:
                if not (yield from self.put(self.since, first)):
                    return
                lacking &= ~first
        yield from self.put(self.since, lacking, *updates)

    # --- what it does ---

    def save(self) -> Steps:
        """Save a run as `Store.save` does: no look, and shared objects once a session."""
        yield from self.start(0.8)
        target = self.value()
        known = self.written & CLOSURES[target] & _LEAF_BITS
        update = update_of(self.pick(RUNS), self.rank(target))
        if (yield from self.put(self.begun, CLOSURES[target] & ~known, update)):
            self.written |= CLOSURES[target] & _LEAF_BITS

    def save_large(self) -> Steps:
        """A transaction that leaves out what it finds in the catalog."""
        yield from self.prepare()
        target = self.value()
        name = self.pick(RUNS)
        yield from self.put_apart(CLOSURES[target], update_of(name, self.rank(target)))

    def attach(self) -> Steps:
        """Attach something to a run that is there."""
        yield from self.prepare()
        state = self.merged()
        run = self.pick(RUNS)
        if state.target(run) < 0:
            return
        target = self.value()
        rank = self.rank(target, max(state.ranks[run] >> 13, state.floors[run]))
        yield from self.put_apart(CLOSURES[target], update_of(run + RUNS, rank))

    def delete(self) -> Steps:
        """Delete a run, or what is attached to one."""
        yield from self.prepare()
        state = self.merged()
        name = self.pick(NAMES)
        if state.target(name) < 0:
            name %= RUNS
        if state.target(name) >= 0:
            rank = self.rank(-1, state.ranks[name] >> 13)
            yield from self.put(self.since, 0, update_of(name, rank))

    def restore(self) -> Steps:
        """Bring a deleted run back, with what is attached to it."""
        yield from self.prepare()
        state = self.merged()
        run = self.pick(RUNS)
        if not state.ranks[run] or state.target(run) >= 0:
            return
        past = sorted(
            rank
            for place in self.catalog.values()
            for name, rank, _ in place.updates
            if name == run and rank & 63
        )
        if not past:
            return
        target = (past[-1] & 63) - 1
        above = state.ranks[run] >> 13
        updates = [update_of(run, self.rank(target, above))]
        objects = CLOSURES[target]
        beside = (state.ranks[run + RUNS] & 63) - 1
        if beside >= 0 and self.dice() < 0.5:
            updates.append(update_of(run + RUNS, self.rank(beside, above)))
            objects |= CLOSURES[beside]
        if (yield from self.found(objects)):
            yield from self.put(self.since, objects & ~self.sound(), *updates)

    def found(self, objects: int) -> Asks:
        """Read those objects that stand in condemned places alone; False if some are gone."""
        lacking = objects & ~self.sound()
        for key in [k for k, p in self.catalog.items() if p.objects & lacking and p.sound]:
            if not lacking:
                break
            yield
            place = self.storage.places.get(key)
            if place is not None:
                lacking &= ~place.objects
        return not lacking

    def set_pointer(self) -> Steps:
        """Set a guarded ref to a run or an earlier value of its own, or unset it."""
        yield from self.prepare()
        space = self.pick(SPACES)
        yield
        value = self.storage.guarded[space]
        drawn = self.dice()
        if drawn < 0.6:
            target = self.merged().target(self.pick(RUNS))
        else:
            target = value.past[0][0] if value.past and drawn < 0.8 else -1
        yield from self.point(space, target)

    def point(self, space: int, target: int, brought: int = 0) -> Steps:
        """Let a guarded ref stand for an object, of which ``brought`` is at hand."""
        for _ in range(2):
            yield
            value = self.storage.guarded[space]
            if value.target == target:
                return
            objects = CLOSURES[target] if target >= 0 else 0
            if not (yield from self.found(objects & ~brought)):
                return
            kept = objects & ~self.sound() | (1 << value.ref if value.seq else 0)
            if kept and not (yield from self.put(self.since, kept)):
                return
            if not (yield from self.send(self.since)):
                return
            if self.storage.swap(space, value.seq, target):
                return

    def pull(self) -> Steps:
        """Bring a store of one's own to what is there."""
        yield from self.refresh()
        self.clone.merge(self.merged())
        for place in self.catalog.values():
            if place.sound:
                self.cloned |= place.objects

    def push(self) -> Steps:
        """Bring there what one's own store has beyond it; some time after it was made."""
        target = self.value()
        run = self.pick(RUNS)
        drawn = self.dice()
        if drawn < 0.4:
            self.clone.take((update_of(run, self.rank(target)),))
            self.cloned |= CLOSURES[target]
        elif drawn < 0.6 and self.clone.target(run) >= 0:
            above = self.clone.ranks[run] >> 13
            self.clone.take((update_of(run + RUNS, self.rank(target, above)),))
            self.cloned |= CLOSURES[target]
        elif drawn < 0.75 and self.clone.target(run) >= 0:
            self.clone.take((update_of(run, self.rank(-1)),))
        yield from self.prepare()
        yield from self.ship(self.clone)

    def ship(self, clone: State) -> Steps:
        """Send the updates that win, with their objects."""
        state = self.merged()
        updates = []
        objects = 0
        for name in range(NAMES):
            rank, floor = clone.ranks[name], clone.floors[name]
            if rank > state.ranks[name] or floor > state.floors[name]:
                target = (rank & 63) - 1
                if target >= 0 and CLOSURES[target] & ~self.cloned:
                    continue
                updates.append(update_of(name, rank, floor))
                objects |= CLOSURES[target] if target >= 0 else 0
        if updates:
            yield from self.put_apart(objects, *updates)
        elif self.dice() < 0.5:
            target = clone.target(self.pick(RUNS))
            if target >= 0:
                yield from self.point(self.pick(SPACES), target, self.cloned)

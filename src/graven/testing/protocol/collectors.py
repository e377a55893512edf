"""What a collector of the model does: a first visit of gc, a sweep, a repack."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from graven.testing.protocol.client import Asks, Steps
from graven.testing.protocol.storage import (
    FLIGHT,
    FLOORS,
    GRACE,
    HALF,
    NAMES,
    OBJECTS,
    REPACK_GRACE,
    WINS,
    Place,
    Plan,
    State,
    Update,
    Value,
)
from graven.testing.protocol.writers import Writer


class Collector(Writer):
    """A client that collects garbage as well.

    Attributes:
        forgetful: its next listing leaves out a name, once.
        careless: the next pack that it rewrites arrives damaged, once.
    """

    forgetful = False
    careless = False
    damaged: Collection[int] = ()

    def list_all(self) -> Steps:
        """One listing: places, plans, and what the storage's clock shows."""
        storage = self.storage
        self.surveyed = self.uptime()
        yield
        self.listed = dict(storage.places)
        self.told = storage.now if self.rules.storage_clock else storage.now + self.offset
        self.plans = dict(storage.plans)
        self.done = dict(storage.done)
        if self.forgetful and self.listed:
            self.forgetful = False
            self.listed.pop(list(self.listed)[self.pick(len(self.listed))])

    def survey(self) -> Steps:
        """Read what is new in the listing, and the guarded refs."""
        storage = self.storage
        while not self.listed.keys() <= self.catalog.keys():
            yield
            if self.listed.keys() <= storage.places.keys() | self.catalog.keys():
                break
            yield from self.list_all()
        self.catalog = self.listed
        yield
        self.guarded: list[Value] = list(storage.guarded)

    def condemned_by(self, plans: Iterable[Plan]) -> set[int]:
        """What plans condemn."""
        return {key for plan in plans for key in plan.condemned}

    def needs(self, state: State) -> int:
        """All facts that must stand somewhere."""
        rules = self.rules
        facts = state.demands(tombstones=rules.keep_tombstones, floors=rules.carry_floors)
        return facts | state.live(
            self.guarded,
            dormant=rules.keep_dormant,
            history=rules.keep_history,
            links=rules.follow_links,
        )

    def needed(self, condemned: Collection[int], *, dead: bool = False) -> tuple[set[int], bool]:
        """The condemned places without which the store would not answer as before.

        The second is true if others hold something live, so that it counts on their homes.
        With ``dead`` all objects must stand elsewhere.
        """
        state = self.merged()
        needs = self.needs(state) | (OBJECTS if dead else 0)
        outside = 0
        inside: list[tuple[int, int]] = []
        for key, place in self.catalog.items():
            facts = state.facts(place)
            if key in condemned:
                inside.append((key, facts & needs))
            elif key in self.damaged:
                outside |= facts & ~OBJECTS
            else:
                outside |= facts
        spared = {key for key, facts in inside if facts & ~outside}
        return spared, any(facts for key, facts in inside if key not in spared)

    # --- first visit ---

    def visit(self) -> Steps:
        """Rewrite what is partly dead, and condemn what nobody needs."""
        yield from self.list_all()
        yield from self.survey()
        known = self.condemned_by(self.plans.values())
        state = self.merged()
        need = self.needs(state)
        standing = [(p, state.facts(p)) for k, p in self.catalog.items() if k not in known]
        standing.sort(key=lambda _: self.dice())
        chosen = set()
        spares = self.dice() < 0.5
        rewritten = False
        for n, (place, facts) in enumerate(standing):
            others = 0
            if spares:  # what stands twice is needed once
                for other, theirs in standing:
                    if other is not place and other.key not in chosen:
                        others |= theirs
            alive = facts & need & ~others
            if not alive:
                chosen.add(place.key)
            elif not rewritten and facts & ~need and place.sound and self.dice() < 0.3:
                rewritten = True
                if (yield from self.rewrite(state, place, facts & need)):
                    chosen.add(place.key)
            standing[n] = (place, facts)
        if chosen:
            yield from self.condemn(chosen, GRACE)

    def rewrite(self, state: State, place: Place, alive: int) -> Asks:
        """Write anew what of a place is alive; True if it can be read back."""
        yield
        if place.key not in self.storage.places:
            return False
        names = [n for n in range(NAMES) if alive & (1 << WINS + n | 1 << FLOORS + n)]
        carried = state.floors if self.rules.carry_floors else [0] * NAMES
        updates = [Update(name, state.ranks[name], carried[name]) for name in names]
        return (yield from self.write(place.objects & alive, tuple(updates)))

    def write(self, objects: int, updates: tuple[Update, ...]) -> Asks:
        """Write a pack."""
        if not (yield from self.send(self.surveyed)):
            return False
        self.storage.put(objects, updates, sound=not self.careless)
        self.careless = False
        return True

    def condemn(self, keys: Collection[int], grace: int) -> Steps:
        """Write a plan."""
        if (yield from self.send(self.surveyed)):
            plan = Plan(frozenset(keys), self.storage.now, grace)
            self.storage.plans[self.storage.new_key()] = plan

    # --- sweep ---

    def sweep(self) -> Steps:
        """Carry out plans whose time has come, and remove those of long ago."""
        storage = self.storage
        yield from self.list_all()
        keeps = self.rules.keep_plans
        for key in [k for k in self.plans if k in self.done]:
            if self.told - self.done[key] > (HALF if keeps else -GRACE):
                yield
                storage.plans.pop(key, None)
                yield
                storage.done.pop(key, None)
        open_plans = {k: p for k, p in self.plans.items() if k not in self.done}
        waits = self.rules.wait_for_grace
        ripe = {k: p for k, p in open_plans.items() if self.told - p.born > p.grace or not waits}
        if not ripe:
            return
        yield from self.survey()
        if self.rules.equal_listings:
            yield
            again = storage.places.keys() == self.catalog.keys()
            if not again or storage.plans.keys() != self.plans.keys():
                return
        for key, plan in ripe.items():
            yield from self.carry_out(key, plan)

    def carry_out(self, key: int, plan: Plan) -> Steps:
        """Delete what a plan condemns and nobody needs."""
        storage = self.storage
        hidden = self.condemned_by(self.plans.values() if self.rules.all_plans else [plan])
        spared: set[int] = set()
        if self.rules.ask_again:
            # Writers may count for half a day on what a plan of ten minutes condemns.
            dead = plan.grace < GRACE and self.rules.repack_all
            self.damaged = ()
            spared, counts = self.needed(hidden, dead=dead)
            if counts and self.rules.read_homes:
                yield
                self.damaged = [k for k, p in self.catalog.items() if not p.sound]
                spared, _ = self.needed(hidden, dead=dead)
        for condemned in sorted(plan.condemned - spared):
            if condemned not in self.catalog:
                continue
            if self.rules.sweep_in_time and self.uptime() - self.surveyed > HALF:
                return
            sent = storage.now
            yield
            if storage.now - sent > FLIGHT and self.rules.end_requests:
                return
            storage.delete(condemned)
        yield
        if key in storage.plans and key not in storage.done:
            storage.done[key] = storage.now
        if not self.rules.keep_plans:
            storage.plans.pop(key, None)

    # --- repack ---

    def repack(self) -> Steps:
        """Copy some packs into one, and condemn them for a short time."""
        yield from self.list_all()
        yield from self.survey()
        known = self.condemned_by(self.plans.values()) if self.dice() < 0.8 else set()
        inputs = [p for k, p in self.catalog.items() if k not in known and self.dice() < 0.6]
        yield
        storage = self.storage
        inputs = [p for p in inputs if p.key in storage.places and p.sound]
        if len(inputs) < 2:
            return
        objects = 0
        updates: tuple[Update, ...] = ()
        for place in inputs:
            objects |= place.objects
            updates += place.updates
        if not self.rules.repack_all:
            objects &= self.needs(self.merged())
        if (yield from self.write(objects, updates)):
            yield from self.condemn([place.key for place in inputs], REPACK_GRACE)

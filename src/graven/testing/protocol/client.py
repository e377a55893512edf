"""A client of the model: its session, its catalog, and how it sends a request.

Everything that calls the storage is a generator that yields before each call: whoever
resumes it decides what happens in between.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable

from graven.testing.protocol.rules import Rules
from graven.testing.protocol.storage import FLIGHT, HALF, Place, State, Storage

Steps = Generator[None, None, None]
Asks = Generator[None, None, bool]


class Client:
    """What every process has.

    Args:
        storage: where it works.
        rules: what it heeds.
        dice: decides what it does.
        number: of the client; its writer id.
        offset: by how many minutes its clock is ahead.
    """

    def __init__(
        self, storage: Storage, rules: Rules, dice: random.Random, number: int, offset: int
    ) -> None:
        self.storage = storage
        self.rules = rules
        self.dice = dice.random
        self.number = number
        self.offset = offset
        self.catalog: dict[int, Place] = {}
        self.looked = -1
        self.begun = -1
        self.condemned: frozenset[int] = frozenset()
        self.written = 0
        self.stamp = 0
        self.running = 0  # by a clock that stands still while the process is suspended
        self.clone = State()
        self.cloned = 0

    # --- time ---

    def uptime(self) -> int:
        """The clock of durations."""
        return self.storage.now if self.rules.age_through_suspend else self.running

    def tick(self, seen: int = 0) -> int:
        """A stamp above all that it has seen, and above ``seen``."""
        self.stamp = max(self.stamp, self.storage.now + self.offset, seen) + 1
        return self.stamp

    @property
    def since(self) -> int:
        """When the oldest look was on which a decision rests."""
        if self.rules.age_from_first_look and self.looked >= 0:
            return min(self.begun, self.looked)
        return self.begun

    def send(self, since: int) -> Asks:
        """Send a request that decides something; False if it must not, or never arrived."""
        if self.rules.check_age and self.uptime() - since > HALF:
            return False
        sent = self.storage.now
        yield
        return self.storage.now - sent <= FLIGHT or not self.rules.end_requests

    # --- what it knows ---

    def start(self, lowest: float = 0.5) -> Steps:
        """Begin a session, or go on with one that is young enough."""
        if self.begun >= 0 and self.uptime() - self.begun <= HALF and self.dice() < lowest:
            return
        storage = self.storage
        while True:
            begun = self.uptime()
            yield
            names = list(storage.plans)
            self.stamp = max(self.stamp, storage.highest)
            found: list[int] = []
            if names:
                yield
                plans = [storage.plans.get(name) for name in names]
                if None in plans:
                    continue  # it was removed meanwhile: look again
                found = [key for plan in plans if plan is not None for key in plan.condemned]
            break
        self.begun = begun
        self.condemned = frozenset(found if self.rules.heed_condemned else ())
        self.written = 0

    def refresh(self) -> Steps:
        """List the places, and read what is new."""
        storage = self.storage
        while True:
            looked = self.uptime()
            yield
            places = dict(storage.places)
            if not places.keys() <= self.catalog.keys():
                yield
                if not places.keys() <= storage.places.keys() | self.catalog.keys():
                    continue
            self.catalog = places
            self.looked = looked
            return

    def prepare(self) -> Steps:
        """A session and a catalog, in either order, or what there is of them already."""
        if self.dice() < 0.3:
            if self.looked < 0 or self.dice() < 0.5:
                yield from self.refresh()
            yield from self.start()
        else:
            yield from self.start()
            yield from self.refresh()

    def sound(self, condemned: Iterable[int] | None = None) -> int:
        """The objects that it may count on."""
        hidden = self.condemned if condemned is None else condemned
        mask = 0
        for key, place in self.catalog.items():
            # Whether a pack arrived whole is a question of checksums, not of this protocol.
            if place.sound and key not in hidden:
                mask |= place.objects
        return mask

    def merged(self) -> State:
        """The state that its catalog shows."""
        state = State()
        for place in self.catalog.values():
            state.take(place.updates)
        return state

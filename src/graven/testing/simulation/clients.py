"""Simulated clients: each a process of its own, with its clock, its dice and its stores."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from graven import clock, ids
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable, GravenError
from graven.store import Store
from graven.testing.faulty import SimulatedCrash
from graven.testing.invariants import NO_DISK
from graven.testing.simulation.bucket import Bucket, Request, SimulatedBackend, Write
from graven.testing.simulation.clocks import SimulatedClock
from graven.testing.simulation.faults import Fault
from graven.testing.simulation.fibers import Fiber

if TYPE_CHECKING:
    from graven.refs.journal import RefUpdate
    from graven.store.outbox import Outbox
    from graven.testing.simulation.scheduler import Simulation

T = TypeVar("T")

NewOutbox = Callable[["Client", Store], "Outbox"]

DATA_PACK_BYTES = 256 * 1024
"""Of large objects in one pack: a transaction of little more than that is one of many packs."""

IN_DOUBT = ("timeout", "unknown")
"""Kinds of `BackendUnavailable` that do not say whether anything was done."""


class Outcome(StrEnum):
    """What a client knows of a task of its own."""

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"  # an error that says why: nothing of it may be there
    FAILED = "failed"  # the place did not do it: nothing of it may be there
    UNKNOWN = "unknown"  # it may be there or not


class Task(Generic[T]):
    """One thing that a client does, from its first request to its last.

    Attributes:
        name: what it is, for a person.
        begun, ended: the number of requests that the simulation had carried out then.
        result, error: what came of it.
        wrote: what landed of it, also after its end.
        queued: what was put into an outbox for it.
    """

    def __init__(self, client: Client, do: Callable[[Client], T], name: str) -> None:
        self.client = client
        self.name = name
        self.begun = 0
        self.ended = 0
        self.begun_ms = 0  # by the client's clock
        self.outcome = Outcome.OPEN
        self.result: Any = None  # a T once it is done
        self.error: GravenError | None = None
        self.wrote: list[Write] = []
        self.queued: list[RefUpdate] = []
        self._do = do

    def run(self) -> None:
        """Do it; everything but an error of graven's is raised."""
        self.begun = self.client.simulation.step
        self.begun_ms = clock.wall_ms()
        try:
            self.result = self._do(self.client)
            self.outcome = Outcome.DONE
        except GravenError as error:
            self.error = error
            self.outcome = _outcome_of(error)
        except SimulatedCrash:
            self.outcome = Outcome.UNKNOWN
            raise
        finally:
            self.ended = self.client.simulation.step

    def __repr__(self) -> str:
        told = f": {self.error!r}" if self.error else ""
        return f"<{self.client.name} {self.name}, {self.outcome}{told}>"


def _outcome_of(error: GravenError) -> Outcome:
    if isinstance(error, BackendUnavailable):
        return Outcome.UNKNOWN if error.kind in IN_DOUBT else Outcome.FAILED
    return Outcome.REFUSED


class Client:
    """A process that works on buckets, one task after the other.

    Args:
        simulation: where it lives.
        name: of no other client.
        offset_ms: how far its clock is ahead.
        weight: how often it has its turn, against others.
        retry: how patient it is with a bucket.
        cache_dir: where it keeps what it reads of buckets; several clients may share it, as
            processes of one machine do.
        new_outbox: gives the outbox of a store that it opens; None for none.
    """

    def __init__(
        self,
        simulation: Simulation,
        name: str,
        *,
        offset_ms: int = 0,
        weight: float = 1.0,
        retry: RetryPolicy | None = None,
        cache_dir: str = NO_DISK,
        new_outbox: NewOutbox | None = None,
    ) -> None:
        self.simulation = simulation
        self.name = name
        self.weight = weight
        self.clock = SimulatedClock(simulation.time, offset_ms, self._wait)
        self.wakes_ns = 0
        self.dead = False
        self.overslept = False  # the request that it is about to send never arrives
        self.task: Task[object] | None = None
        self.planned: deque[tuple[str, Fault]] = deque()
        self.cut_off = 0  # so many of its next requests never arrive
        self._cache_dir = cache_dir
        self._new_outbox = new_outbox
        self._retry = retry or RetryPolicy(attempts=1)
        self._inbox: deque[Task[object]] = deque()
        self._stores: dict[str, Store] = {}
        self._dice = random.Random(f"{simulation.seed} {name}").randbytes
        self._fiber = Fiber(self._live, name)

    @property
    def busy(self) -> bool:
        """It has something to do."""
        return not self.dead and (self.task is not None or bool(self._inbox))

    def begin(self, do: Callable[[Client], T], name: str = "task") -> Task[T]:
        """Do this next; it begins when the client has its turn."""
        task = Task(self, do, name)
        self._inbox.append(task)  # type: ignore[arg-type]  # nobody reads its result but the caller
        return task

    def plan(self, fault: Fault, method: str) -> None:
        """Let the next request of a method meet a fault; several wait for each other."""
        self.planned.append((method, fault))

    def crash(self) -> None:
        """Die before the request that waits for its turn. What had not begun never happens."""
        self.dead = True
        self._inbox.clear()
        self._fiber.resume()

    def resume(self) -> None:
        """Go on to the next request, and past it to where the one after would be sent."""
        self._fiber.resume()

    # --- within its tasks ---

    def backend(self, bucket: Bucket) -> SimulatedBackend:
        """Its way to a bucket."""
        return SimulatedBackend(self, bucket, self._retry)

    def store(self, bucket: Bucket) -> Store:
        """Its store in a bucket; opened, and if need be made, when first asked for."""
        found = self._stores.get(bucket.url)
        if found is None:
            found = Store(
                bucket.url,
                backend=self.backend(bucket),
                author=self.name,
                cache_dir=self._cache_dir,
            )
            # Without one what cannot be sent is an error, whose outcome is judged at once.
            found.outbox = None if self._new_outbox is None else self._new_outbox(self, found)
            found.parts.session.data_pack_bytes = DATA_PACK_BYTES
            self._stores[bucket.url] = found
        return found

    def close(self) -> None:
        """Close all stores; the next task opens them anew."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    def send(self, request: Request[T]) -> T:
        """Let others go first, then send a request."""
        self._pause()
        return self.simulation.carry_out(request)

    def _live(self) -> None:
        try:
            with clock.kept_by(self.clock), ids.drawn_from(self._dice):
                while True:
                    while not self._inbox:
                        self._pause()
                    self._work(self._inbox.popleft())
        except SimulatedCrash:
            self.close()

    def _work(self, task: Task[object]) -> None:
        self.task = task
        try:
            task.run()
        finally:
            self.task = None
            self.simulation.ended(task)

    def _pause(self) -> None:
        if not self.dead:
            self._fiber.pause()
        if self.dead:  # clean-up code of the dead sends nothing
            raise SimulatedCrash

    def _wait(self, ms: int) -> None:
        self.wakes_ns = self.simulation.time.ns + ms * 1_000_000
        self._pause()

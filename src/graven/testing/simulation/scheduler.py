"""The seeded scheduler: whose turn it is, what goes wrong, and what time it is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from graven import clock
from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.retrying import RetryPolicy
from graven.errors import NotFound
from graven.testing.faulty import WRITES, SimulatedCrash
from graven.testing.invariants import NO_DISK
from graven.testing.simulation.bucket import Bucket, Request, Write
from graven.testing.simulation.clients import Client, NewOutbox, Task
from graven.testing.simulation.clocks import SimulatedClock, SimulatedTime
from graven.testing.simulation.faults import CALM, Fault, Faults, can_happen

T = TypeVar("T")

MAX_LATENCY_MS = 40
STRAGGLES_STEPS = 30
FLIGHT_MS = 10 * 3_600_000
"""No request takes so long: with half a grace period (12 hours) it is less than a whole one."""


class Step(NamedTuple):
    """One request of the trace."""

    number: int
    client: str
    method: str
    key: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.number:6} {self.client:8} {self.method:18} {self.key} {self.fault}".rstrip()


class Simulation:
    """Clients and buckets in one process, and everything that happens between them.

    The same seed and the same calls give the same trace, on any machine.

    Attributes:
        trace: every request so far.
        watchers: called with each task that has ended, in whatever way.
    """

    def __init__(self, seed: int | str, faults: Faults = CALM) -> None:
        self.seed = seed
        self.faults = faults
        self.dice = random.Random(f"{seed} scheduler")
        self.time = SimulatedTime()
        self.trace: list[Step] = []
        self.watchers: list[Callable[[Task[Any]], None]] = []
        self.clients: list[Client] = []
        self.buckets: list[Bucket] = []
        self._true_clock = SimulatedClock(self.time)
        self._stragglers: list[tuple[int, Request[Any], Task[Any] | None]] = []
        self._closed = False

    @property
    def step(self) -> int:
        """How many requests there have been."""
        return len(self.trace)

    def true_ms(self) -> int:
        """The time by the clock that all buckets have."""
        with clock.kept_by(self._true_clock):
            return clock.wall_ms()

    def bucket(self, name: str = "bucket", *, lateness: int = 0, tells_time: bool = True) -> Bucket:
        """A new, empty bucket; see `Bucket`."""
        dice = random.Random(f"{self.seed} {name}")
        bucket = Bucket(name, dice, lateness=lateness, tells_time=tells_time)
        self.buckets.append(bucket)
        return bucket

    def client(
        self,
        name: str,
        *,
        offset_ms: int = 0,
        weight: float = 1.0,
        retry: RetryPolicy | None = None,
        cache_dir: str = NO_DISK,
        new_outbox: NewOutbox | None = None,
    ) -> Client:
        """A new client; see `Client`."""
        client = Client(
            self,
            name,
            offset_ms=offset_ms,
            weight=weight,
            retry=retry,
            cache_dir=cache_dir,
            new_outbox=new_outbox,
        )
        self.clients.append(client)
        return client

    # --- time goes on ---

    def run(self, steps: int | None = None) -> None:
        """So many turns, or as many as there is anything to do."""
        while steps is None or steps > 0:
            if not self._turn():
                return
            if steps is not None:
                steps -= 1

    def jump(self, ms: int) -> None:
        """Let time go by at once, as if all processes were suspended.

        Requests that are on their way arrive before. After many hours none does that was
        about to be sent: its connection is gone.
        """
        self._land_stragglers(everything=True)
        self.time.pass_by(ms)
        if ms >= FLIGHT_MS:
            for client in self.clients:
                client.overslept = client.task is not None

    def settle(self) -> None:
        """Finish everything: no more faults, no listing is late, stragglers arrive."""
        self.faults = CALM
        for bucket in self.buckets:
            bucket.lateness = 0
        for client in self.clients:
            client.planned.clear()
            client.cut_off = 0
        self.run()
        self._land_stragglers(everything=True)

    def close(self) -> None:
        """End all clients where they stand. A second time is fine."""
        self._closed = True
        for client in self.clients:
            if not client.dead:
                client.crash()

    def _turn(self) -> bool:
        self._land_stragglers()
        client = self._next()
        if client is None:
            return False
        client.resume()
        return True

    def _next(self) -> Client | None:
        busy = [client for client in self.clients if client.busy]
        if not busy:
            return None
        awake = [client for client in busy if client.wakes_ns <= self.time.ns]
        if not awake:
            first = min(busy, key=lambda client: client.wakes_ns)
            self.time.pass_until(first.wakes_ns)
            awake = [first]
        return self.dice.choices(awake, [client.weight for client in awake])[0]

    # --- called by clients ---

    def ended(self, task: Task[Any]) -> None:
        """Hear of a task that has ended."""
        if not self._closed:
            for watch in self.watchers:
                watch(task)

    def carry_out(self, request: Request[T]) -> T:
        """Do what a request asks for, or what its fault makes of it."""
        client = request.client
        fault = self._fault(request)
        self._record(client.name, request.method, request.key, fault)
        match fault:
            case Fault.BUSY:
                raise Transient("503 slow down")
            case Fault.CONFLICT:
                raise Transient("409 conflicting request")
            case Fault.STALE:
                raise ConditionFailed("412 precondition failed")
            case Fault.TIMEOUT:
                raise Transient("no answer", unknown=True)
            case Fault.STRAGGLER:
                due = self.step + self.dice.randint(1, STRAGGLES_STEPS)
                self._stragglers.append((due, request, client.task))
                raise Transient("no answer", unknown=True)
            case Fault.LOST:
                self._try(request, client.task)
                raise Transient("no answer", unknown=True)
            case Fault.CRASH_BEFORE | Fault.CRASH_AFTER:
                if fault is Fault.CRASH_AFTER:
                    self._try(request, client.task)
                client.dead = True
                raise SimulatedCrash
        return self._act(request, client.task)

    def _fault(self, request: Request[Any]) -> Fault:
        if request.client.overslept:
            request.client.overslept = False
            return Fault.TIMEOUT
        if request.client.cut_off:
            request.client.cut_off -= 1
            return Fault.TIMEOUT
        planned = request.client.planned
        if planned and planned[0][0] == request.method:
            fault = planned.popleft()[1]
            return fault if can_happen(fault, request.method) else Fault.NONE
        return self.faults.draw(self.dice, request.method)

    def _record(self, name: str, method: str, key: str, fault: Fault) -> None:
        self.trace.append(Step(self.step, name, method, key, fault))
        self.time.pass_by(self.dice.randint(1, MAX_LATENCY_MS))

    def _act(self, request: Request[T], task: Task[Any] | None) -> T:
        with clock.kept_by(self._true_clock):  # a storage stamps what it stores by its own clock
            result = request.act()
        if request.method in WRITES:
            write = Write(self.step, task, request.key, request.data)
            if task is not None:
                task.wrote.append(write)
            request.bucket.note(write)
        return result

    def _try(self, request: Request[Any], task: Task[Any] | None) -> None:
        """Do it, and tell nobody what came of it."""
        try:
            self._act(request, task)
        except (ConditionFailed, KeyMissing, NotFound):
            return

    def _land_stragglers(self, *, everything: bool = False) -> None:
        waiting = self._stragglers
        self._stragglers = []
        for due, request, task in waiting:
            if everything or due <= self.step:
                self._record(request.client.name, f"late {request.method}", request.key, Fault.NONE)
                self._try(request, task)
            else:
                self._stragglers.append((due, request, task))

"""The time of a simulation, and the clocks that show it more or less well."""

from __future__ import annotations

from collections.abc import Callable

START_NS = 1_767_322_800 * 10**9  # 2026-01-02, 03:00 UTC


class SimulatedTime:
    """Moves by what requests and waits take, never by itself."""

    def __init__(self) -> None:
        self.ns = START_NS

    def pass_by(self, ms: int) -> None:
        """Go on by so many milliseconds."""
        self.ns += ms * 1_000_000

    def pass_until(self, ns: int) -> None:
        """Go on to a moment; one in the past changes nothing."""
        self.ns = max(self.ns, ns)


class SimulatedClock:
    """A clock that is off by a fixed span: a `graven.clock.Timekeeper`.

    Args:
        time: the true time.
        offset_ms: how far ahead of it the wall clock is; durations are right all the same.
        wait: lets others run until so many nanoseconds have gone by.
    """

    def __init__(
        self, time: SimulatedTime, offset_ms: int = 0, wait: Callable[[int], None] | None = None
    ) -> None:
        self._time = time
        self.offset_ms = offset_ms
        self._wait = wait or time.pass_by

    def time_ns(self) -> int:
        """See `Timekeeper.time_ns`."""
        return self._time.ns + self.offset_ms * 1_000_000

    def monotonic(self) -> float:
        """See `Timekeeper.monotonic`."""
        return self._time.ns / 1e9

    def sleep(self, seconds: float) -> None:
        """See `Timekeeper.sleep`."""
        self._wait(round(seconds * 1000))

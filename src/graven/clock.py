"""The only place that reads time: wall clock, hybrid logical clock, ISO text.

A *stamp* orders writes. It is 64 bits: milliseconds since 1970 in the upper 48,
a counter in the lower 16 (docs/format.md, "Stamps"). A writer's stamps always
rise, and always lie above every stamp it has seen.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import NewType, Protocol

from graven.errors import BackendUnavailable, InvalidInput

Stamp = NewType("Stamp", int)

COUNTER_BITS = 16
STAMP_HEX = 16
MAX_STAMP_MS = (1 << 48) - 1
MIN_MICROS = -62_135_596_800_000_000  # the year 1, UTC ...
MAX_MICROS = 253_402_300_799_999_999  # ... to the last microsecond of 9999
MAX_AHEAD_MS = 3_600_000  # 1 h: a clock this far off would win every merge, so it is refused


class Timekeeper(Protocol):
    """What time is read from. The module `time` is one; a simulated client has its own."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that only goes forward."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


# Of a context, not of the process: simulated clients in one process disagree on the time.
_keeper: ContextVar[Timekeeper] = ContextVar("graven.clock", default=time)


@contextmanager
def kept_by(keeper: Timekeeper) -> Iterator[None]:
    """Within: all of graven in this thread reads its time from ``keeper``, and waits by it."""
    token = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(token)


def wall_ms() -> int:
    """Milliseconds since 1970, UTC, by the system's clock."""
    return _keeper.get().time_ns() // 1_000_000


def wall_seconds() -> float:
    """Seconds since 1970, UTC, by the system's clock."""
    return _keeper.get().time_ns() / 1e9


def monotonic() -> float:
    """Seconds on a clock that only goes forward, for durations and deadlines."""
    return _keeper.get().monotonic()


def uptime() -> float:
    """As `monotonic`, on a clock that also runs while the machine is suspended."""
    keeper = _keeper.get()
    if keeper is time and hasattr(time, "CLOCK_BOOTTIME"):  # Linux; elsewhere the other will do
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return keeper.monotonic()


def sleep(seconds: float) -> None:
    """Wait; here so that tests can see who waits."""
    _keeper.get().sleep(seconds)


class HybridClock:
    """Hands out rising stamps. Safe to share between threads.

    Args:
        physical_ms: the wall clock, in milliseconds (tests pass their own).
        floor: the highest stamp seen so far; the first stamp lies above it.
    """

    def __init__(self, physical_ms: Callable[[], int] = wall_ms, floor: int = 0) -> None:
        self._physical_ms = physical_ms
        self._last = floor
        self._lock = threading.Lock()

    def tick(self) -> Stamp:
        """Return a stamp above all that were handed out or observed.

        Raises:
            BackendUnavailable: what was observed lies over an hour ahead of this
                machine's clock; a write now would bury every honest one.
        """
        return Stamp(self.ticks(1)[0])

    def ticks(self, count: int) -> range:
        """``count`` stamps of one moment, each above the one before; raises as `tick` does."""
        with self._lock:
            now = self._physical_ms()
            first = max(now << COUNTER_BITS, self._last + 1)
            last = first + count - 1
            if (last >> COUNTER_BITS) - now > MAX_AHEAD_MS:
                raise BackendUnavailable(
                    f"this machine's clock is {_span((last >> COUNTER_BITS) - now)} behind"
                    " the newest write in the store",
                    kind="clock-skew",
                    hint="set the clock (or wait, if another writer's clock was ahead)",
                )
            self._last = max(self._last, last)
            return range(first, last + 1)

    def observe(self, stamp: int) -> None:
        """Never hand out a stamp at or below ``stamp`` again."""
        with self._lock:
            self._last = max(self._last, stamp)


def _span(ms: int) -> str:
    hours = ms / 3_600_000
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"


def format_stamp(stamp: int) -> str:
    """16 lower-case hex digits, so that names sort as stamps do."""
    return f"{stamp:016x}"


def stamp_to_datetime(stamp: int) -> datetime:
    """The wall-clock part of a stamp, aware, in UTC."""
    return micros_to_datetime((stamp >> COUNTER_BITS) * 1000)


def now() -> datetime:
    """The current time, aware, in UTC, to the microsecond."""
    return micros_to_datetime(_keeper.get().time_ns() // 1000)


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware datetime (exact, no float between)."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def micros_to_datetime(value: int) -> datetime:
    """The inverse of `micros`, in UTC."""
    from datetime import timedelta

    return _EPOCH + timedelta(microseconds=value)


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is local time, as calibrax takes it.

    Raises:
        InvalidInput: not such a time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"not an ISO 8601 time: {text[:60]!r}",
            kind="bad-time",
            hint="write it like 2026-11-21T09:30:00+00:00",
        ) from None
    return make_aware(moment)


def make_aware(moment: datetime) -> datetime:
    """A naive datetime read as local time; an aware one as it is."""
    try:
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (OverflowError, OSError, ValueError):
        raise InvalidInput(f"time out of range: {moment}", kind="bad-time") from None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

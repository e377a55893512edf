"""Times as they stand in a query: ISO text, a day, or an age."""

from __future__ import annotations

from datetime import datetime

from graven import clock
from graven.errors import InvalidInput

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MAX_DIGITS = 7
HINT = "write a time like 2026-11-21, 2026-11-21T09:30 or an age like 36h, 7d, 2w"


def read_moment(text: str, now: datetime) -> int:
    """Microseconds since 1970 UTC; a day is its first moment, where we are.

    Raises:
        InvalidInput: no time.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _SECONDS and number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
        return max(clock.MIN_MICROS, clock.micros(now) - int(number) * _SECONDS[unit] * 1_000_000)
    try:
        return clock.micros(clock.make_aware(clock.parse_time(text)))
    except OverflowError:
        raise InvalidInput(f"time {text[:40]!r} is out of range", kind="bad-time") from None

"""graven's units as asv knows them: seconds, bytes, or anything else as it is."""

from __future__ import annotations

from dataclasses import dataclass

_UNKNOWN = "unit"  # asv's own word for a tracked value without a unit


@dataclass(frozen=True, slots=True)
class AsvUnit:
    """How values of one unit are written.

    Attributes:
        type: asv's benchmark type, ``time``, ``memory`` or ``track``.
        unit: asv's unit.
        times, over: an asv value is ``value * times / over``. Two whole numbers, since
            dividing by 1e9 rounds once and multiplying by 1e-9 rounds twice.
    """

    type: str
    unit: str
    times: float = 1.0
    over: float = 1.0

    def convert(self, value: float) -> float:
        """A value of this unit in asv's unit."""
        if self.times == 1.0 and self.over == 1.0:
            return value
        return value * self.times / self.over


def _time(times: float = 1.0, over: float = 1.0) -> AsvUnit:
    return AsvUnit("time", "seconds", times, over)


def _memory(times: float = 1.0) -> AsvUnit:
    return AsvUnit("memory", "bytes", times)


_KNOWN = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), _time()),
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), _time(over=1e3)),
    # Both code points of the letter mu are in use.
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), _time(over=1e6)),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), _time(over=1e9)),
    **dict.fromkeys(("ps", "picosecond", "picoseconds"), _time(over=1e12)),
    **dict.fromkeys(("min", "minute", "minutes"), _time(60.0)),
    **dict.fromkeys(("h", "hour", "hours"), _time(3600.0)),
    **dict.fromkeys(("B", "byte", "bytes"), _memory()),
    **dict.fromkeys(("kB", "KB"), _memory(1e3)),
    "MB": _memory(1e6),
    "GB": _memory(1e9),
    "TB": _memory(1e12),
    "KiB": _memory(2.0**10),
    "MiB": _memory(2.0**20),
    "GiB": _memory(2.0**30),
    "TiB": _memory(2.0**40),
}


def asv_unit(unit: str | None) -> AsvUnit:
    """The asv form of a unit; a cost per operation ("ns/op") counts as time or memory.

    A unit that is not known keeps its text, with type ``track``.
    """
    if not unit:
        return AsvUnit("track", _UNKNOWN)
    known = _KNOWN.get(unit) or _KNOWN.get(unit.removesuffix("/op"))
    return known or AsvUnit("track", unit)

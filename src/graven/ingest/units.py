"""Units as tools write them, and the base units that graven stores."""

from __future__ import annotations

from dataclasses import dataclass

from graven.model import MetricDef, MetricDirection


@dataclass(frozen=True, slots=True)
class Scale:
    """How to get from a unit to its base unit.

    Attributes:
        unit: the base unit.
        divisor: powers of ten below one are divided by, since 1e9 is a float64 and
            1e-9 is not: ``v / 1e9`` is rounded once, ``v * 1e-9`` twice.
        factor: for units above the base unit.
    """

    unit: str
    divisor: float = 1.0
    factor: float = 1.0

    def apply(self, value: float) -> float:
        """``value`` in the base unit."""
        return value / self.divisor if self.divisor != 1.0 else value * self.factor

    def apply_all(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """All of ``values`` in the base unit."""
        if self.divisor == self.factor:
            return values
        return tuple(self.apply(value) for value in values)


_SCALES = {
    "ns": Scale("s", divisor=1e9),
    "nanoseconds": Scale("s", divisor=1e9),
    "us": Scale("s", divisor=1e6),
    "µs": Scale("s", divisor=1e6),
    "μs": Scale("s", divisor=1e6),
    "microseconds": Scale("s", divisor=1e6),
    "ms": Scale("s", divisor=1e3),
    "milliseconds": Scale("s", divisor=1e3),
    "s": Scale("s"),
    "sec": Scale("s"),
    "second": Scale("s"),
    "seconds": Scale("s"),
    "min": Scale("s", factor=60.0),
    "minutes": Scale("s", factor=60.0),
    "h": Scale("s", factor=3600.0),
    "B": Scale("B"),
    "byte": Scale("B"),
    "bytes": Scale("B"),
    "kB": Scale("B", factor=1e3),
    "MB": Scale("B", factor=1e6),
    "GB": Scale("B", factor=1e9),
    "KiB": Scale("B", factor=2.0**10),
    "MiB": Scale("B", factor=2.0**20),
    "GiB": Scale("B", factor=2.0**30),
    "bytes/s": Scale("B/s"),
    "MB/s": Scale("B/s", factor=1e6),
    "integer": Scale("1"),
}


def scale_of(unit: str) -> Scale:
    """The scale of a unit; one that is not known is its own base unit."""
    return _SCALES.get(unit) or Scale(unit)


def spelled_otherwise(unit: str) -> str | None:
    """``unit`` where storing it changed its name or size, else None (for ``unit_given``)."""
    return unit if scale_of(unit).unit != unit else None


def direction_of(unit: str) -> MetricDirection | None:
    """What a base unit says about the better way: times and sizes lower, rates higher."""
    if unit in ("s", "B"):
        return MetricDirection.LOWER
    if unit.endswith("/s"):
        return MetricDirection.HIGHER
    return None


def define(
    name: str,
    unit: str,
    *,
    unit_given: str | None = None,
    tool: MetricDirection | None = None,
    guess: MetricDirection = MetricDirection.LOWER,
    description: str = "",
) -> MetricDef:
    """A metric's definition whose direction says where it is from.

    Args:
        unit: the base unit.
        tool: the direction, where the tool that made the file gives the metric one.
        guess: the direction where neither the tool nor the unit says it.
    """
    by_unit = direction_of(unit)
    source = "tool" if tool else "unit" if by_unit else "unknown"
    return MetricDef(
        name=name,
        unit=unit,
        direction=tool or by_unit or guess,
        direction_source=source,
        unit_given=unit_given,
        description=description,
    )

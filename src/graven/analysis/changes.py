"""When a difference of two numbers is more than what is allowed."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Two float64 computations of the same 5 % may differ in the last digits; that is no regression.
RELATIVE_NOISE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The minimum effect: relative, and absolute where the old number is zero.

    Attributes:
        relative: 0.05 for 5 % of the old number's size.
        floor: in the unit of the metric.
    """

    relative: float
    floor: float

    def exceeded(self, old: float, new: float) -> bool:
        """Whether ``new`` is strictly further from ``old`` than allowed; False for NaN."""
        if old == new:
            return False
        change = relative_change(old, new)
        if change is not None:
            return exceeds(abs(change), self.relative)
        if math.isinf(old):
            return True
        return exceeds(abs(new), self.floor)

    def why(self, old: float) -> str | None:
        """What decides where no ratio does."""
        if math.isinf(old):
            return "the baseline is infinite, so there is no ratio"
        if old == 0:
            return f"the baseline is zero, so there is no ratio; the floor is {self.floor:g}"
        return None


def relative_change(old: float, new: float) -> float | None:
    """(new - old) / abs(old), 0.05 for 5 % more; None where no ratio exists."""
    if old == new:
        return 0.0
    if old == 0 or math.isinf(old):
        return None
    try:
        return (new - old) / abs(old)
    except OverflowError:
        return math.copysign(math.inf, new - old)


def exceeds(size: float, limit: float) -> bool:
    """Strictly more, rounding aside."""
    return size > limit and not math.isclose(size, limit, rel_tol=RELATIVE_NOISE)

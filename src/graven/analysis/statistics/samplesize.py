"""How many samples a rank test needs."""

from __future__ import annotations

import math
from statistics import NormalDist

POWER = 0.8
MOST = 10_000  # what needs more than this will not be measured


def least_samples(level: float) -> int:
    """The smallest number a side with which any answer can be below ``level``.

    With n values a side and no ties the smallest two-sided p is 2 / C(2n, n).
    """
    count = 1
    while count < MOST and 2 / math.comb(2 * count, count) >= level:
        count += 1
    return count


def samples_needed(superiority: float, level: float, power: float = POWER) -> int | None:
    """How many a side are needed to see a difference of this size, most of the time.

    Noether's formula for equal sides: n = (z(1 - level / 2) + z(power))^2 / (6 (s - 1/2)^2).

    Args:
        superiority: chance that a value of one side is larger than one of the other.
        level: p below which it counts.
        power: in what share of the cases it shall be seen.

    Returns:
        None where more than `MOST` would be needed, or the sides do not differ at all.
    """
    distance = abs(superiority - 0.5)
    if not distance > 0 or not 0 < level < 1:
        return None
    normal = NormalDist()
    z = normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power)
    count = math.ceil(z * z / (6 * distance * distance))
    return None if count > MOST else max(count, least_samples(level))

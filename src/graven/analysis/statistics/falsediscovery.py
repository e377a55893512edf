"""Many tests at once: which answers hold if a few of all may be wrong."""

from __future__ import annotations

from collections.abc import Sequence


def benjamini_hochberg(chances: Sequence[float]) -> list[float]:
    """Adjusted p values: of those below q, about a share q at most is by chance.

    Args:
        chances: p values, in any order; NaN is taken as 1 (a test that found nothing).

    Returns:
        In the order of ``chances``, each the smallest q at which it counts.
    """
    clean = [p if 0 <= p <= 1 else 1.0 for p in chances]
    count = len(clean)
    adjusted = [1.0] * count
    least = 1.0
    order = sorted(range(count), key=clean.__getitem__)
    for rank in range(count, 0, -1):
        index = order[rank - 1]
        least = min(least, clean[index] * count / rank)
        adjusted[index] = least
    return adjusted

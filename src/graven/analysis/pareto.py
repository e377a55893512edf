"""The Pareto front: runs that no other run beats in one metric without losing in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def pareto_front(values: Floats, higher: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Rows of the front, and rows left out since a value of theirs is no number; ascending.

    Rows that are equal in every metric are on the front together. Infinities count as what
    they are.

    Args:
        values: shape (runs, metrics).
        higher: for each metric whether more is better.
    """
    import numpy as np

    numbers = ~np.isnan(values).any(axis=1)
    left_out = np.flatnonzero(~numbers).tolist()
    rows = np.flatnonzero(numbers)
    if not len(rows) or not values.shape[1]:
        return rows.tolist(), left_out
    # Places among all values of the metric, best highest: exact, and nothing overflows.
    places = np.empty((values.shape[1], len(rows)), np.int32)
    for column, up in enumerate(higher):
        own = np.unique(values[rows, column], return_inverse=True)[1]
        places[column] = own if up else -own
    # Who beats another has the larger sum, so each row is met before those that it beats.
    order = np.argsort(-places.sum(axis=0, dtype=np.int64), kind="stable")
    rows, places = rows[order], np.ascontiguousarray(places[:, order])
    at = 0
    while at < len(rows):
        best = places[:, at : at + 1]
        stays = (places > best).any(axis=0) | (places == best).all(axis=0)
        at += 1  # whoever was met before is not beaten, and stays
        if not stays.all():
            rows, places = rows[stays], np.ascontiguousarray(places[:, stays])
    return sorted(rows.tolist()), left_out

"""Which groups of runs stay, which go, and which runs need new ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from graven.frames.ledger import Group

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graven.store.bulk import BulkRuns

    Places = NDArray[np.intp]

GROUP_RUNS = 20_000
GROUP_VALUES = 1_000_000
MERGE_AT = 8  # small groups of one month, which the next new runs are put together with
_SMALL = 8  # of so many a full group could be made


class Plan(NamedTuple):
    """What has to be done.

    Attributes:
        kept: groups that stay, each with the places of its runs in ``bulk.keys``.
        gone: ids of groups that go.
        new: groups to be written, so too.
    """

    kept: list[tuple[Group, Places]]
    gone: list[str]
    new: list[tuple[Group, Places]]


def plan_groups(groups: Iterable[Group], bulk: BulkRuns, *, monthly: bool) -> Plan:
    """Compare what is written with the runs that there are.

    Args:
        groups: what is written.
        bulk: the runs.
        monthly: whether a group is of one month (UTC).
    """
    order = np.argsort(bulk.keys, kind="stable")
    ordered = bulk.keys[order]
    free = np.ones(len(bulk), np.bool_)
    kept: list[tuple[Group, Places]] = []
    gone: list[str] = []
    for group in groups:
        places = _places(group, ordered, order)
        if places is None or not group.whole or not free[places].all():
            gone.append(group.id)
            continue
        free[places] = False
        kept.append((group, places))
    months = _months(bulk) if monthly else np.full(len(bulk), "", "U7")
    new: list[tuple[Group, Places]] = []
    waiting = np.flatnonzero(free)
    for month in np.unique(months[waiting]).tolist():
        own = waiting[months[waiting] == month]
        small = [(g, p) for g, p in kept if g.month == month and _is_small(p, bulk)]
        if len(small) >= MERGE_AT:
            merged = {group.id for group, _ in small}
            kept = [(group, places) for group, places in kept if group.id not in merged]
            gone += merged
            own = np.sort(np.concatenate([own, *(places for _, places in small)]))
        new += [(Group.of(month, bulk.keys[part]), part) for part in _cut(own, bulk)]
    return Plan(kept, gone, new)


def _places(group: Group, ordered: NDArray[np.bytes_], order: Places) -> Places | None:
    if len(ordered) == 0:
        return None
    found = np.minimum(np.searchsorted(ordered, group.keys), len(ordered) - 1)
    return order[found] if bool((ordered[found] == group.keys).all()) else None


def _months(bulk: BulkRuns) -> NDArray[np.str_]:
    return bulk.times.astype("datetime64[us]").astype("datetime64[M]").astype(str).astype("U7")


def _is_small(places: Places, bulk: BulkRuns) -> bool:
    values = int(bulk.widths[places].sum())
    return len(places) * _SMALL <= GROUP_RUNS and values * _SMALL <= GROUP_VALUES


def _cut(places: Places, bulk: BulkRuns) -> Iterator[Places]:
    ends = np.cumsum(bulk.widths[places])
    start = 0
    while start < len(places):
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + GROUP_VALUES, side="right"))
        stop = max(start + 1, min(fitting, start + GROUP_RUNS))
        yield places[start:stop]
        start = stop

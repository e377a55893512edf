"""Throw runs away by age, number, rank and labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from graven.errors import InvalidInput
from graven.ids import normal
from graven.model import MetricDirection
from graven.store import Store
from graven.sync.transfer import Progress
from graven.upkeep import prune as upkeep
from graven.upkeep.prune import PrunePlan, PruneReport
from graven.upkeep.selection import Criteria


def plan_prune(
    store: Store,
    *,
    older_than: datetime | None = None,
    keep_last: int | None = None,
    rank: str | None = None,
    keep_top: int | None = None,
    ascending: bool | None = None,
    tags: Mapping[str, str] | None = None,
    branch: str | None = None,
    experiment: str | None = None,
    status: str | None = None,
    where: str | None = None,
    keep_baselines: bool = True,
) -> PrunePlan:
    """Which runs would go; see `graven.upkeep.selection.Criteria`. Changes nothing.

    ``ascending`` is the metric's own direction where it is None.

    Raises:
        InvalidInput: nothing is asked for, a name that no run has, or a metric whose direction
            nobody said, or runs disagree on.
        Conflict: a baseline or tag cannot be read.
    """
    ways = _stated(store, rank) if rank is not None and ascending is None else ()
    criteria = Criteria(
        older_than=older_than,
        keep_last=keep_last,
        rank=rank,
        keep_top=keep_top,
        ascending=ascending or ways == (MetricDirection.LOWER,),
        tags=tags or {},
        branch=branch,
        experiment=experiment,
        status=status,
        where=where,
        keep_baselines=keep_baselines,
    )
    plan = upkeep.plan_prune(store, criteria)  # a name that no run has is told first
    if rank is not None and ascending is None and len(ways) != 1:
        said = "runs disagree on" if ways else "nobody said"
        raise InvalidInput(
            f"{said} which way of {rank!r} is better",
            kind="no-direction",
            hint="--asc keeps the smallest, --desc the largest",
            field="rank",
        )
    return plan


def _stated(store: Store, metric: str) -> tuple[str, ...]:
    """The directions that somebody stated: what is deleted cannot rest on a guess."""
    override = store.metric_defs.get(metric)
    if override is not None:
        found: tuple[str, ...] = (str(override.direction),)
    else:
        meaning = store.metric_meanings([metric]).get(normal(metric))
        found = () if meaning is None else meaning.directions
    return tuple(way for way in found if way != MetricDirection.INFO)


def prune(
    store: Store,
    plan: PrunePlan,
    *,
    archive: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> PruneReport:
    """Delete the runs of a plan, archived first if a file is named.

    Raises:
        Conflict: there is such an archive, and not ``force``. Corrupt: the archive failed.
            Nothing was deleted.
    """
    return upkeep.carry_out(store, plan, archive=archive, force=force, progress=progress)

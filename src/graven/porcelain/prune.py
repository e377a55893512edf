"""Throw runs away by age, number, rank and labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

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
    ascending: bool = False,
    tags: Mapping[str, str] | None = None,
    branch: str | None = None,
    experiment: str | None = None,
    status: str | None = None,
    where: str | None = None,
    keep_baselines: bool = True,
) -> PrunePlan:
    """Which runs would go; see `graven.upkeep.selection.Criteria`. Changes nothing.

    Raises:
        InvalidInput: nothing is asked for, or a name that no run has.
        Conflict: a baseline or tag cannot be read.
    """
    criteria = Criteria(
        older_than=older_than,
        keep_last=keep_last,
        rank=rank,
        keep_top=keep_top,
        ascending=ascending,
        tags=tags or {},
        branch=branch,
        experiment=experiment,
        status=status,
        where=where,
        keep_baselines=keep_baselines,
    )
    return upkeep.plan_prune(store, criteria)


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

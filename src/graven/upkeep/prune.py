"""Throwing runs away: a plan first, then one transaction of tombstones.

What was planned is looked at again when it is carried out: a run that was changed since, or
that a baseline stands for by now, is spared.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from graven import clock
from graven.catalog.candidates import stamps_of
from graven.catalog.database import Catalog
from graven.errors import Conflict, Corrupt
from graven.formats import layout
from graven.store import Store
from graven.store.index import Index
from graven.store.session import Intent
from graven.sync.bundle import BundleReport, create_bundle, verify_bundle
from graven.sync.difference import ExactRuns
from graven.sync.transfer import Progress
from graven.upkeep.selection import Criteria, check_criteria, check_names, choose
from graven.upkeep.weighing import weigh

MAX_TOMBSTONES = 100_000
"""In one transaction: a larger pruning is several, each of which is whole."""
_PAGE = 1000


class Spared(NamedTuple):
    """A run that was chosen and stays, and why."""

    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What a pruning would do.

    Attributes:
        criteria: what was asked for.
        run_ids: the runs that are to go, newest first; ``stamps`` are those of their writes.
        first, last: times of the oldest and the newest of them.
        spared: runs that the rules chose and something keeps.
        garbage_bytes: what gc can take afterwards, at most.
    """

    criteria: Criteria
    run_ids: tuple[str, ...]
    stamps: array[int]
    first: datetime | None
    last: datetime | None
    spared: tuple[Spared, ...]
    garbage_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "runs": list(self.run_ids),
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "garbage_bytes": self.garbage_bytes,
            "spared": [{"run": s.run_id, "why": s.why} for s in self.spared],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What was done: the runs that went, those spared at the last moment, the archive."""

    run_ids: tuple[str, ...]
    spared: tuple[Spared, ...]
    archive: BundleReport | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "removed": list(self.run_ids),
            "spared": [{"run": s.run_id, "why": s.why} for s in self.spared],
            "archive": None if self.archive is None else self.archive.path,
        }


def plan_prune(store: Store, criteria: Criteria) -> PrunePlan:
    """Which runs would go. Changes nothing.

    Raises:
        InvalidInput: nothing is asked for, or a name that no run has; the hint names the
            nearest.
        Conflict: a baseline or tag cannot be read: it may stand for one of the runs.
    """
    check_criteria(criteria)
    index = store.parts.index
    pinned = guarded_runs(store) if criteria.keep_baselines else {}
    among = None
    if criteria.where is not None:
        among = {header.run_id: header.stamp for header in store.iter_select(criteria.where)}

    def question(catalog: Catalog) -> _Choice:
        # One state for ranks and choice: a run that comes between them would have no rank.
        with catalog.snapshot():
            check_names(index, criteria)
            return _choose(index, criteria, pinned, among)

    found = index.ask(question, measured=criteria.measured)
    return PrunePlan(
        criteria=criteria,
        run_ids=tuple(found.run_ids),
        stamps=found.stamps,
        first=clock.micros_to_datetime(found.oldest) if found.run_ids else None,
        last=clock.micros_to_datetime(found.newest) if found.run_ids else None,
        spared=tuple(found.spared),
        garbage_bytes=weigh(index, found.run_ids) if found.run_ids else 0,
    )


class _Choice(NamedTuple):
    """The runs that are to go, with the stamps of their writes, and the span of their times."""

    run_ids: list[str]
    stamps: array[int]
    oldest: int
    newest: int
    spared: list[Spared]


def _choose(
    index: Index,
    criteria: Criteria,
    pinned: dict[str, list[str]],
    among: dict[str, int] | None,
) -> _Choice:
    run_ids: list[str] = []
    stamps = array("q")
    spared: list[Spared] = []
    oldest = newest = 0
    for run, lacks in choose(index, criteria, among):
        if lacks is not None:
            spared.append(Spared(run.run_id, f"has no value of {lacks}"))
        elif run.run_id in pinned:
            spared.append(Spared(run.run_id, f"is {', '.join(pinned[run.run_id])}"))
        else:
            newest = newest if run_ids else run.ts
            oldest = run.ts  # they come newest first
            run_ids.append(run.run_id)
            stamps.append(run.stamp)
    return _Choice(run_ids, stamps, oldest, newest, spared)


def carry_out(
    store: Store,
    plan: PrunePlan,
    *,
    archive: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> PruneReport:
    """Delete the runs of a plan, all at once; an empty plan does nothing.

    Args:
        store: is written to.
        plan: of this store. Runs that were changed since are spared.
        archive: first write the runs there, and check every byte of it.
        force: replace an archive that is there.
        progress: told while the archive is written.

    Raises:
        Conflict: there is such an archive, and not ``force``; or a baseline or tag cannot
            be read. Corrupt: a run cannot be read into the archive, or the archive is
            damaged. Nothing was deleted.
    """
    if not plan.run_ids:
        return PruneReport(run_ids=(), spared=(), archive=None)
    store.parts.session.writer()  # a store that is read-only refuses before an archive is made
    planned = dict(zip(plan.run_ids, plan.stamps, strict=True))
    made = None
    if archive is not None:
        made = _archive(store, planned, archive, force=force, progress=progress)
    pinned = guarded_runs(store) if plan.criteria.keep_baselines else {}
    spared: list[Spared] = []
    going: list[str] = []
    for run_id, why in _look_again(store, plan, pinned):
        if why is None:
            going.append(run_id)
        else:
            spared.append(Spared(run_id, why))
    for start in range(0, len(going), MAX_TOMBSTONES):
        _delete(store, going[start : start + MAX_TOMBSTONES], max(plan.stamps))
    return PruneReport(run_ids=tuple(going), spared=tuple(spared), archive=made)


def guarded_runs(store: Store) -> dict[str, list[str]]:
    """Run id to the baselines and tags that stand for it, and the steps that begin there.

    Raises:
        Conflict: one of them cannot be read.
    """
    found: dict[str, list[str]] = {}
    for space, pointers in (("baselines", store.baselines), ("tags", store.tags)):
        for name, value in pointers.entries().items():
            if isinstance(value, Corrupt):
                raise Conflict(
                    f"{space}/{name} cannot be read, so it may stand for one of these runs",
                    kind="run-guarded",
                    hint="see 'graven fsck'; --no-keep-baselines prunes all the same",
                )
            if value.run is not None:
                found.setdefault(value.run, []).append(f"{space}/{name}")
    for step in store.step_annotations():
        # Without its run a gate would look behind the step again.
        said = found.setdefault(step.run_id, [])
        if (text := f"where a step was {step.state}") not in said:
            said.append(text)
    return found


def _look_again(
    store: Store, plan: PrunePlan, pinned: dict[str, list[str]]
) -> Iterator[tuple[str, str | None]]:
    """Each run of the plan, and what keeps it now (None: nothing)."""
    index = store.parts.index
    index.refresh()
    for start in range(0, len(plan.run_ids), _PAGE):
        page = plan.run_ids[start : start + _PAGE]
        now = index.look(partial(stamps_of, run_ids=page))
        for run_id, stamp in zip(page, plan.stamps[start : start + _PAGE], strict=True):
            stamp_now, target = now.get(run_id, (None, None))
            if target is None:
                yield run_id, "is deleted already"
            elif stamp_now != stamp:
                yield run_id, "was changed since the plan was made"
            elif run_id in pinned:
                yield run_id, f"is {', '.join(pinned[run_id])} by now"
            else:
                yield run_id, None


def _delete(store: Store, run_ids: Sequence[str], stamp: int) -> None:
    session = store.parts.session
    session.observe(stamp)
    session.commit([], [Intent(layout.run_ref(run_id), None) for run_id in run_ids])
    for start in range(0, len(run_ids), _PAGE):
        store.refresh_views(run_ids[start : start + _PAGE])


def _archive(
    store: Store,
    planned: dict[str, int],
    path: str | os.PathLike[str],
    *,
    force: bool,
    progress: Progress | None,
) -> BundleReport:
    def check(made: str) -> None:
        verified = verify_bundle(made)
        held = Store(f"zip://{made}", create=False, readonly=True)
        try:
            stamps = held.parts.index.ask(partial(stamps_of, run_ids=list(planned)))
        finally:
            held.close()
        whole = verified.sound and all(
            stamps.get(run_id, (None,))[0] == stamp for run_id, stamp in planned.items()
        )
        if not whole:
            raise Corrupt(
                f"the archive {os.fspath(path)} does not hold all of the runs, undamaged",
                kind="bad-archive",
                hint="nothing was deleted; 'graven fsck --full' names what cannot be read,"
                " and a run that was changed just now calls for a new plan",
                file=os.fspath(path),
            )

    selection = ExactRuns(frozenset(planned))
    return create_bundle(
        store, path, selection=selection, force=force, progress=progress, check=check
    )

"""Carrying out plans whose grace is over (docs/design/0012-garbage.md, "Sweep").

The question is asked anew of all plans together. What passes is deleted within half a grace
period of that look, or left for the next visit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graven import clock
from graven.backends.base import Backend
from graven.backends.parallel import run_all
from graven.formats import layout
from graven.upkeep.listing import ListedPlan, Listing, look_over
from graven.upkeep.marking import read_guarded
from graven.upkeep.plans import YOUNG_MS, mark_done
from graven.upkeep.without import needed_places


@dataclass(slots=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        deleted: keys of packs and loose objects that are gone now; ``bytes`` what they took.
        spared: keys of what was condemned and is needed.
        waiting: plans whose grace is not over.
        unfinished: plans that were not carried out to the end, for want of time.
        removed: plans and their done files that nobody needs any more.
        temporaries: remains of writes and probes that never ended.
    """

    deleted: list[str] = field(default_factory=list)
    bytes: int = 0
    spared: list[str] = field(default_factory=list)
    waiting: int = 0
    unfinished: int = 0
    removed: int = 0
    temporaries: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "deleted": self.deleted,
            "bytes": self.bytes,
            "spared": self.spared,
            "waiting": self.waiting,
            "unfinished": self.unfinished,
            "removed": self.removed,
            "temporaries": self.temporaries,
        }


def sweep(backend: Backend, grace_seconds: int) -> SweepReport:
    """Carry out the plans whose grace is over, and remove what such plans have left.

    Args:
        backend: the store's.
        grace_seconds: the store's own grace period.

    Raises:
        Corrupt, FormatTooNew: something cannot be read, so nothing more was deleted.
        BackendUnavailable: the place failed, or another collector is at work.
    """
    report = SweepReport()
    listing = look_over(backend)
    remove_old_plans(backend, listing, grace_seconds, report)
    ripe = ripe_plans(listing)
    report.waiting = sum(plan.done_ms is None for plan in listing.plans) - len(ripe)
    if ripe:
        guarded = read_guarded(backend)
        listing = look_over(backend)  # anew, since baselines come first
        ripe = ripe_plans(listing)
        packs, condemned = listing.packs.keys(), listing.condemned
        needed = needed_places(backend, packs, condemned, guarded, listing.given_up, read=True)
        for plan in ripe:
            deadline = listing.looked + patience(plan, grace_seconds)
            _carry_out(backend, listing, plan, needed, report, deadline=deadline)
    report.temporaries = _remove_remains(backend, listing.now_ms, grace_seconds)
    return report


def has_work(listing: Listing, grace_seconds: int) -> bool:
    """Whether a sweep would do anything with the plans that are listed."""
    old = any(
        plan.done_ms is not None
        and listing.now_ms - plan.done_ms > patience(plan, grace_seconds) * 1000
        for plan in listing.plans
    )
    return old or bool(listing.stray) or bool(ripe_plans(listing))


def ripe_plans(listing: Listing) -> list[ListedPlan]:
    """Those that were not carried out and whose grace is over by the storage's clock."""
    return [
        plan
        for plan in listing.plans
        if plan.done_ms is None
        and listing.now_ms - plan.modified_ms >= plan.content.grace_seconds * 1000
    ]


def patience(plan: ListedPlan, grace_seconds: int) -> float:
    """For so many seconds a look serves for deleting, and a plan stays after it is done.

    Of the store's grace, not of a repack's ten minutes: a writer whose catalog is older than
    the deletions must find the plan, or be too old to write.
    """
    return max(plan.content.grace_seconds, grace_seconds) / 2


def _carry_out(
    backend: Backend,
    listing: Listing,
    plan: ListedPlan,
    needed: Collection[str],
    report: SweepReport,
    *,
    deadline: float,
) -> None:
    packs = [name for name in plan.content.packs if name in listing.packs]
    keys = [layout.pack_key(name) for name in packs if name not in needed]
    keys += [key for key in plan.content.loose if key not in needed]
    report.spared += [layout.pack_key(name) for name in packs if name in needed]
    report.spared += [key for key in plan.content.loose if key in needed]
    sizes = {entry.key: entry.size for entry in listing.packs.values()}
    for part in _parts(keys, backend.concurrency):
        if clock.uptime() > deadline:
            report.unfinished += 1
            return
        run_all(backend, [partial(backend.delete, key) for key in part])
        report.deleted += part
        report.bytes += sum(sizes.get(key, 0) for key in part)
    if clock.uptime() > deadline:
        report.unfinished += 1
        return
    mark_done(backend, plan.nonce)


def _parts(keys: Sequence[str], size: int) -> list[list[str]]:
    return [list(keys[start : start + size]) for start in range(0, len(keys), size)]


def remove_old_plans(
    backend: Backend, listing: Listing, grace_seconds: int, report: SweepReport
) -> None:
    """Remove plans that were carried out long enough ago, and done files without a plan.

    The plan goes first: a done file alone says nothing, a plan alone would be carried out.
    """
    for plan in listing.plans:
        if plan.done_ms is None:
            continue
        if listing.now_ms - plan.done_ms > patience(plan, grace_seconds) * 1000:
            backend.delete(layout.PACKS + layout.plan_name(plan.nonce))
            backend.delete(layout.PACKS + layout.plan_name(plan.nonce, done=True))
            report.removed += 1
    for nonce in listing.stray:
        backend.delete(layout.PACKS + layout.plan_name(nonce, done=True))


def _remove_remains(backend: Backend, now_ms: int, grace_seconds: int) -> int:
    """Remains of writes and probes that never ended; how many there were."""
    found = backend.remove_temporaries(max(grace_seconds * 1000, YOUNG_MS))
    for entry in backend.list(layout.PROBE):
        old = now_ms - entry.modified_ms > max(grace_seconds * 1000, YOUNG_MS)
        if old and layout.classify(entry.key) is layout.FileKind.PROBE:
            backend.delete(entry.key)
            found += 1
    return found

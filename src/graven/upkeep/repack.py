"""Many small packs into few large ones: all updates and all objects, dead or alive.

Nothing loses its only home, so the grace is for readers that hold a listing. The small packs
are deleted by a later visit, after the same question as garbage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graven.backends.base import Backend
from graven.backends.parallel import run_all
from graven.errors import BackendUnavailable, Corrupt, FormatTooNew, InvalidInput, NotFound
from graven.formats import layout, pack
from graven.formats.compression import LEVEL
from graven.formats.plan import Plan
from graven.store import Store
from graven.upkeep.listing import Listing, check_clock, look_over
from graven.upkeep.packfile import WholePack, read_pack
from graven.upkeep.plans import condemn
from graven.upkeep.rewriting import Rewriter
from graven.upkeep.sweep import SweepReport, has_work, sweep

SMALL_BYTES = pack.DATA_PACK_BYTES // 2
"""Packs below are merged; those of a stream of large files are larger, and stay."""
GRACE_SECONDS = 600
LEVELS = range(1, 20)
_WINDOW_BYTES = 64 * 1024 * 1024  # of packs that are in memory at once


@dataclass(slots=True, kw_only=True)
class RepackReport:
    """What a repack did. Sizes in bytes.

    Attributes:
        swept: what earlier plans have led to now.
        merged: keys of the packs that were merged and are condemned; ``bytes`` is their size.
        packs, new_bytes: the packs that hold the same now.
        left: keys of packs that are let alone since they are damaged.
    """

    swept: SweepReport
    merged: list[str] = field(default_factory=list)
    bytes: int = 0
    packs: int = 0
    new_bytes: int = 0
    left: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "swept": self.swept.to_dict(),
            "merged": self.merged,
            "bytes": self.bytes,
            "packs": self.packs,
            "new_bytes": self.new_bytes,
            "left": self.left,
        }


def repack(store: Store, *, level: int | None = None, every: bool = False) -> RepackReport:
    """Merge the small packs of a store, whoever is at work on it meanwhile.

    Args:
        store: the store.
        level: of zstd, 1 to 19; the usual one if not given.
        every: take all packs, large ones too (a higher level wants that).

    Raises:
        InvalidInput: no such level. BackendUnavailable: the place failed, is read-only, or
            tells no time. Corrupt: a plan cannot be read.
    """
    if level is not None and level not in LEVELS:
        raise InvalidInput(f"no such level: {level}", kind="bad-level", hint="1 to 19")
    backend = store.parts.backend
    check_clock(backend)
    store.parts.session.check_writable()
    listing = look_over(backend, settled=False)
    waiting = sum(plan.done_ms is None for plan in listing.plans)
    report = RepackReport(swept=SweepReport(waiting=waiting))
    if has_work(listing, store.grace_seconds):
        report.swept = sweep(backend, store.grace_seconds)
        listing = look_over(backend, settled=False)
    names = small_packs(listing, every=every)
    if len(names) < (1 if every else 2):
        return report
    rewriter = Rewriter(store.parts.session, backend, level=LEVEL if level is None else level)
    taken = []
    for name, found in _read_all(backend, names, listing):
        if found is None:
            report.left.append(layout.pack_key(name))
            continue
        for item in found.items:
            rewriter.add(item)
        for update in found.updates:
            rewriter.add_update(update)
        taken.append(name)
    rewriter.send()
    _condemn(store, taken, {written.name for written in rewriter.written})
    report.merged = [layout.pack_key(name) for name in taken]
    report.bytes = sum(listing.packs[name].size for name in taken)
    report.packs = len(rewriter.written)
    report.new_bytes = sum(written.size for written in rewriter.written)
    return report


def small_packs(listing: Listing, *, every: bool = False) -> list[str]:
    """Packs that no plan names and that are worth merging, by name."""
    condemned = listing.condemned
    return sorted(
        name
        for name, entry in listing.packs.items()
        if name not in condemned and (every or entry.size < SMALL_BYTES)
    )


def _condemn(store: Store, taken: Sequence[str], written: set[str]) -> None:
    """Write the plan, unless a collector has condemned the new packs meanwhile.

    Ten minutes are enough only if all objects have a home that is not condemned when the
    plan appears: so it follows at once upon a look at all plans.
    """
    backend = store.parts.backend
    listing = look_over(backend, settled=False)
    if written & listing.condemned or not written <= listing.packs.keys():
        raise BackendUnavailable(
            "the new packs were condemned while they were written: the old ones stay",
            kind="packs-moved",
            hint="a gc is at work; try again later",
        )
    store.parts.session.check_age(listing.looked)
    condemn(backend, Plan("repack", GRACE_SECONDS, tuple(taken)))


def _read_all(
    backend: Backend, names: Sequence[str], listing: Listing
) -> Iterator[tuple[str, WholePack | None]]:
    """Packs in order, as many at once as fit; None for a damaged one."""
    part: list[str] = []
    held = 0
    for name in names:
        size = listing.packs[name].size
        if part and (held + size > _WINDOW_BYTES or len(part) >= 4 * backend.concurrency):
            yield from run_all(backend, [partial(_read, backend, listing, n) for n in part])
            part, held = [], 0
        part.append(name)
        held += size
    yield from run_all(backend, [partial(_read, backend, listing, n) for n in part])


def _read(backend: Backend, listing: Listing, name: str) -> tuple[str, WholePack | None]:
    try:
        return name, read_pack(backend, name, listing.packs[name].size)
    except (Corrupt, FormatTooNew, NotFound):
        return name, None

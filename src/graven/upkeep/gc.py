"""A visit of the collector: carry out ripe plans, then condemn what nobody needs.

Nothing that could be needed is condemned: where a pack, or a record that names others, cannot
be read, gc stops (docs/design/0012-garbage.md, "Refusals").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graven.errors import InvalidInput
from graven.formats import layout
from graven.formats.plan import Plan
from graven.objects.loose import Loose, iter_loose
from graven.store import Store
from graven.upkeep.collecting import Fate, choose, rest_is_sound, rewrite, weigh
from graven.upkeep.listing import Listing, check_clock, look_over
from graven.upkeep.marking import GuardedFiles, is_live, mark, read_guarded
from graven.upkeep.plans import YOUNG_MS, condemn
from graven.upkeep.rewriting import Rewriter
from graven.upkeep.survey import Survey
from graven.upkeep.sweep import SweepReport, sweep

_PAGE = 500


@dataclass(slots=True, kw_only=True)
class GcReport:
    """What a visit did, or would do (``dry_run``). All keys as in the store, sizes in bytes.

    Attributes:
        swept: what earlier plans have led to now; None with ``dry_run``.
        condemned: keys of packs and loose objects that may be deleted once ``grace_seconds``
            are over; ``bytes`` is their size.
        rewritten: keys of those among them whose living part was written anew, into ``packs``
            new packs of ``new_bytes``.
        left: keys of packs that are let alone since what is alive in them cannot be read, or
            stands nowhere else undamaged.
        kept: packs in which enough is alive.
        earlier: plans that were there already.
    """

    dry_run: bool
    grace_seconds: int
    swept: SweepReport | None = None
    condemned: list[str] = field(default_factory=list)
    bytes: int = 0
    rewritten: list[str] = field(default_factory=list)
    packs: int = 0
    new_bytes: int = 0
    left: list[str] = field(default_factory=list)
    kept: int = 0
    earlier: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "dry_run": self.dry_run,
            "grace_seconds": self.grace_seconds,
            "swept": None if self.swept is None else self.swept.to_dict(),
            "condemned": self.condemned,
            "bytes": self.bytes,
            "rewritten": self.rewritten,
            "packs": self.packs,
            "new_bytes": self.new_bytes,
            "left": self.left,
            "kept": self.kept,
            "earlier": self.earlier,
        }


def collect(store: Store, *, dry_run: bool = False, grace_seconds: int | None = None) -> GcReport:
    """Carry out the plans whose grace is over, and make the next one.

    May run at any time, beside writers and other collectors, and be broken off and repeated.

    Args:
        store: the store.
        dry_run: change nothing, say what would be condemned.
        grace_seconds: a longer grace for this plan than the store's own.

    Raises:
        InvalidInput: a grace below the store's. Corrupt, FormatTooNew: something cannot be
            read, so nobody can prove what is dead; nothing was condemned.
        BackendUnavailable: the place failed, is read-only, or tells no time.
    """
    grace = store.grace_seconds if grace_seconds is None else grace_seconds
    if grace < store.grace_seconds:
        raise InvalidInput(
            f"a grace of {grace} s is below the store's {store.grace_seconds} s",
            kind="bad-grace",
            hint="writers that are at work now rely on the store's",
            field="grace",
        )
    backend = store.parts.backend
    check_clock(backend)
    report = GcReport(dry_run=dry_run, grace_seconds=grace)
    if not dry_run:
        store.parts.session.check_writable()
        report.swept = sweep(backend, store.grace_seconds)
    guarded = read_guarded(backend)
    listing = look_over(backend)
    report.earlier = sum(plan.done_ms is None for plan in listing.plans)
    _condemn(store, listing, guarded, report)
    return report


def _condemn(store: Store, listing: Listing, guarded: GuardedFiles, report: GcReport) -> None:
    backend = store.parts.backend
    condemned = listing.condemned
    ours = [name for name in listing.packs if name not in condemned]
    # What condemned packs say counts all the same: they may be spared.
    with Survey(backend, listing.packs.keys(), listing.given_up) as survey:
        mark(survey, guarded)
        since = listing.now_ms - YOUNG_MS
        fates = weigh(survey, ours)
        dead, sparse = choose(survey, fates, listing.packs, since)
        going = _sound(survey, [*dead, *sparse], report)
        rewriter = Rewriter(store.parts.session, backend)
        if not report.dry_run:
            going = [
                fate for fate in going if fate.dead or _rewrite(survey, fate, rewriter, report)
            ]
            rewriter.send()
        loose = _dead_loose(
            survey, [x for x in iter_loose(backend) if x.key not in condemned], since
        )
    names = [fate.name for fate in going]
    report.rewritten = [layout.pack_key(fate.name) for fate in going if not fate.dead]
    report.condemned = [*(layout.pack_key(name) for name in names), *(x.key for x in loose)]
    report.bytes = sum(listing.packs[name].size for name in names) + sum(x.size for x in loose)
    report.packs = len(rewriter.written)
    report.new_bytes = sum(written.size for written in rewriter.written)
    report.kept = len(ours) - len(going)
    if report.condemned and not report.dry_run:
        plan = Plan("gc", report.grace_seconds, tuple(names), tuple(x.key for x in loose))
        condemn(backend, plan)


def _sound(survey: Survey, going: list[Fate], report: GcReport) -> list[Fate]:
    """Those of the packs without which all that is alive can still be read."""
    while going:
        held = rest_is_sound(survey, [fate.name for fate in going])
        if held is None:
            break
        report.left.append(layout.pack_key(held))
        going = [fate for fate in going if fate.name != held]
    return going


def _rewrite(survey: Survey, fate: Fate, rewriter: Rewriter, report: GcReport) -> bool:
    if rewrite(survey, fate.name, rewriter):
        return True
    report.left.append(layout.pack_key(fate.name))
    return False


def _dead_loose(survey: Survey, found: list[Loose], young_since_ms: int) -> list[Loose]:
    """Loose objects that nothing visible names; a young one may be on its way to be named."""
    old = [x for x in found if x.modified_ms < young_since_ms]
    out = []
    for start in range(0, len(old), _PAGE):
        page = old[start : start + _PAGE]
        live = is_live(survey, {x.object_id for x in page})
        out += [x for x in page if x.object_id not in live]
    return out

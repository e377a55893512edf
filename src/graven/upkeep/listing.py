"""What stands in ``packs/``: packs, plans and what was carried out, with the storage's times."""

from __future__ import annotations

from typing import NamedTuple

from graven import clock
from graven.backends.base import Backend, Entry
from graven.errors import BackendUnavailable
from graven.formats import layout
from graven.formats.plan import Plan
from graven.store.condemned import read_plans

_ATTEMPTS = 8
_PAUSE_SECONDS = 0.05


class ListedPlan(NamedTuple):
    """A plan in force. ``done``: when the word that it was carried out was written, if it was.

    Times in ms by the storage's clock.
    """

    nonce: str
    content: Plan
    modified_ms: int
    done_ms: int | None


class Listing(NamedTuple):
    """One moment of ``packs/``.

    Attributes:
        packs: by file name.
        plans: all that stand there, the oldest first.
        stray: nonces of ``.done`` files without their plan.
        now_ms: the storage's clock.
        looked: uptime just before the listing.
    """

    packs: dict[str, Entry]
    plans: list[ListedPlan]
    stray: list[str]
    now_ms: int
    looked: float

    @property
    def condemned(self) -> frozenset[str]:
        """Names of packs and keys of loose objects that any plan condemns."""
        return frozenset(
            place for plan in self.plans for place in (*plan.content.packs, *plan.content.loose)
        )

    @property
    def given_up(self) -> frozenset[str]:
        """Of those the packs that a repair has condemned: they may be unreadable."""
        plans = [plan.content for plan in self.plans if plan.content.reason == "repair"]
        return frozenset(name for plan in plans for name in plan.packs)


def look_over(backend: Backend, *, settled: bool = True) -> Listing:
    """List until two listings in a row are equal, and read the plans.

    Args:
        backend: the store's.
        settled: False where one listing will do, since nothing is deleted by it.

    Raises:
        Corrupt, FormatTooNew: a plan cannot be read, so nobody knows what it condemns.
        BackendUnavailable: the storage tells no time that can be trusted, or the listing
            changed each time.
    """
    check_clock(backend)
    entries, looked = _settled(backend) if settled else _listed(backend)
    packs = {}
    written: dict[str, int] = {}
    done: dict[str, int] = {}
    for entry in entries:
        name = entry.key.removeprefix(layout.PACKS)
        plan = layout.parse_plan_name(name)
        if plan is not None:
            (done if plan.done else written)[plan.nonce] = entry.modified_ms
        elif layout.parse_pack_name(name) is not None:
            packs[name] = entry
    plans = []
    for name, content in read_plans(backend, [layout.plan_name(nonce) for nonce in written]):
        parsed = layout.parse_plan_name(name)
        if not isinstance(content, Plan):
            raise content
        if parsed is not None:
            nonce = parsed.nonce
            plans.append(ListedPlan(nonce, content, written[nonce], done.get(nonce)))
    plans.sort(key=lambda plan: (plan.modified_ms, plan.nonce))
    stray = sorted(done.keys() - written.keys())
    return Listing(packs, plans, stray, backend.now_ms(), looked)


def check_clock(backend: Backend) -> None:
    """Refuse a place where nobody can tell how old a file is.

    Raises:
        BackendUnavailable: kind ``no-clock``.
    """
    if not backend.capabilities.trusted_clock:
        raise BackendUnavailable(
            f"{backend.url} tells no time that can be trusted, so nobody knows how old a plan is",
            kind="no-clock",
            hint="clone the store to a folder or a bucket, and use that one",
        )


def _listed(backend: Backend) -> tuple[list[Entry], float]:
    looked = clock.uptime()
    return list(backend.list(layout.PACKS)), looked


def _settled(backend: Backend) -> tuple[list[Entry], float]:
    before: list[Entry] | None = None
    for attempt in range(_ATTEMPTS):
        entries, looked = _listed(backend)
        if before is not None and [e.key for e in before] == [e.key for e in entries]:
            return entries, looked
        before = entries
        if attempt:
            clock.sleep(_PAUSE_SECONDS)
    raise BackendUnavailable(
        f"the packs of {backend.url} changed while they were listed, again and again",
        kind="busy",
        hint="try again when fewer clients write",
    )

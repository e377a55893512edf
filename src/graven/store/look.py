"""The one look at a store with which a session begins: stamps to rise above, plans to heed."""

from __future__ import annotations

from typing import NamedTuple

from graven import clock
from graven.backends.base import Backend
from graven.errors import BackendUnavailable
from graven.formats import layout
from graven.store.condemned import condemned_places

TOLERATED_MS = 60_000
"""Up to here two clocks are called equal: a storage tells its time in whole seconds."""


class Look(NamedTuple):
    """The session's clock, what plans condemned when it began, and when that was (uptime)."""

    clock: clock.HybridClock
    condemned: frozenset[str]
    begun: float


def look_at(backend: Backend) -> Look:
    """Look now: one listing, and a request for each plan."""
    begun = clock.uptime()  # before the listing: a decision is as old as what it rests on
    ticking, names = _begin_clock(backend)
    return Look(ticking, condemned_places(backend, names), begun)


def too_old() -> BackendUnavailable:
    """The error of a decision that is older than half the grace period."""
    return BackendUnavailable(
        "more than half the store's grace period has passed since the store was looked at",
        kind="session-old",
        hint="do it again, in smaller parts if it takes that long",
    )


def _begin_clock(backend: Backend) -> tuple[clock.HybridClock, list[str]]:
    """A clock whose stamps lie above every name of a pack, and what was listed for it.

    One listing, of the names above the present: the names of plans are among them.

    A remote place has a clock of its own, which all its writers share: a machine whose
    clock is wrong goes by that one, so that its writes neither win nor lose every merge.
    """
    now = clock.wall_ms()
    names = names_from(backend, now)
    ahead = _ahead_of_storage(backend)
    if ahead > 0:  # what lies between the two clocks was not asked for
        names = names_from(backend, now - ahead)
    # Names below the present are below its stamps anyhow, so they were not asked for.
    floor = max(0, ((now - ahead) << clock.COUNTER_BITS) - 1)
    for name in names:
        parsed = layout.parse_pack_name(name)
        if parsed is not None and parsed.stamp > floor:
            floor = parsed.stamp
    if not ahead:
        return clock.HybridClock(floor=floor), names
    return clock.HybridClock(lambda: clock.wall_ms() - ahead, floor), names


def _ahead_of_storage(backend: Backend) -> int:
    """By how many ms this machine's clock is ahead of the storage's, if that matters."""
    heard = backend.heard_ms()
    if heard is None:
        return 0
    ahead = clock.wall_ms() - heard
    return ahead if abs(ahead) >= TOLERATED_MS else 0


def names_from(backend: Backend, now_ms: int) -> list[str]:
    """Names of packs from a moment on, and of plans."""
    stamp = max(0, (now_ms << clock.COUNTER_BITS) - 1)
    return backend.names_after(layout.PACKS, clock.format_stamp(stamp))

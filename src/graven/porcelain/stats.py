"""Counts and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.errors import Corrupt, FormatTooNew
from graven.store import Store
from graven.store.statistics import StoreStats
from graven.upkeep.orphans import Orphans, count_orphans


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What `stats` answers.

    ``orphans`` is None where nobody asked, or ``unknown`` says why they cannot be counted.
    """

    store: StoreStats
    orphans: Orphans | None
    unknown: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        orphans = None if self.orphans is None else self.orphans.to_dict()
        return {**self.store.to_dict(), "orphans": orphans, "orphans_unknown": self.unknown}


def stats(store: Store, *, full: bool = False) -> Stats:
    """How many runs, objects and packs there are, and how many bytes they take.

    Args:
        store: its catalog is asked.
        full: also count the objects that nothing needs: every ref is followed.
    """
    counted = store.stats()
    if not full:
        return Stats(store=counted, orphans=None, unknown=None)
    try:
        return Stats(store=counted, orphans=count_orphans(store), unknown=None)
    except (Corrupt, FormatTooNew) as error:
        return Stats(store=counted, orphans=None, unknown=error.message)

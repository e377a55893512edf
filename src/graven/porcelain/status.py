"""Which store this is, and what is newest in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.porcelain.log import LogEntry, log
from graven.porcelain.pointers import BASELINES, TAGS, Pointer, list_pointers
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A store at a glance; ``latest`` is None where there is no run."""

    url: str
    store_id: str
    runs: int
    latest: LogEntry | None
    baselines: tuple[Pointer, ...]
    tags: tuple[Pointer, ...]
    damaged_packs: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "url": self.url,
            "store_id": self.store_id,
            "runs": self.runs,
            "latest": None if self.latest is None else self.latest.to_dict(),
            "baselines": [pointer.to_dict() for pointer in self.baselines],
            "tags": [pointer.to_dict() for pointer in self.tags],
            "damaged_packs": list(self.damaged_packs),
        }


def status(store: Store) -> Status:
    """The store at a glance; answered from the catalog."""
    newest = next(log(store, limit=1).entries, None)
    return Status(
        url=store.url,
        store_id=store.store_id,
        runs=store.count(),
        latest=newest,
        baselines=tuple(list_pointers(store, BASELINES)),
        tags=tuple(list_pointers(store, TAGS)),
        damaged_packs=tuple(pack.name for pack in store.packs() if pack.problem),
    )

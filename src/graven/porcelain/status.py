"""Which store this is, and what is newest in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graven.errors import Corrupt
from graven.porcelain.log import LogEntry, log
from graven.porcelain.pointers import BASELINES, TAGS, Pointer, list_pointers
from graven.store import Store
from graven.store.livelogs import RecoveredLog
from graven.sync.delivery import Waiting, waiting
from graven.sync.remotes import Remote, list_remotes


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A store at a glance; ``latest`` is None where there is no run.

    ``waiting`` is what this machine has queued for it, ``logs`` those whose writers died
    here before they were kept, ``as_of`` when it last looked at a remote store,
    ``unreadable`` why the names of other stores are not among ``remotes``.
    """

    url: str
    store_id: str
    runs: int
    latest: LogEntry | None
    baselines: tuple[Pointer, ...]
    tags: tuple[Pointer, ...]
    damaged_packs: tuple[str, ...]
    remotes: tuple[Remote, ...]
    unreadable: str | None
    waiting: Waiting
    logs: tuple[RecoveredLog, ...]
    as_of: datetime | None
    offline: bool

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
            "remotes": [{"name": remote.name, **remote.to_dict()} for remote in self.remotes],
            "waiting": self.waiting.to_dict(),
            "logs": [{"run": g.run_id, "name": g.name, "path": g.path} for g in self.logs],
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "offline": self.offline,
        }


def status(store: Store) -> Status:
    """The store at a glance; answered from the catalog."""
    remotes: tuple[Remote, ...] = ()
    unreadable = None
    try:
        remotes = tuple(list_remotes(store))
    except Corrupt as error:  # it names remotes and nothing else: the rest is told all the same
        unreadable = error.message
    newest = next(log(store, limit=1).entries, None)
    return Status(
        url=store.url,
        store_id=store.store_id,
        runs=store.count(),
        latest=newest,
        baselines=tuple(list_pointers(store, BASELINES)),
        tags=tuple(list_pointers(store, TAGS)),
        damaged_packs=tuple(pack.name for pack in store.packs() if pack.problem),
        remotes=remotes,
        unreadable=unreadable,
        waiting=waiting(store),
        logs=tuple(store.left_logs()),
        as_of=store.as_of,
        offline=store.offline,
    )

"""What waits in the outbox of a remote store: counted, and sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from graven.store import Store
from graven.store.base import warn
from graven.sync.transfer import Progress, SyncReport, transfer


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much this machine has not sent yet."""

    packs: int = 0
    runs: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def waiting(store: Store) -> Waiting:
    """What is queued on this machine for ``store``; nothing is asked of the store itself."""
    _tell_of_strays(store)
    packs = store.outbox.packs() if store.outbox is not None else []
    if store.outbox is None or not packs:
        return Waiting()
    queue = Store(store.outbox.path, create=False, views="none")
    found = Waiting(packs=len(packs), runs=queue.count())
    queue.close()
    return found


def _tell_of_strays(store: Store) -> None:
    for folder in store.outbox.strays() if store.outbox is not None else ():
        warn(
            f"runs wait in {folder} for another store that was at {store.url} before;"
            f" 'graven -C {folder} push {store.url}' sends them to this one, and then the"
            " folder may go"
        )


def deliver(store: Store, progress: Progress | None = None) -> SyncReport:
    """Send all that this machine has queued for ``store``.

    What has arrived leaves the outbox; what another process queues meanwhile stays there.

    Raises:
        BackendUnavailable: the store cannot be reached; all that is queued stays queued.
    """
    _tell_of_strays(store)
    packs = store.outbox.packs() if store.outbox is not None else []
    if store.outbox is None or not packs:
        return SyncReport()
    queue = Store(store.outbox.path, create=False, views="none")
    try:
        report = transfer(queue, store, progress=progress)
    finally:
        queue.close()
    if not report.failed:
        store.outbox.remove(packs)
    return report

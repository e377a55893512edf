"""Sending what waits in the outbox of a remote store."""

from __future__ import annotations

from graven.store import Store
from graven.sync.transfer import Progress, SyncReport, transfer


def deliver(store: Store, progress: Progress | None = None) -> SyncReport:
    """Send all that this machine has queued for ``store``.

    What has arrived leaves the outbox; what another process queues meanwhile stays there.

    Raises:
        BackendUnavailable: the store cannot be reached; all that is queued stays queued.
    """
    waiting = store.outbox.packs() if store.outbox is not None else []
    if store.outbox is None or not waiting:
        return SyncReport()
    queue = Store(store.outbox.path, create=False, views="none")
    report = transfer(queue, store, progress=progress)
    if not report.failed:
        queue.close()
        store.outbox.remove(waiting)
    return report

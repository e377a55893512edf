"""What simulated clients keep for later: outboxes that tell what waits, and its delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graven.backends.local import LocalBackend
from graven.errors import GravenError
from graven.formats.packbuild import Item
from graven.refs.journal import RefUpdate
from graven.store import Store
from graven.store.outbox import Outbox
from graven.store.session import Intent
from graven.sync.delivery import deliver
from graven.sync.transfer import SyncReport
from graven.testing.simulation.clients import Client, Task
from graven.testing.simulation.model import BucketModel, Moment, demand
from graven.testing.simulation.operations import Operation
from graven.upkeep.packfile import read_pack


class Waiting:
    """What one machine has acknowledged and not sent: by the model, not by the disk.

    Attributes:
        packs: the updates of each pack that waits.
        ever: all updates that ever did.
        under_way: deliveries that have begun and not ended.
    """

    def __init__(self, model: BucketModel) -> None:
        self.model = model
        self.packs: dict[str, list[RefUpdate]] = {}
        self.ever: set[tuple[str, int, bytes]] = set()
        self.under_way: set[Task[Any]] = set()

    def add(self, name: str, updates: list[RefUpdate]) -> None:
        """A pack was put there."""
        self.packs[name] = updates
        self.ever.update(map(_key, updates))

    def remove(self, names: Sequence[str]) -> None:
        """Packs were removed: all that they say must have arrived."""
        for name in names:
            self.demand_arrived(self.packs.pop(name, []), f"{name} left the outbox")

    def demand_arrived(self, updates: Sequence[RefUpdate], when: str) -> None:
        """The bucket must have absorbed the updates."""
        late = [update for update in updates if not self.model.absorbs(update)]
        demand(not late, f"{when}, and {late} had not arrived")


def _key(update: RefUpdate) -> tuple[str, int, bytes]:
    return update.name, update.stamp, update.target or b""


class WatchedOutbox(Outbox):
    """An outbox on a real disk, that tells a task what was queued for it."""

    def __init__(self, store: Store, client: Client, root: str, waiting: Waiting) -> None:
        super().__init__(
            store.parts.backend.place or store.url,
            store.file,
            root,
            heard_ms=store.parts.backend.heard_ms,
        )
        self._client = client
        self._waiting = waiting

    def commit(self, items: Sequence[Item], intents: Sequence[Intent], seen: int) -> None:
        """See `Outbox.commit`."""
        before = set(self.packs())
        super().commit(items, intents, seen)
        for name in set(self.packs()) - before:
            updates = read_pack(LocalBackend(self.path), name).updates
            self._waiting.add(name, updates)
            if self._client.task is not None:
                self._client.task.queued += updates

    def remove(self, packs: Sequence[str]) -> None:
        """See `Outbox.remove`."""
        self._waiting.remove(packs)
        super().remove(packs)


class Deliver(Operation):
    """Send what waits on the client's machine."""

    whole = False  # what was sent before it broke off is there, and right

    def __init__(self, model: BucketModel, waiting: Waiting) -> None:
        super().__init__(model)
        self.waiting = waiting
        self._waited: list[RefUpdate] = []
        self._alone = True

    def do(self, client: Client) -> SyncReport:
        """See `Operation`."""
        store = self.store(client)
        self._waited = [u for updates in self.waiting.packs.values() for u in updates]
        under_way, task = self.waiting.under_way, client.task
        if task is None:
            raise RuntimeError("a delivery is a task")
        under_way.difference_update([other for other in under_way if other.client.dead])
        self._alone = not under_way
        under_way.add(task)
        try:
            return deliver(store)
        finally:
            under_way.discard(task)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """All that waited when it began has arrived; nothing else was sent."""
        report: SyncReport = task.result
        if not report.failed:
            self.waiting.demand_arrived(self._waited, f"{task}")
        made_up = [
            u for u in self.model.footprint(task).updates if _key(u) not in self.waiting.ever
        ]
        demand(not made_up, f"{task} sent {made_up}, which never waited")
        # Another process of the machine may have sent and removed what this one reads.
        demand(not report.failed or not self._alone, f"{task} left {report.failed} behind")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """As above: what it read may have been sent by another process."""
        return not self._alone

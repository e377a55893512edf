"""Packs on their way to another store: objects, and updates as their writers made them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from graven.formats import pack
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.ids import ObjectId, random_bytes
from graven.objects import loose
from graven.refs.journal import RefUpdate
from graven.store.session import NONCE_BYTES, Session

MAX_UPDATES = 100_000
"""In one pack: deletions bring no objects that would fill it."""


class Shipment:
    """Fills packs and sends each when it is full.

    An update goes with its objects or after them, never before: whatever has arrived when
    the connection breaks is whole, and the next difference goes on behind it.

    Args:
        session: of the store it goes to.
        loose_at: the key of a loose object's file there, None if there is none.

    Attributes:
        objects, bytes, packs: sent so far; bytes as stored.
        since: the `Session.decision` by which objects were left out, if any were.
    """

    def __init__(
        self, session: Session, loose_at: Callable[[ObjectId], str | None] = lambda _: None
    ) -> None:
        self._session = session
        self._loose_at = loose_at
        self._files: dict[ObjectId, tuple[str, int]] = {}  # loose objects sent: key and size
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._updates: list[PendingUpdate] = []
        self.objects = 0
        self.bytes = 0
        self.packs = 0
        self.since: float | None = None

    def add(self, items: Iterable[Item | loose.LooseItem], update: RefUpdate | None = None) -> None:
        """Take objects in, and the update that needs them.

        Raises:
            NotFound, Corrupt: a loose object is gone or damaged; nothing of it was sent.
        """
        for item in items:
            if isinstance(item, loose.LooseItem):
                self._send_file(item)
                continue
            if len(self._builder) and self._builder.size + len(item.data) > pack.MAX_PACK_BYTES:
                self.send()
            self._builder.add(item)
            self.objects += 1
        if update is not None:
            self._updates.append(
                PendingUpdate(
                    update.name,
                    update.stamp,
                    update.target,
                    update.floor,
                    update.header,
                    self._note(update),
                    update.writer,
                )
            )
            if len(self._updates) >= MAX_UPDATES:
                self.send()

    def _send_file(self, item: loose.LooseItem) -> None:
        """A loose object goes as a file, at once: before the pack with the update."""
        if item.id in self._files:
            return
        with (
            loose.spooled(item.backend, item.key, item.id, item.size) as file,
            loose.mapped(file) as body,
        ):
            self._files[item.id] = self._session.put_loose(item.id, body), item.size
        self.objects += 1
        self.bytes += item.size

    def _note(self, update: RefUpdate) -> dict[str, Any] | None:
        """The update's note, which names the file of a loose object as it is called there."""
        note, target = update.note, update.target
        if target is None:
            return note
        if target in self._files:
            key, size = self._files[target]
            return {**(note or {}), "size": size, loose.NOTE: loose.nonce_of(key)}
        if note and loose.NOTE in note and (there := self._loose_at(target)):
            return {**note, loose.NOTE: loose.nonce_of(there)}
        return note

    def send(self) -> None:
        """Send what is waiting."""
        if not len(self._builder) and not self._updates:
            return
        _, size = self._session.forward(self._builder, self._updates, since=self.since)
        self.bytes += size
        self.packs += 1
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._updates = []

"""Packs on their way to another store: objects, and updates as their writers made them."""

from __future__ import annotations

from collections.abc import Iterable

from graven.formats import pack
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.ids import random_bytes
from graven.refs.journal import RefUpdate
from graven.store.session import NONCE_BYTES, Session

MAX_UPDATES = 100_000
"""In one pack: deletions bring no objects that would fill it."""


class Shipment:
    """Fills packs and sends each when it is full.

    An update goes with its objects or after them, never before: whatever has arrived when
    the connection breaks is whole, and the next difference goes on behind it.

    Attributes:
        objects, bytes, packs: sent so far; bytes as stored.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._updates: list[PendingUpdate] = []
        self.objects = 0
        self.bytes = 0
        self.packs = 0

    def add(self, items: Iterable[Item], update: RefUpdate | None = None) -> None:
        """Take objects in, and the update that needs them."""
        for item in items:
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
                    update.note,
                    update.writer,
                )
            )
            if len(self._updates) >= MAX_UPDATES:
                self.send()

    def send(self) -> None:
        """Send what is waiting."""
        if not len(self._builder) and not self._updates:
            return
        self.bytes += self._session.forward(self._builder, self._updates)
        self.packs += 1
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._updates = []

"""New packs from what stands in old ones: updates keep stamp and writer, all is read back."""

from __future__ import annotations

from typing import NamedTuple

from graven.backends.base import Backend
from graven.errors import Corrupt
from graven.formats import pack
from graven.formats.compression import LEVEL
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.ids import ObjectId, random_bytes
from graven.refs.journal import RefUpdate
from graven.store.links import NAMING
from graven.store.session import NONCE_BYTES, Session
from graven.upkeep.packfile import read_pack

MAX_UPDATES = 100_000


class Written(NamedTuple):
    """A pack that was written and read back."""

    name: str
    size: int


class Rewriter:
    """Fills packs of up to 64 MiB; each is read back as soon as it is written.

    What is rewritten still stands in its old pack, so objects and updates may go in any
    order. An object goes once, whichever pack it lands in.

    Attributes:
        written: the packs so far.
    """

    def __init__(self, session: Session, backend: Backend, *, level: int = LEVEL) -> None:
        self._session = session
        self._backend = backend
        self._level = level
        self._naming: set[ObjectId] = set()
        self._plain: set[ObjectId] = set()
        self.written: list[Written] = []
        self._begin()

    def _begin(self) -> None:
        self._builder = PackBuilder(random_bytes(NONCE_BYTES), self._level)
        self._ids: set[ObjectId] = set()
        self._updates: list[PendingUpdate] = []

    def add(self, item: Item) -> None:
        """Take an object in, unless it has been.

        The same bytes may be a blob in one pack and a record in another. What a record names
        is looked for only where it is called one, so then both go.
        """
        seen = self._naming if item.kind in NAMING else self._plain
        if item.id in self._naming or item.id in seen:
            return
        if item.id in self._ids:
            self.send()
        if len(self._builder) and self._builder.size + len(item.data) > pack.MAX_PACK_BYTES:
            self.send()
        self._builder.add(item)
        seen.add(item.id)
        self._ids.add(item.id)

    def add_update(self, update: RefUpdate) -> None:
        """Take an update in, as it is."""
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
        """Write what is waiting, and read it back.

        Raises:
            Corrupt: what came back is not what was written: the old packs must stay.
        """
        if not len(self._builder) and not self._updates:
            return
        name, size = self._session.forward(self._builder, self._updates)
        self._check(name)
        self.written.append(Written(name, size))
        self._begin()

    def _check(self, name: str) -> None:
        found = read_pack(self._backend, name)
        ids = {item.id for item in found.items}
        want = sorted((u.name, u.stamp, u.writer, u.target or b"", u.floor) for u in self._updates)
        have = sorted((u.name, u.stamp, u.writer, u.target or b"", u.floor) for u in found.updates)
        if ids != self._ids or want != have:
            raise Corrupt(
                f"pack {name} was written and says something else when read back",
                kind="bad-read-back",
                hint="run 'graven doctor' on this place; nothing was condemned",
                pack=name,
            )

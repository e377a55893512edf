"""One transaction: objects and ref updates on their way into packs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from graven import clock
from graven.backends.direct import page_memory
from graven.formats import layout, pack
from graven.formats.envelope import RUN
from graven.formats.header import Header
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.ids import ObjectId, random_bytes
from graven.store.writebehind import WriteBehind

if TYPE_CHECKING:
    import mmap

    from graven.formats.run import EncodedRun
    from graven.store.session import Session

NONCE_BYTES = 16


class Intent(NamedTuple):
    """A ref update before it has a stamp. ``target`` None deletes.

    A ``joined`` one takes the stamp of the one before it: what is put under several names as
    one thing then wins, or loses, under all of them.
    """

    name: str
    target: ObjectId | None
    header: Header | None = None
    note: dict[str, Any] | None = None
    floor: int = 0
    joined: bool = False


_ROOM_BYTES = pack.DATA_PACK_BYTES + 256 * 1024
"""A pack of large objects, its index included."""


class PackWriter:
    """One transaction: packs of at most 64 MiB, the ref updates in the last one.

    Packs of large objects have at most 8 MiB, so that a few of them fit into memory.

    If it is never finished nothing of it is visible; data packs already written are
    garbage for gc.
    """

    def __init__(self, session: Session, *, keep: bool = False) -> None:
        self._session = session
        self.kept: list[Item] | None = [] if keep else None
        self._kept_bytes = 0
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._intents: list[Intent] = []
        self._elsewhere: set[ObjectId] = set()  # looked up once, not for each run
        self._homes: dict[ObjectId, str | None] = {}  # None while the pack is not written
        self._inside: list[ObjectId] = []  # those that go into the pack that is being filled
        self._room: mmap.mmap | None = None  # what the builder fills
        self._rooms: list[mmap.mmap] = []  # those whose packs are written
        look = session._look
        # If it has not looked yet, it will after this moment.
        self._begun = look.begun if look is not None else clock.uptime()
        self._since: float | None = None
        self._behind = WriteBehind(session._backend.writes_behind)

    def add(self, item: Item) -> bool:
        """Take an object in, unless the session or this transaction has it already.

        Returns:
            False where it was there.
        """
        if item.id in self._homes or item.id in self._elsewhere:
            return False
        if self.kept is not None:
            self._keep(item)
        if item.kind != RUN and self._session.known(item.id):
            self._elsewhere.add(item.id)
            self.rely(self._begun)
            return False
        if len(self._builder) and self._builder.size + len(item.data) > self._pack_limit(item):
            self._put_data()
        self._builder.add(item)
        if item.kind != RUN:
            self._homes[item.id] = None
            self._inside.append(item.id)
        return True

    def _pack_limit(self, item: Item) -> int:
        """How large a pack may become with this object."""
        if len(item.data) < pack.LARGE_OBJECT_BYTES:
            return pack.MAX_PACK_BYTES
        return min(self._session.data_pack_bytes, pack.MAX_PACK_BYTES)

    def rely_on_others(self) -> None:
        """Say that objects are left out since packs of other transactions hold them.

        What is condemned was looked up when the session began: the age counts from there.
        Such a transaction cannot wait in an outbox: what it counts on may be gone by then.
        """
        self.kept = None
        self.rely(self._begun)

    def _keep(self, item: Item) -> None:
        self._kept_bytes += len(item.data)
        if self.kept is not None and self._kept_bytes <= self._pack_limit(item):
            self.kept.append(item)
        else:
            self.kept = None

    def rely(self, since: float) -> None:
        """Refs of this transaction name what stood there at a `Session.decision`."""
        self._since = since if self._since is None else min(since, self._since)

    @property
    def intents(self) -> Sequence[Intent]:
        """The ref updates so far."""
        return self._intents

    def _put_data(self) -> None:
        """Write what there is as a pack without updates, while the next ones are filled."""
        session, room, inside = self._session, self._room, self._inside
        self.rely(self._begun)  # a data pack may be condemned as soon as it is there
        stamp, data = session._lay_out(self._builder, ())
        large = len(data) > _ROOM_BYTES
        if large:
            self._behind.wait()  # of packs so large one is enough in memory

        def write() -> None:
            name = session._write(stamp, data)
            self._homes.update(dict.fromkeys(inside, name))
            if room is not None:
                self._rooms.append(room)

        self._behind.do(write)
        self._builder = PackBuilder(random_bytes(NONCE_BYTES))
        self._inside = []
        # More of the kind will come: fresh memory for each costs as much as filling it.
        self._room = self._take_room() if not large and session._backend.writes_behind > 1 else None
        if self._room is not None:
            self._builder.lay_out_in(memoryview(self._room))

    def _take_room(self) -> mmap.mmap:
        """Memory for one pack, at an address that a write past the cache takes."""
        return self._rooms.pop() if self._rooms else page_memory(_ROOM_BYTES)

    def add_run(self, encoded: EncodedRun) -> None:
        """Take in a run that has nothing beside it: what a batch of thousands is made of."""
        for item in (encoded.environment, encoded.definitions):
            self.add(item)
        self.add(encoded.run)
        self._intents.append(Intent(layout.run_ref(encoded.run_id), encoded.run.id, encoded.header))

    def extend(self, intents: Iterable[Intent]) -> None:
        """Add ref updates; they get their stamps when the transaction is finished."""
        self._intents.extend(intents)

    def finish(self) -> list[PendingUpdate]:
        """Write what is left and make all of it visible; returns the updates as stamped.

        Raises:
            BackendUnavailable: also if the transaction took too long (kind ``session-old``):
                its first packs may have been condemned meanwhile.
        """
        if not len(self._builder) and not self._intents:
            return []
        self._behind.wait()  # the pack with the updates is the last one
        updates = self._session._stamp(self._intents)
        self._session.check_age(self._since)
        name = self._session._put(self._builder, updates)
        self._session._written.update({k: home or name for k, home in self._homes.items()})
        return updates

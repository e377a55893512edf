"""A writer's session: rising stamps, one pack a commit, one sync for many threads.

Order of a commit (docs/format.md, "Order of writes"): data packs, then the pack that
carries the ref updates. Its name appearing is the moment at which all of it is there.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from graven import clock
from graven.backends.base import Backend, Data
from graven.errors import BackendUnavailable, GravenError, NotFound
from graven.formats import layout, pack
from graven.formats.packbuild import Item, Laid, PackBuilder, PendingUpdate, check_size
from graven.ids import ObjectId, hash_bytes, random_bytes
from graven.store.look import Look, look_at, names_from, too_old
from graven.store.packwriter import NONCE_BYTES, Intent, PackWriter

if TYPE_CHECKING:
    from graven.objects.reader import Place

WRITER_BYTES = 8

__all__ = ["NONCE_BYTES", "Intent", "PackWriter", "Session"]


class _Request:
    """Objects and updates of one caller, waiting for a commit."""

    __slots__ = ("done", "error", "intents", "items", "since", "updates")

    def __init__(
        self, items: Sequence[Item], intents: Sequence[Intent], since: float | None
    ) -> None:
        self.items = items
        self.intents = intents
        self.since = since
        self.done = False
        self.error: BaseException | None = None
        self.updates: list[PendingUpdate] = []


class Session:
    """Commits to one store. Safe to share between threads, and usable after a fork.

    Several threads that commit at once share a pack and its sync: the first becomes
    the leader and takes along whatever has queued up while the last pack was written.

    Attributes:
        wrote: a pack was written from here.
        data_pack_bytes: of large objects in one pack; tests take less.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        readonly: bool = False,
        grace_seconds: float = math.inf,
        on_written: Callable[[str, Data], None] | None = None,
    ) -> None:
        self._on_written = on_written
        self.wrote = False
        self.data_pack_bytes = pack.DATA_PACK_BYTES
        self._backend = backend
        self._readonly = readonly
        self._longest = grace_seconds / 2
        self._begin()
        _sessions.add(self)

    def _begin(self) -> None:
        self._writer = random_bytes(WRITER_BYTES)
        self._look: Look | None = None
        self._look_lock = threading.Lock()
        self._written: dict[ObjectId, str] = {}  # the pack that each shared object went into
        self._queue: list[_Request] = []
        self._queue_lock = threading.Lock()
        self._leader_lock = threading.Lock()

    def commit(
        self, items: Sequence[Item], intents: Sequence[Intent], *, since: float | None = None
    ) -> list[PendingUpdate]:
        """Store objects and make refs point to them: all or nothing, durable on return.

        Returns the updates as stamped.

        Shared objects (all but runs) that this session has written already are left out.

        Args:
            items, intents: what to write.
            since: the `decision` that it rests on, if refs name what stood there before.

        Raises:
            BackendUnavailable: the place failed, or ``since`` is too long ago (kind
                ``session-old``); nothing of it is visible.
        """
        self.check_writable()
        self._renew()
        for item in items:
            check_size(item)  # here, since below it would fail all who share the pack
        request = _Request(items, intents, since)
        with self._queue_lock:
            self._queue.append(request)
        with self._leader_lock:
            leads = not request.done
            if leads:
                self._lead()
        if request.error is not None:
            raise request.error if leads else _retold(request.error)
        if not request.done:  # whoever took it along was interrupted before writing it
            raise _interrupted()
        return request.updates

    def _lead(self) -> None:
        requests: list[_Request] = []
        try:
            with self._queue_lock:
                requests, self._queue = self._queue, []
            writer = PackWriter(self)
            for request in requests:
                if self._is_old(request.since):  # the others need not suffer for it
                    request.error = too_old()
                    continue
                for item in request.items:
                    writer.add(item)
                writer.extend(request.intents)
            updates = iter(writer.finish())
            for request in requests:
                if request.error is None:
                    request.updates = list(islice(updates, len(request.intents)))
        except BaseException as error:
            # The leader carries every follower's request: each must hear of the failure,
            # an interrupt of the leader included. `commit` raises it.
            for request in requests:
                request.error = error
        finally:
            for request in requests:
                request.done = True

    def writer(self, *, keep: bool = False) -> PackWriter:
        """A transaction that is written as it grows and becomes visible when finished.

        With ``keep`` it holds on to its objects, as long as they fit into one pack, so
        that all of it can be put elsewhere when it cannot be finished.
        """
        self.check_writable()
        self._renew()
        return PackWriter(self, keep=keep)

    def forward(
        self,
        builder: PackBuilder,
        updates: Sequence[PendingUpdate],
        *,
        since: float | None = None,
    ) -> tuple[str, int]:
        """Write a pack of updates that others stamped; its file name and size in bytes.

        Its name's stamp lies above all of them, as a reader of the listing expects.

        Raises:
            BackendUnavailable: also if the `decision` of ``since`` is too long ago.
        """
        self.check_writable()
        self._renew()
        for update in updates:
            self.observe(max(update.stamp, update.floor))
        (stamp,) = self._ticks(1)
        data = builder.finish(self._writer, updates)
        self.check_age(since)
        return self._write(stamp, data), len(data)

    # --- what may be counted on (docs/design/0012-garbage.md) ---

    @property
    def condemned(self) -> frozenset[str]:
        """Names of packs and keys of loose objects that plans condemned when it began."""
        return self._looked().condemned

    def sound(self, places: Sequence[Place]) -> Sequence[Place]:
        """Those of an object's places that are not condemned: without one it is absent.

        Whoever refers to what stands in the store already asks this, and keeps the
        `decision` with it until the write.
        """
        condemned = self.condemned
        return [p for p in places if p.pack not in condemned] if condemned else places

    def decision(self) -> float:
        """The uptime from which a decision that is made now counts: that of the plans it knows.

        The catalog that it was made by may be older, by half the grace at most: for so long
        plans stay after they were carried out.
        """
        self._renew()
        return self._looked().begun

    def check_age(self, since: float | None) -> None:
        """Refuse to act on a decision that is older than half the store's grace.

        Raises:
            BackendUnavailable: what it rests on may be gone by now (kind ``session-old``).
        """
        if self._is_old(since):
            raise too_old()

    def _is_old(self, since: float | None) -> bool:
        return since is not None and clock.uptime() - since > self._longest

    def put_loose(self, object_id: ObjectId, data: Data) -> str:
        """Write an object as a file of its own, durably, before the ref that names it; its key.

        Raises:
            BackendUnavailable: the place failed.
        """
        from graven.objects.loose import write_loose

        self.check_writable()
        self._renew()
        self._check_there()
        return write_loose(self._backend, object_id, data)

    def known(self, object_id: ObjectId) -> bool:
        """True if this session has stored the object durably, and its pack is still there."""
        home = self._written.get(object_id)
        if home is None:
            return False
        if not self._backend.still_there(layout.pack_key(home)):
            self._written = {}  # the store was restored or made anew under us
            return False
        return True

    def _renew(self) -> None:
        """Look at the store anew when the session is half as old as a decision may become.

        What it has written may be condemned by now: gc's grace is counted from when it
        became garbage, and a session that ends within half of that cannot be too late.
        """
        look = self._look
        if look is not None and clock.uptime() - look.begun > self._longest / 2:
            with self._leader_lock, self._look_lock:
                if self._look is look:  # nobody else has done so meanwhile
                    self._written = {}
                    self._look = None

    def check_writable(self) -> None:
        """Refuse a store that was opened read-only.

        Raises:
            BackendUnavailable: kind ``read-only``.
        """
        if self._readonly:
            archive = self._backend.url.startswith("zip:")
            raise BackendUnavailable(
                f"store {self._backend.url} was opened read-only",
                kind="read-only",
                hint="archives are read-only: 'graven pull' takes one into a store"
                if archive
                else "nothing is written with --offline, GRAVEN_OFFLINE or readonly",
            )

    def _looked(self) -> Look:
        look = self._look
        if look is None:
            with self._look_lock:
                look = self._look
                if look is None:
                    look = self._look = look_at(self._backend)
        return look

    def _ticking(self) -> clock.HybridClock:
        return self._looked().clock

    def _stamp(self, intents: Sequence[Intent]) -> list[PendingUpdate]:
        positions = list(accumulate(int(not intent.joined) for intent in intents))
        ticks = self._ticks(positions[-1] if positions else 0)
        return [
            PendingUpdate(i.name, ticks[position - 1], i.target, i.floor, i.header, i.note)
            for i, position in zip(intents, positions, strict=True)
        ]

    def _ticks(self, count: int) -> range:
        ticking = self._ticking()  # a place that cannot be reached has no way out to be asked for
        try:
            return ticking.ticks(count)
        except BackendUnavailable as error:
            raise BackendUnavailable(
                error.message, kind=error.kind, hint=self._way_out() or error.hint
            ) from error

    def _way_out(self) -> str | None:
        """What to do when the newest pack's stamp lies far ahead."""
        packs = [n for n in names_from(self._backend, clock.wall_ms()) if n.endswith(".pack")]
        if not packs:
            return None
        return (
            "set the clock; or, if the writer of the newest pack had it wrong, move"
            f" packs/{max(packs)} out of the store: its runs go with it, and can be saved again"
        )

    def tick(self) -> int:
        """A stamp above all that were handed out or observed, for a name that sorts."""
        return self._ticks(1)[0]

    def observe(self, stamp: int) -> None:
        """Let the session's stamps rise above one that was read."""
        self._ticking().observe(stamp)

    def _put(self, builder: PackBuilder, updates: Sequence[PendingUpdate]) -> str:
        stamp, data = self._lay_out(builder, updates)
        return self._write(stamp, data)

    def _lay_out(self, builder: PackBuilder, updates: Sequence[PendingUpdate]) -> tuple[int, Laid]:
        data = builder.finish(self._writer, updates)
        return updates[-1].stamp if updates else self._ticking().tick(), data

    def _check_there(self) -> None:
        if not self._backend.still_there(layout.STORE_FILE):
            raise NotFound(
                f"there is no store at {self._backend.url} any more",
                kind="store-missing",
                hint="it was moved or deleted while it was open; open it where it is now",
            )

    def _write(self, stamp: int, data: Data) -> str:
        name = layout.pack_name(stamp, hash_bytes(data))
        self._check_there()
        self._backend.put(layout.pack_key(name), data)
        self.wrote = True
        if self._on_written is not None:
            self._on_written(name, data)
        return name


# A fork must not continue its parent's stamps under one writer id, nor wait for a lock
# that a thread of the parent held.
_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _begin_in_child() -> None:
    for session in _sessions:
        session._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


def _retold(error: BaseException) -> GravenError:
    """The leader's failure for a follower: an error of its own, with the same facts."""
    if not isinstance(error, GravenError):
        return _interrupted()
    again = type(error)(error.message, kind=error.kind, hint=error.hint, **error.fields)
    again.__cause__ = error
    return again


def _interrupted() -> BackendUnavailable:
    return BackendUnavailable(
        "the thread that wrote for this one was interrupted",
        kind="interrupted",
        hint="save again: it is not known to be stored",
    )

"""How a stream becomes a `file` object in a store, and how it is opened again.

Memory stays constant however large the stream is. The caller puts the ref update that
names the object into the same transaction, so that all becomes visible at once.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from graven.errors import Corrupt, InvalidInput, NotFound
from graven.formats.envelope import BLOB, FILE
from graven.ids import ObjectId, hash_bytes, parse_object_id
from graven.store.guarded_source import GuardedSource

if TYPE_CHECKING:
    from graven.formats.packbuild import Item
    from graven.objects.chunks import Readable
    from graven.objects.reader import Place
    from graven.store.base import StoreBase
    from graven.store.index import Index
    from graven.store.session import PackWriter

Known = Callable[[Sequence[ObjectId]], set[ObjectId]]
"""Which of the objects stand in the store, where a new ref may count on them."""

Progress = Callable[[int, int], None]
"""Told the bytes read so far, and how many of them were new."""

_PAGE = 500
_BUFFER_BYTES = 64 * 1024


class StoredFile(NamedTuple):
    """What a stream became.

    Attributes:
        object_id: what a ref points to.
        kind: its kind, ``blob`` or ``file``.
        size: bytes of the content.
        blake3: hash of the content, what `b3sum` prints (of a blob the object id itself).
        new_bytes: content that was written.
        reused_bytes: content that stood in the store, or came before in this transaction.
        items: parts of the content: chunks, or 1 for a blob.
    """

    object_id: ObjectId
    kind: str
    size: int
    blake3: ObjectId
    new_bytes: int
    reused_bytes: int
    items: int


def known_objects(store: StoreBase, *, refreshed: bool = False) -> Known:
    """Looks objects up in the catalog, brought up to date once, here.

    No request is sent for an object in a pack, and none for a page of them. What stands only
    in condemned places is not known: it would vanish under the new ref.

    Args:
        store: where to look.
        refreshed: the catalog was brought up to date a moment ago: of a bucket that is a request.
    """
    from graven.catalog.places import locate_many

    index, session = store.parts.index, store.parts.session
    if not refreshed:
        index.refresh()

    def known(ids: Sequence[ObjectId]) -> set[ObjectId]:
        found: set[ObjectId] = set()
        for start in range(0, len(ids), _PAGE):
            places = index.look(partial(locate_many, ids=ids[start : start + _PAGE]))
            found.update(
                object_id
                for object_id, copies in places.items()
                if index.first_standing(session.sound(copies))
            )
        return found

    return known


def put_stream(
    store: StoreBase,
    source: Readable,
    *,
    writer: PackWriter | None = None,
    known: Known | None = None,
    progress: Progress | None = None,
) -> StoredFile:
    """Store what a stream gives from where it stands to its end.

    Content of up to 1 MiB becomes a `blob`, more a `file` over content-defined chunks.

    Args:
        store: where to.
        source: read once, from another thread if it is large. Of a regular file size and
            time must be the same before and after: whoever reads a file that grows gives
            a stream without ``fileno``.
        writer: the transaction to take part in, which the caller finishes; None for one of
            its own, which leaves an object that no ref names.
        known: see `known_objects` (the default).
        progress: told how far it is, now and then, in this thread.

    Raises:
        InvalidInput: the file changed while it was read (kind ``file-changed``), or cannot be
            read; the transaction must not be finished with a ref to it.
        BackendUnavailable: see `PackWriter.finish`.
    """
    into = store.parts.session.writer() if writer is None else writer
    filing = _Filing(into, known or known_objects(store), progress)
    before = _state_of(source)
    stored = filing.put(GuardedSource(source))
    if _state_of(source) != before:
        name = getattr(source, "name", "the file")
        raise InvalidInput(
            f"{name} changed while it was read",
            kind="file-changed",
            hint="nothing was stored; try again when nobody writes to it",
            file=str(name),
        )
    if writer is None:
        into.finish()
    return stored


def open_content(store: StoreBase, object_id: ObjectId | str) -> BinaryIO:
    """The content of a blob, or of a file in chunks, to read and seek in.

    A blob is in memory, of a file only what is being read. For one thread at a time.

    Raises:
        NotFound: no such object. Corrupt: it is damaged (reading raises it for a chunk).
        InvalidInput: an object of another kind.
    """
    from graven.catalog.places import locate
    from graven.objects.filereader import ObjectFile

    wanted = parse_object_id(object_id) if isinstance(object_id, str) else object_id
    index = store.parts.index
    data = index.get(wanted)
    kind = index.look(partial(locate, object_id=wanted))[0].kind
    if kind == FILE:
        if index.reader.prefers_many:
            file = ObjectFile(index.get, data, partial(_get_many, index))
        else:
            file = ObjectFile(_Chunks(index, data).get, data)
        return io.BufferedReader(file, _BUFFER_BYTES)
    if kind != BLOB:
        raise InvalidInput(f"object {wanted.hex()} is a {kind}, no content", kind="wrong-kind")
    return io.BytesIO(data)


def _get_many(index: Index, ids: Sequence[ObjectId]) -> Sequence[bytes | Exception]:
    from graven.catalog.places import locate_many

    places = index.look(partial(locate_many, ids=ids))
    return index.reader.get_many([(object_id, places.get(object_id, ())) for object_id in ids])


class _Chunks:
    """The chunks of one file, looked up many at a time for whoever reads one after the other."""

    def __init__(self, index: Index, record: bytes) -> None:
        from graven.objects.chunks import decode_file

        self._index = index
        self._ids = [chunk for chunk, _ in decode_file(record).chunks]
        self._next = 0  # the chunk behind the last one
        self._places: dict[ObjectId, list[Place]] = {}

    def get(self, object_id: ObjectId) -> bytes:
        """As `Index.get`, which is asked where what was looked up before is not true any more."""
        here = self._next < len(self._ids) and self._ids[self._next] == object_id
        if here and object_id not in self._places:
            self._look_up(self._ids[self._next : self._next + _PAGE])
        self._next = self._next + 1 if here else self._ids.index(object_id) + 1
        places = self._places.get(object_id) if here else None
        if places:
            with suppress(NotFound, Corrupt):  # moved since, or another copy came: looked for below
                return self._index.reader.get_at(object_id, places)
            self._places = {}
        return self._index.get(object_id)

    def _look_up(self, ids: Sequence[ObjectId]) -> None:
        from graven.catalog.places import locate_many

        self._places = self._index.look(partial(locate_many, ids=ids))


class _Filing:
    """One stream on its way into one transaction."""

    def __init__(self, writer: PackWriter, known: Known, progress: Progress | None) -> None:
        self._writer = writer
        self._known = known
        self._progress = progress
        self._new = 0
        self._reused = 0

    def put(self, source: Readable) -> StoredFile:
        from graven.objects.chunks import WHOLE_BYTES, FileRecord, file_item
        from graven.objects.intake import Intake

        head = _read_up_to(source, WHOLE_BYTES + 1)
        if len(head) <= WHOLE_BYTES:
            return self._put_blob(head)
        chunks: list[tuple[ObjectId, int]] = []
        intake = Intake(_Continued(head, source))
        del head
        with intake.groups() as groups:
            for group in groups:
                self._add(group)
                chunks += [(item.id, len(item.data)) for item in group]
        record = file_item(FileRecord(intake.size, intake.blake3, chunks))
        new, reused = self._new, self._reused
        self._add([record])
        return StoredFile(record.id, FILE, intake.size, intake.blake3, new, reused, len(chunks))

    def _put_blob(self, data: bytes) -> StoredFile:
        from graven.formats.packbuild import Item

        item = Item(hash_bytes(data), BLOB, data)
        self._add([item])
        return StoredFile(item.id, BLOB, len(data), item.id, self._new, self._reused, 1)

    def _add(self, items: Sequence[Item]) -> None:
        held = self._known([item.id for item in items])
        if held:
            self._writer.rely_on_others()
        for item in items:
            if item.id not in held and self._writer.add(item):
                self._new += len(item.data)
            else:
                self._reused += len(item.data)
        if self._progress is not None:
            self._progress(self._new + self._reused, self._new)


class _Continued:
    """A stream of which the beginning was read already."""

    def __init__(self, head: bytes, source: Readable) -> None:
        self._head = memoryview(head)
        self._source = source

    def read(self, size: int, /) -> bytes:
        piece = memoryview(bytearray(size))
        return bytes(piece[: self.readinto(piece)])

    def readinto(self, room: memoryview, /) -> int:
        from graven.objects.chunks import read_into

        if not len(self._head):
            return read_into(self._source, room)
        count = min(len(self._head), len(room))
        room[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


def _read_up_to(source: Readable, size: int) -> bytes:
    parts = []
    while size and (piece := source.read(size)):
        parts.append(piece)
        size -= len(piece)
    return b"".join(parts)


def _state_of(source: object) -> tuple[int, int] | None:
    """Size and time of a regular file; None for what has neither."""
    fileno = getattr(source, "fileno", None)
    if fileno is None:
        return None
    try:
        found = os.fstat(fileno())
    except (OSError, ValueError):  # a stream in memory says so
        return None
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None

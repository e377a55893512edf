"""How things are attached: content first, the name in the pack that finishes it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from graven.formats import layout
from graven.formats.envelope import BLOB, MANIFEST
from graven.formats.manifest import Manifest, encode_manifest
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes
from graven.store.attachment_names import check_attachment_name
from graven.store.attachments import (
    FILE,
    FOLDER,
    FOLDER_TYPE,
    UNKNOWN_TYPE,
    Attachment,
    find_attachment,
    from_note,
    guess_media_type,
    make_note,
    stamp_of,
)
from graven.store.base import StoreBase, warn
from graven.store.filing import known_objects, put_stream
from graven.store.folders import KeptFile, encode_folder, read_tree
from graven.store.records import Raw, array_manifest
from graven.store.session import Intent, PackWriter
from graven.store.sources import Source, folder_of, opened, refuse_own

if TYPE_CHECKING:
    from graven.catalog.questions import Header
    from graven.objects.chunks import Readable

WHOLE_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]
"""Told the bytes read so far, and how many of them were new."""


def attach(
    store: StoreBase,
    header: Header,
    name: str,
    source: Source,
    *,
    media_type: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Attachment:
    """See `graven.store.attaching.AttachingStore.attach`; ``header`` is the run's."""
    name = check_attachment_name(name)
    goal = _Goal(store, header, name, media_type, metadata)
    goal.note(0)  # what cannot be said of it is refused before anything is read
    if isinstance(source, (bytes, bytearray, memoryview)) and len(source) <= WHOLE_BYTES:
        return goal.attach_small(bytes(source))
    folder = folder_of(source)
    refuse_own(source, getattr(store.parts.backend, "root", None))
    told = _Told(progress)
    if folder is not None:
        return goal.attach_folder(folder, told)
    with opened(source) as content:
        return goal.attach_stream(content, told)


class _Goal(NamedTuple):
    """Where something is to go, and what is said of it."""

    store: StoreBase
    header: Header
    name: str
    media_type: str | None
    metadata: Mapping[str, Any] | None

    def note(
        self, size: int, *, kind: str = FILE, media_type: str = "", blake3: str | None = None
    ) -> dict[str, Any]:
        return make_note(
            size,
            kind=kind,
            media_type=media_type or self.media_type or guess_media_type(self.name),
            metadata=self.metadata,
            blake3=blake3,
        )

    def attach_small(self, data: bytes) -> Attachment:
        item = Item(hash_bytes(data), BLOB, data)
        note = self.note(len(data))
        return put_ref(self.store, self.header, self.name, item.id, note, items=[item])

    def attach_stream(self, content: Readable, told: _Told) -> Attachment:
        writer = self.store.parts.session.writer()
        known = known_objects(self.store)
        stored = put_stream(
            self.store, content, writer=writer, known=known, progress=told.of_file()
        )
        note = self.note(stored.size, blake3=None if stored.kind == BLOB else stored.blake3.hex())
        return put_ref(self.store, self.header, self.name, stored.object_id, note, writer=writer)

    def attach_folder(self, folder: str, told: _Told) -> Attachment:
        store = self.store
        writer, known = store.parts.session.writer(), known_objects(store)

        def put(content: BinaryIO, _path: str) -> KeptFile:
            stored = put_stream(store, content, writer=writer, known=known, progress=told.of_file())
            return KeptFile(stored.object_id, stored.size)

        own = None
        with suppress(OSError):  # it was moved away meanwhile: the commit will say so
            root = getattr(store.parts.backend, "root", None)
            own = os.stat(root) if root else None
        entries = read_tree(folder, put, warn, leave_out=own)
        item = record_item(encode_folder(entries))
        size = sum(entry.size for entry in entries)
        note = self.note(size, kind=FOLDER, media_type=FOLDER_TYPE)
        return put_ref(store, self.header, self.name, item.id, note, writer=writer, items=[item])


def put_record(
    store: StoreBase,
    header: Header,
    name: str,
    record: Manifest,
    *,
    size: int | None = None,
    writer: PackWriter | None = None,
) -> Attachment:
    """Attach a manifest; what it links to stands in the store, or is in ``writer``."""
    item = record_item(encode_manifest(record.type, record.data, record.links))
    note = make_note(
        len(item.data) if size is None else size,
        kind=record.type,
        media_type="application/json" if size is None else UNKNOWN_TYPE,
    )
    return put_ref(store, header, name, item.id, note, writer=writer, items=[item])


def put_array(
    store: StoreBase, header: Header, name: str, raw: Raw, metadata: Mapping[str, Any]
) -> Attachment:
    """Attach an array: its bytes as an object of their own, the record linking to them."""
    writer = store.parts.session.writer()
    content = io.BytesIO(raw.data)
    stored = put_stream(store, content, writer=writer, known=known_objects(store))
    record = array_manifest(raw, stored.object_id, metadata)
    return put_record(store, header, name, record, size=stored.size, writer=writer)


def record_item(data: bytes) -> Item:
    """A manifest's bytes as an object."""
    return Item(hash_bytes(data), MANIFEST, data)


class NewRef(NamedTuple):
    """A name beside a run, what it is to stand for, and the note of its ref."""

    name: str
    object_id: ObjectId
    note: dict[str, Any]


def put_ref(
    store: StoreBase,
    header: Header,
    name: str,
    object_id: ObjectId,
    note: dict[str, Any],
    *,
    writer: PackWriter | None = None,
    items: Iterable[Item] = (),
) -> Attachment:
    """As `put_refs`, for one name."""
    (made,) = put_refs(store, header, [NewRef(name, object_id, note)], writer=writer, items=items)
    return made


def put_refs(
    store: StoreBase,
    header: Header,
    refs: Sequence[NewRef],
    *,
    writer: PackWriter | None = None,
    items: Iterable[Item] = (),
) -> list[Attachment]:
    """Let names stand for objects, and finish the transaction that holds those.

    A name that stands for just that already is not written again.
    """
    session, index, run_id = store.parts.session, store.parts.index, header.run_id
    session.check_writable()
    made: list[Attachment] = []
    changed: list[int] = []
    intents = []
    session.observe(header.stamp)
    for name, object_id, note in refs:
        wanted = from_note(name, object_id.hex(), 0, note)
        held = index.look(partial(find_attachment, run_id=run_id, name=name))
        if held is not None and held._replace(stamp=0) == wanted:
            made.append(held)
            continue
        session.observe(index.look(partial(stamp_of, run_id=run_id, name=name)))
        changed.append(len(made))
        made.append(wanted)
        intents.append(Intent(layout.attachment_ref(run_id, name), object_id, None, note))
    if not intents:
        return made
    if writer is None:  # threads that attach at once share a pack
        updates = session.commit(list(items), intents)
    else:
        for item in items:
            writer.add(item)
        writer.extend(intents)
        updates = writer.finish()
    for position, update in zip(changed, updates, strict=True):
        made[position] = made[position]._replace(stamp=update.stamp)
    return made


class _Told:
    """Adds up the progress of many files."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._before = (0, 0)
        self._now = (0, 0)

    def of_file(self) -> Progress | None:
        """What to call with the counts of the next file alone."""
        if self._progress is None:
            return None
        self._before = self._now
        return self._tell

    def _tell(self, done: int, new: int) -> None:
        self._now = (self._before[0] + done, self._before[1] + new)
        if self._progress is not None:
            self._progress(*self._now)

"""How a table is stored: as one Parquet file, in a pack while it is small, else by itself."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from graven.backends.base import Data
from graven.catalog.places import locate
from graven.formats import layout, parquet
from graven.formats.envelope import BLOB
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes
from graven.objects import loose
from graven.objects.chunks import WHOLE_BYTES
from graven.store.attachment_names import check_attachment_name
from graven.store.attachment_writes import put_ref
from graven.store.attachments import Attachment, from_note, make_note, stamp_of
from graven.store.base import StoreBase
from graven.store.session import Intent
from graven.store.table_spool import Spool

if TYPE_CHECKING:
    from graven.catalog.questions import Header
    from graven.store.session import PackWriter

_IN_MEMORY_BYTES = 16 * 1024 * 1024  # of rows: a stream is not asked how many it has


class Placed(NamedTuple):
    """A table whose content stands in the store, or is in the transaction: what a ref needs."""

    object_id: ObjectId
    note: dict[str, Any]
    new_file: bool


def put_table(store: StoreBase, header: Header, name: str, table: object) -> Attachment:
    """See `graven.store.tables.TableStore.put_table`; ``header`` is the run's."""
    name = check_attachment_name(name)
    writer = store.parts.session.writer()
    placed = place_table(store, writer, table)
    if not placed.new_file:
        return put_ref(store, header, name, placed.object_id, placed.note, writer=writer)
    # The name may stand for just this object already: its note has to tell the new file.
    store.parts.session.observe(header.stamp)
    writer.extend([intent_of(store, header.run_id, name, placed)])
    (update,) = writer.finish()
    return from_note(name, placed.object_id.hex(), update.stamp, placed.note)


def intent_of(store: StoreBase, run_id: str, name: str, placed: Placed) -> Intent:
    """The update that lets a name stand for a table, to be stamped above what it had before."""
    stamp = store.parts.index.look(partial(stamp_of, run_id=run_id, name=name))
    store.parts.session.observe(stamp)
    ref = layout.attachment_ref(run_id, name)
    return Intent(ref, placed.object_id, None, placed.note)


def place_table(store: StoreBase, writer: PackWriter, table: object) -> Placed:
    """The content of a table: in ``writer`` while it is small, else in a file, at once.

    Raises:
        InvalidInput: see `graven.formats.parquet.write_parquet`; nothing was written.
        BackendUnavailable: the store's disk is full, or that for temporary files.
    """
    reader = parquet.as_reader(table)
    parquet.check_schema(reader.schema)
    if isinstance(table, (pa.Table, pa.RecordBatch)) and table.nbytes <= _IN_MEMORY_BYTES:
        sink = pa.BufferOutputStream()
        written = parquet.write_parquet(reader, sink)
        return _place(store, writer, memoryview(sink.getvalue()), written)
    with tempfile.TemporaryFile(prefix="graven-") as file:
        spool = Spool(file)
        written = parquet.write_parquet(reader, pa.PythonFile(spool, mode="w"), spool.check)
        with loose.mapped(file) as body:
            return _place(store, writer, body, written)


def _place(store: StoreBase, writer: PackWriter, body: Data, written: parquet.Written) -> Placed:
    """Nothing is written where the content stands already."""
    object_id = hash_bytes(body)
    note = make_note(
        len(body), media_type=parquet.MEDIA_TYPE, rows=written.rows, schema=written.schema
    )
    key = _standing(store, object_id, writer)
    new_file = key is None and len(body) > WHOLE_BYTES
    if new_file:
        key = store.parts.session.put_loose(object_id, body)
        writer.rely_on_others()  # a file that no ref names may be condemned at once
    elif key is None:
        writer.add(Item(object_id, BLOB, bytes(body)))
    if key:
        note[loose.NOTE] = loose.nonce_of(key)
    return Placed(object_id, note, new_file)


def _standing(store: StoreBase, object_id: ObjectId, writer: PackWriter) -> str | None:
    """Where the object stands already: a loose file's key, "" for a pack, None for nowhere."""
    index, session = store.parts.index, store.parts.session
    places = index.look(lambda catalog: locate(catalog, object_id))
    found = index.first_standing(session.sound(places)) if places else None
    if found is None:
        return None
    writer.rely_on_others()
    writer.rely(session.decision())
    return found.key if found.loose else ""

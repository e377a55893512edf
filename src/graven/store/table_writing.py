"""How a table is stored: as one Parquet file, in a pack while it is small, else by itself."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from graven.catalog.places import locate
from graven.formats import parquet
from graven.formats.envelope import BLOB
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes
from graven.objects import loose
from graven.objects.chunks import WHOLE_BYTES
from graven.store.attachment_names import check_attachment_name
from graven.store.attachment_writes import put_ref
from graven.store.attachments import Attachment, make_note
from graven.store.base import StoreBase

if TYPE_CHECKING:
    from graven.catalog.questions import Header
    from graven.store.session import PackWriter

_IN_MEMORY_BYTES = 16 * 1024 * 1024  # of rows: a stream is not asked how many it has


def put_table(store: StoreBase, header: Header, name: str, table: object) -> Attachment:
    """See `graven.store.tables.TableStore.put_table`; ``header`` is the run's."""
    name = check_attachment_name(name)
    reader = parquet.as_reader(table)
    parquet.check_schema(reader.schema)
    if isinstance(table, (pa.Table, pa.RecordBatch)) and table.nbytes <= _IN_MEMORY_BYTES:
        sink = pa.BufferOutputStream()
        written = parquet.write_parquet(reader, sink)
        return _put(store, header, name, sink.getvalue().to_pybytes(), written)
    with tempfile.TemporaryFile(prefix="graven-") as file:
        written = parquet.write_parquet(reader, pa.PythonFile(file, mode="w"))
        return _put_file(store, header, name, file, written)


def _put_file(
    store: StoreBase, header: Header, name: str, file: IO[bytes], written: parquet.Written
) -> Attachment:
    file.flush()
    with loose.mapped(file) as body:
        return _put(store, header, name, body, written)


def _put(
    store: StoreBase, header: Header, name: str, body: Any, written: parquet.Written
) -> Attachment:
    """The content first, or nothing of it where it stands already; then the ref."""
    object_id = hash_bytes(body)
    note = make_note(
        len(body), media_type=parquet.MEDIA_TYPE, rows=written.rows, schema=written.schema
    )
    writer = store.parts.session.writer()
    items: list[Item] = []
    key = _standing(store, object_id, writer)
    if key is None and len(body) <= WHOLE_BYTES:
        items.append(Item(object_id, BLOB, bytes(body)))
    elif key is None:
        key = store.parts.session.put_loose(object_id, body)
        writer.rely_on_others()  # a file that no ref names may be condemned at once
    if key:
        note[loose.NOTE] = loose.nonce_of(key)
    return put_ref(store, header, name, object_id, note, writer=writer, items=items)


def _standing(store: StoreBase, object_id: ObjectId, writer: PackWriter) -> str | None:
    """Where the object stands already: a loose file's key, "" for a pack, None for nowhere."""
    index, session = store.parts.index, store.parts.session
    places = index.look(lambda catalog: locate(catalog, object_id))
    found = index.first_standing(session.sound(places)) if places else None
    if found is None:
        return None
    writer.rely(session.decision())
    return found.key if found.loose else ""

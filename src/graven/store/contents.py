"""Objects as content: a blob, a file, a file within a folder, a record as JSON."""

from __future__ import annotations

import io
from functools import partial
from typing import BinaryIO

from graven.catalog.places import locate
from graven.errors import InvalidInput
from graven.formats.envelope import MANIFEST
from graven.formats.manifest import Manifest, decode_manifest
from graven.ids import ObjectId, parse_object_id
from graven.store.attachments import FOLDER, Attachment
from graven.store.base import StoreBase
from graven.store.filing import open_content
from graven.store.folders import Entry, decode_folder, find_entry
from graven.store.records import STEPPED, Result, array_of, decode_result, record_text


def read_record(store: StoreBase, object_id: ObjectId) -> Manifest | None:
    """The manifest of that id, None if the object is none.

    Raises:
        NotFound: no such object. Corrupt: damaged.
    """
    index = store.parts.index
    data = index.get(object_id)
    if index.look(partial(locate, object_id=object_id))[0].kind != MANIFEST:
        return None
    return decode_manifest(data)


def open_object(store: StoreBase, object_id: ObjectId, path: str | None, name: str) -> BinaryIO:
    """The content of an attachment's object; ``path`` and ``name`` as `open_attachment` has it.

    Raises:
        InvalidInput: a folder without a path, or a path into what is no folder.
        NotFound: no such file in it. Corrupt: damaged.
    """
    record = read_record(store, object_id)
    if path is not None:
        if record is None or record.type != FOLDER:
            raise InvalidInput(f"attachment {name!r} is no folder", kind="no-folder", name=name)
        entry = find_entry(decode_folder(record), path)
        return open_entry(store, entry)
    if record is None:
        return open_content(store, object_id)
    if record.type == FOLDER:
        raise InvalidInput(
            f"attachment {name!r} is a folder",
            kind="is-folder",
            hint="'graven ls RUN NAME' lists it, --path names a file of it, 'graven export' all",
            name=name,
        )
    array = array_of(record)
    if array is not None:
        return open_content(store, array)
    return io.BytesIO(record_text(_whole(store, record)))


def _whole(store: StoreBase, record: Manifest) -> Manifest:
    """A record with all of its data in it."""
    if record.type != STEPPED:
        return record
    from graven.store.series import read_pairs

    return Manifest(STEPPED, (), {"value": read_pairs(store, record)})


def read_result(store: StoreBase, found: Attachment) -> Result:
    """The data of a result.

    Raises:
        Corrupt: damaged. InvalidInput: what has its name is a file or folder.
    """
    record = read_record(store, parse_object_id(found.object_id))
    name = found.name.removeprefix("results/")
    if record is None or record.type == FOLDER:
        raise InvalidInput(
            f"{found.name!r} is a {found.kind}, no result",
            kind="no-result",
            hint="'read_attachment' has its bytes",
            name=found.name,
        )
    link = array_of(record)
    data = None
    if link is not None:
        with open_content(store, link) as content:
            data = content.read()
    metadata = {"type": STEPPED} if record.type == STEPPED else found.metadata
    return decode_result(_whole(store, record), name, found.stamp, data, metadata)


def open_entry(store: StoreBase, entry: Entry) -> BinaryIO:
    """The content of a file in a folder."""
    if entry.object_id is None:
        raise InvalidInput(f"{entry.name!r} is no file", kind="is-folder", path=entry.name)
    return open_content(store, entry.object_id)


def entries_of(store: StoreBase, object_id: ObjectId, name: str) -> list[Entry]:
    """What a folder holds.

    Raises:
        InvalidInput: it is no folder. Corrupt: damaged.
    """
    record = read_record(store, object_id)
    if record is None or record.type != FOLDER:
        raise InvalidInput(f"attachment {name!r} is no folder", kind="no-folder", name=name)
    return decode_folder(record)

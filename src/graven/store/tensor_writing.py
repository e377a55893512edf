"""Tensors into a store: encoded, looked up, written with their refs in one transaction."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from graven import clock
from graven.errors import InvalidInput
from graven.formats.envelope import BLOB, MANIFEST
from graven.formats.manifest import encode_manifest
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes, random_bytes
from graven.model.reading import plain
from graven.objects.chunks import WHOLE_BYTES
from graven.store.filing import known_objects, put_stream
from graven.store.session import Intent
from graven.store.tensor_arrays import Encoded, encode
from graven.store.tensor_listing import (
    FLAT,
    FLAT_KEY,
    LIST,
    LIST_LAYER,
    NESTED,
    Group,
    batch_missing,
    find_batch,
    newest_stamp,
    touched_batches,
)
from graven.store.tensor_names import (
    METADATA,
    batch_folder,
    check_batch,
    check_text,
    entry_folder,
    prefix_of,
    tensor_name,
)

if TYPE_CHECKING:
    from graven.store.base import StoreBase
    from graven.store.session import PackWriter

    Encoder = Callable[[Any], Encoded]

RECORD_TYPE = "tensor-batch"
AT_ONCE_BYTES = 4 * 1024 * 1024  # of encoded tensors held until they are looked up and added
_MARK_BYTES = 4  # two transactions that meet in one batch must differ, no more
_MANY_BATCHES = 8  # from here on one question for all is cheaper than one for each


class Given(NamedTuple):
    """What was passed in, checked: tensors by name in their folder, in safetensors form.

    ``record`` is the manifest of metadata and of layers without tensors, if there is any.
    """

    form: str
    tensors: dict[str, Encoded]
    record: bytes | None


def read_given(tensors: object, metadata: Mapping[str, Any] | None, folder: str) -> Given:
    """Check and encode all of a batch, before anything of it is written.

    Raises:
        InvalidInput: names layer and key.
    """
    form, rows, empty = _rows(tensors)
    out: dict[str, Encoded] = {}
    for layer, key, value in rows:
        name = tensor_name(folder, layer, key)
        if name in out:
            raise InvalidInput(
                f"layer {layer!r} and key {key!r} are given twice", kind="bad-name", field="layer"
            )
        try:
            out[name] = encode(value)
        except InvalidInput as error:
            raise error.inside(f"layer {layer}, key {key}", layer=layer, key=key) from None
    return Given(form, out, _record(metadata, empty, needed=not out))


def _rows(tensors: object) -> tuple[str, list[tuple[str, str, Any]], list[str]]:
    if isinstance(tensors, (list, tuple)):
        return LIST, [(LIST_LAYER, str(n), value) for n, value in enumerate(tensors)], []
    if not isinstance(tensors, Mapping):
        raise InvalidInput(
            f"tensors must be a mapping or a list, not {type(tensors).__name__}",
            kind="bad-tensor",
            hint="{layer: {key: array}}, {layer: array} or [array, ...]",
            field="tensors",
        )
    nested = [isinstance(value, Mapping) for value in tensors.values()]
    layers = [(check_text(name, "layer"), value) for name, value in tensors.items()]
    if nested and not any(nested):
        return FLAT, [(layer, FLAT_KEY, value) for layer, value in layers], []
    if not all(nested):
        raise InvalidInput(
            "some layers hold arrays and some hold keys", kind="bad-tensor", field="tensors"
        )
    rows = [(la, check_text(key, "key"), v) for la, by_key in layers for key, v in by_key.items()]
    return NESTED, rows, [layer for layer, by_key in layers if not by_key]


def _record(
    metadata: Mapping[str, Any] | None, empty: Sequence[str], *, needed: bool
) -> bytes | None:
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidInput(
            f"metadata must be a mapping, not {type(metadata).__name__}",
            kind="bad-metadata",
            field="metadata",
        )
    if not metadata and not empty and not needed:
        return None
    try:
        facts: dict[str, Any] = {"metadata": plain(metadata or {}, "metadata")}
    except TypeError as error:
        raise InvalidInput(str(error), kind="bad-metadata", field="metadata") from None
    if empty:
        facts["empty"] = list(empty)
    return encode_manifest(RECORD_TYPE, facts)


class TensorWriter:
    """Many batches in one transaction; made by `Tensors.writer`. Not for two threads at once.

    Tensors go to disk as it grows, so memory stays bounded; nothing is visible until the
    block ends, and nothing ever if it ends with an error. A batch that is put twice is what
    it was put last.
    """

    def __init__(self, store: StoreBase, run_id: str, writer: PackWriter) -> None:
        self._store = store
        self._run_id = run_id
        self._writer = writer
        self._folders: dict[str, list[Intent]] = {}
        self._waiting: dict[ObjectId, Item] = {}
        self._waiting_bytes = 0
        self._mark = random_bytes(_MARK_BYTES).hex()
        self._touched: set[int] | None = None  # asked for when there are many batches
        self._known = known_objects(store, refreshed=True)
        self.ended = False

    def put_batch(
        self, batch: int, tensors: Any, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Add a batch, as `Tensors.put_batch` does.

        Raises:
            InvalidInput: this batch cannot be stored; the others can go on.
        """
        self._check_open()
        number = check_batch(batch)
        folder = batch_folder(number)
        try:
            given = read_given(tensors, metadata, folder)
        except InvalidInput as error:
            raise error.inside(f"batch {number}", batch=number) from error
        self._put(folder, given, self._standing(number))

    def append(self, metadata: Mapping[str, Any] | None, tensors: Any) -> str:
        """Add an entry to those of the whole run, as `Tensors.append` does."""
        self._check_open()
        entry = _new_entry(self._store)
        folder = entry_folder(entry)
        self._put(folder, read_given(tensors, metadata, folder), None)
        return entry

    def delete_batch(self, batch: int) -> None:
        """Take a batch away, as `Tensors.delete_batch` does."""
        self._check_open()
        number = check_batch(batch)
        folder = batch_folder(number)
        group = self._standing(number)
        if folder not in self._folders and (group is None or not group.exists):
            raise batch_missing(self._run_id, number)
        self._folders[folder] = self._removals(folder, group, [])

    def _standing(self, batch: int) -> Group | None:
        """What was in a batch when the transaction began; its stamp is below ours."""
        index = self._store.parts.index
        if self._touched is None and len(self._folders) == _MANY_BATCHES:
            self._touched = index.look(partial(touched_batches, run_id=self._run_id))
        if self._touched is not None and batch not in self._touched:
            return None
        group = index.look(partial(find_batch, run_id=self._run_id, batch=batch))
        self._store.parts.session.observe(group.stamp)
        return group

    def _removals(self, folder: str, standing: Group | None, kept: Iterable[str]) -> list[Intent]:
        """Tombstones for what a batch held and does not hold any more."""
        names = standing.names if standing is not None else ()
        gone = {prefix_of(self._run_id, folder + rest) for rest in names}.difference(kept)
        return [Intent(name, None, None, {"put": self._mark}) for name in sorted(gone)]

    def _put(self, folder: str, given: Given, standing: Group | None) -> None:
        note = {"put": self._mark, "form": given.form}
        intents = []
        for name, encoded in given.tensors.items():
            target = self._add_tensor(encoded)
            facts = {**note, "size": encoded.size}
            intents.append(Intent(prefix_of(self._run_id, name), target, None, facts))
        if given.record is not None:
            item = Item(hash_bytes(given.record), MANIFEST, given.record)
            self._add(item)
            facts = {**note, "size": len(given.record), "type": RECORD_TYPE}
            facts["media_type"] = "application/json"
            ref = prefix_of(self._run_id, folder + METADATA)
            intents.append(Intent(ref, item.id, None, facts))
        intents += self._removals(folder, standing, [intent.name for intent in intents])
        self._folders[folder] = intents

    def _add_tensor(self, encoded: Encoded) -> ObjectId:
        if encoded.size > WHOLE_BYTES:
            self.flush()
            source = cast("BinaryIO", _Joined(encoded))
            return put_stream(self._store, source, writer=self._writer, known=self._known).object_id
        data = b"".join(encoded)
        item = Item(hash_bytes(data), BLOB, data)
        self._add(item)
        return item.id

    def _add(self, item: Item) -> None:
        if item.id not in self._waiting:
            self._waiting[item.id] = item
            self._waiting_bytes += len(item.data)
            if self._waiting_bytes > AT_ONCE_BYTES:
                self.flush()

    def flush(self) -> None:
        """Hand what waits to the transaction, less what the store holds already."""
        waiting, self._waiting, self._waiting_bytes = self._waiting, {}, 0
        known = self._known(list(waiting))
        if known:
            self._writer.rely_on_others()
        for object_id, item in waiting.items():
            if object_id not in known:
                self._writer.add(item)

    def finish(self) -> int:
        """Make all of it visible at once; how many refs were updated."""
        self.flush()
        for intents in self._folders.values():
            self._writer.extend(_together(intents))
        return len(self._writer.finish())

    def _check_open(self) -> None:
        if self.ended:
            raise InvalidInput(
                "the writer has ended: what is put now would never be stored",
                kind="batch-ended",
                hint="put within the 'with' block, or open another writer",
            )


def _new_entry(store: StoreBase) -> str:
    """The name of the next appended entry: its stamp, so that names sort, and a nonce.

    Nothing that stands there already is asked for: the newest pack's name says enough.
    """
    session = store.parts.session
    session.observe(store.parts.index.look(newest_stamp))
    return f"{clock.format_stamp(session.tick())}-{random_bytes(8).hex()}"


def _together(intents: Sequence[Intent]) -> Iterable[Intent]:
    """One stamp for all: of two puts that meet, one wins under every name."""
    return [
        intent if position == 0 else intent._replace(joined=True)
        for position, intent in enumerate(intents)
    ]


class _Joined(io.RawIOBase):
    """Header and data of a tensor as one stream, neither copied."""

    def __init__(self, encoded: Encoded) -> None:
        super().__init__()
        self._parts = [memoryview(encoded.head), encoded.data]

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any, /) -> int:
        while self._parts and not len(self._parts[0]):
            del self._parts[0]
        if not self._parts:
            return 0
        room = memoryview(target).cast("B")
        piece = self._parts[0][: len(room)]
        room[: len(piece)] = piece
        self._parts[0] = self._parts[0][len(piece) :]
        return len(piece)

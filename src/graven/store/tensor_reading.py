"""Tensors out of a store: objects fetched many at once, headers checked, arrays made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.catalog.places import locate_many
from graven.errors import Corrupt, FormatTooNew, GravenError, InvalidInput, NotFound
from graven.formats.envelope import BLOB, FILE
from graven.formats.manifest import decode_manifest
from graven.formats.tensor import ENTRY, PREFIX_BYTES, TensorHeader, decode_headers, header_bytes
from graven.ids import ObjectId
from graven.objects.filereader import ObjectFile
from graven.objects.reader import PORTION_BYTES, portions
from graven.store.tensor_arrays import decode
from graven.store.tensor_listing import FLAT, LIST, Group, Member, find_batch
from graven.store.tensor_names import check_text

if TYPE_CHECKING:
    from graven.objects.reader import Place
    from graven.store.base import StoreBase

_PAGE = 500
_BATCHES_AT_ONCE = 256


class Wanted(NamedTuple):
    """A tensor to read, and what an error calls it."""

    place: str
    member: Member


def _wanted(where: str, members: Sequence[Member]) -> list[Wanted]:
    return [Wanted(f"{where}, layer {m.layer}, key {m.key}", m) for m in members]


def read_one(
    store: StoreBase, group: Group, where: str, name: tuple[object, object], framework: str
) -> Any:
    """One tensor, by layer and key, of a batch or entry; ``where`` is what errors call that.

    Raises:
        NotFound: it has none of that name, or none that can be read. Corrupt: damaged.
    """
    layer, key = name
    member = group.find(check_text(layer, "layer"), check_text(key, "key"))
    if member is None:
        raise NotFound(f"{where} has no layer {layer!r} with key {key!r}", kind="tensor-missing")
    (array,) = read_arrays(store, _wanted(where, [member]), framework)
    return array


def where_of(run_id: str, batch: int) -> str:
    """A batch in messages."""
    return f"run {run_id}, batch {batch}"


def read_group(store: StoreBase, group: Group, where: str, framework: str) -> Any:
    """All tensors of a batch or entry, as they were given."""
    arrays = read_arrays(store, _wanted(where, group.members), framework)
    return shape_group(store, group, where, list(arrays))


def keys_by_layer(store: StoreBase, group: Group, where: str) -> dict[str, list[str]]:
    """Layers with their keys, those without any too."""
    out: dict[str, list[str]] = {layer: [] for layer in read_content(store, group, where).empty}
    for member in group.members:
        out.setdefault(member.layer, []).append(member.key)
    return out


def read_arrays(store: StoreBase, asked: Sequence[Wanted], framework: str) -> Iterator[Any]:
    """The arrays in the order asked for, fetched a few megabytes at once.

    Raises:
        NotFound, Corrupt: one cannot be read; names it.
    """
    for start in range(0, len(asked), _PAGE):
        page = asked[start : start + _PAGE]
        ids = [one.member.target for one in page]
        places = store.parts.index.look(partial(locate_many, ids=ids))
        pairs = [(object_id, places.get(object_id, ())) for object_id in ids]
        for first, end in portions(pairs):
            yield from _read_portion(store, page[first:end], pairs[first:end], framework)


def _read_portion(
    store: StoreBase,
    asked: Sequence[Wanted],
    pairs: Sequence[tuple[ObjectId, Sequence[Place]]],
    framework: str,
) -> Iterator[Any]:
    found = store.parts.index.reader.get_many(pairs)
    for one, (object_id, places), data in zip(asked, pairs, found, strict=True):
        try:
            if isinstance(data, NotFound):  # repacked since the catalog was asked
                array = _array(store, *_read_again(store, object_id), framework)
            elif isinstance(data, GravenError):
                raise data
            else:
                array = _array(store, data, places[0].kind, framework)
        except (Corrupt, FormatTooNew, InvalidInput, NotFound) as error:
            raise error.inside(one.place) from error
        yield array


def _read_again(store: StoreBase, object_id: ObjectId) -> tuple[bytes, str]:
    index = store.parts.index
    data = index.get(object_id)
    places = index.look(partial(locate_many, ids=[object_id]))
    return data, places[object_id][0].kind


def _array(store: StoreBase, data: bytes, kind: str, framework: str) -> Any:
    if kind == FILE:
        header, body = _read_large(ObjectFile(store.parts.index.get, data))
    elif kind == BLOB:
        header = _single(decode_headers(data, len(data)))
        body = bytearray(memoryview(data)[header.start : header.end])
    else:
        raise Corrupt(f"tensor is a {kind} object, no content", kind="bad-tensor")
    return decode(header, body, framework)


def _read_large(source: ObjectFile) -> tuple[TensorHeader, bytearray]:
    """A tensor of many chunks, in the memory that it takes itself."""
    prefix = source.read(PREFIX_BYTES)
    head = prefix + source.read(header_bytes(prefix, source.size) - PREFIX_BYTES)
    header = _single(decode_headers(head, source.size))
    try:
        body = bytearray(header.end - header.start)
    except MemoryError:
        raise InvalidInput(
            f"tensor of {header.end - header.start:,} bytes does not fit into memory",
            kind="too-large",
            hint="open_attachment reads it in parts",
        ) from None
    room = memoryview(body)
    source.seek(header.start)
    while room:
        count = source.readinto(room)
        if not count:
            raise Corrupt("tensor ends before its data does", kind="bad-tensor")
        room = room[count:]
    return header, body


def _single(headers: dict[str, TensorHeader]) -> TensorHeader:
    if list(headers) != [ENTRY]:
        raise Corrupt(
            f"safetensors file has {len(headers)} entries and not {ENTRY!r} alone",
            kind="bad-tensor",
            hint="read_attachment gives the file as it is",
        )
    return headers[ENTRY]


class Content(NamedTuple):
    """What is kept beside the tensors of a batch or entry."""

    metadata: dict[str, Any]
    empty: tuple[str, ...]


def read_content(store: StoreBase, group: Group, where: str) -> Content:
    """The record of a batch or entry, which ``where`` names in messages.

    Raises:
        NotFound: it is gone. Corrupt: it cannot be read, or is none: anybody may attach
            something under its name.
    """
    if group.record is None:
        return Content({}, ())
    stored = store.parts.index.get(group.record)
    try:
        data = decode_manifest(stored).data
    except Corrupt as error:
        raise Corrupt(
            f"metadata of {where} is no record of graven's: {error.message}",
            kind=error.kind,
            hint="read_attachment gives what stands under its name",
        ) from error
    found = data if isinstance(data, dict) else {}
    metadata, empty = found.get("metadata", {}), found.get("empty", [])
    if not isinstance(metadata, dict) or not isinstance(empty, list):
        raise Corrupt(f"metadata of {where} is no map", kind="bad-object")
    return Content(metadata, tuple(str(layer) for layer in empty))


def shape_group(store: StoreBase, group: Group, where: str, arrays: Sequence[Any]) -> Any:
    """The arrays of a batch as they were given: a list, by layer, or by layer and key."""
    if group.form == LIST:
        numbered = {int(m.key): array for m, array in zip(group.members, arrays, strict=True)}
        return [numbered[number] for number in sorted(numbered)]
    if group.form == FLAT:
        return {m.layer: array for m, array in zip(group.members, arrays, strict=True)}
    out: dict[str, dict[str, Any]] = {}
    if group.record is not None:
        out = {layer: {} for layer in read_content(store, group, where).empty}
    for member, array in zip(group.members, arrays, strict=True):
        out.setdefault(member.layer, {})[member.key] = array
    return out


def iter_batches(
    store: StoreBase, run_id: str, batches: Sequence[int], framework: str
) -> Iterator[tuple[int, Any]]:
    """Batches with their tensors; those that are gone meanwhile are left out."""
    for page in _pages(store, run_id, batches):
        asked = [w for batch, g in page for w in _wanted(where_of(run_id, batch), g.members)]
        arrays = read_arrays(store, asked, framework)
        for batch, group in page:
            own = [next(arrays) for _ in group.members]
            yield batch, shape_group(store, group, where_of(run_id, batch), own)


def _pages(
    store: StoreBase, run_id: str, batches: Sequence[int]
) -> Iterator[list[tuple[int, Group]]]:
    """Batches whose tensors are fetched in one go."""
    page: list[tuple[int, Group]] = []
    held = 0
    for batch in batches:
        question = partial(find_batch, run_id=run_id, batch=batch)
        group = store.parts.index.look(question)
        if not group.exists:
            continue
        page.append((batch, group))
        held += sum(member.size for member in group.members)
        if held >= PORTION_BYTES or len(page) == _BATCHES_AT_ONCE:
            yield page
            page, held = [], 0
    if page:
        yield page

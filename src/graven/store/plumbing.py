"""Objects, refs and packs as they are: what the plumbing commands call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.clock import format_stamp
from graven.errors import InvalidInput, NotFound
from graven.formats import layout
from graven.ids import hash_bytes, parse_object_id
from graven.store.tensors import TensorStore

if TYPE_CHECKING:
    from graven.ids import ObjectId
    from graven.refs.journal import RefUpdate


class ObjectInfo(NamedTuple):
    """An object: hex id, kind, size in bytes, the pack of its first copy (or its loose file)."""

    id: str
    kind: str
    size: int
    pack: str


class RefInfo(NamedTuple):
    """A ref's winning update: ``target`` is a hex id, None for a deletion."""

    name: str
    target: str | None
    stamp: int
    floor: int
    note: dict[str, Any] | None


class PackInfo(NamedTuple):
    """A pack: size in bytes, number of objects, what is wrong with it (None: nothing)."""

    name: str
    size: int
    objects: int
    problem: str | None


class PackContents(NamedTuple):
    """All that a pack's metadata says."""

    name: str
    size: int
    writer: str
    updates: list[dict[str, Any]]
    frames: list[dict[str, int]]
    objects: list[ObjectInfo]


class PlumbingStore(TensorStore):
    """A store's plumbing."""

    def find_objects(self, prefix: str) -> list[str]:
        """Hex ids that begin with a prefix of 8 or more digits (at most 3 of them)."""
        from graven.catalog.places import find_by_prefix

        found = self._index.ask(lambda catalog: find_by_prefix(catalog, prefix))
        if not found and not self.offline:
            self._index.refresh_loose()  # no ref need name a loose object
            found = self._index.look(lambda catalog: find_by_prefix(catalog, prefix))
        return [object_id.hex() for object_id in found]

    def _one_object(self, name: str) -> ObjectId:

        found = self.find_objects(name)
        if len(found) != 1:
            why = f"prefix {name!r} fits several" if found else f"no object {name}"
            raise NotFound(why, kind="prefix-ambiguous" if found else "object-missing", object=name)
        return parse_object_id(found[0])

    def get_object(self, object_id: str) -> bytes:
        """The bytes of an object, by hex id or unique prefix.

        Raises:
            NotFound: no such object. Corrupt: damaged.
        """
        return self._index.get(self._one_object(object_id))

    def object_info(self, object_id: str) -> ObjectInfo:
        """Kind, size and place of an object, by hex id or unique prefix."""
        from graven.catalog.places import locate

        wanted = self._one_object(object_id)
        place = self._index.ask(lambda catalog: locate(catalog, wanted))[0]
        return ObjectInfo(wanted.hex(), place.kind, place.length, place.pack)

    def put_object(self, data: bytes, kind: str = "blob", *, loose: bool = False) -> str:
        """Store a bare object, durably; returns its hex id. No ref names it.

        Args:
            data: its bytes.
            kind: what they are. A blob of over 1 MiB is cut into chunks, and what is
                returned is the id of their list.
            loose: keep a blob whole, as a file of its own.

        Raises:
            InvalidInput: no such kind, or bytes that are no object of that kind.
        """
        from graven.formats.envelope import BLOB, KIND_CODES, unseal
        from graven.formats.packbuild import Item
        from graven.objects.chunks import to_items

        if kind not in KIND_CODES:
            raise InvalidInput(f"no such kind of object: {kind!r}", kind="bad-kind", field="kind")
        if loose:
            return self._put_loose(data, kind)
        if kind == BLOB:
            items = to_items(data)
        else:
            unseal(data, kind, strict=True)
            items = [Item(hash_bytes(data), kind, data)]
        self._commit(items, [])
        return items[-1].id.hex()

    def _put_loose(self, data: bytes, kind: str) -> str:
        from graven.formats.envelope import BLOB

        if kind != BLOB:
            raise InvalidInput(
                f"a {kind} cannot be loose: its file does not say what it is",
                kind="bad-kind",
                field="kind",
            )
        object_id = hash_bytes(data)
        self._session.put_loose(object_id, data)
        return object_id.hex()

    def iter_objects(self, kind: str | None = None) -> Iterator[ObjectInfo]:
        """Every object once, in the order of ids."""
        from graven.catalog.places import iter_objects

        if not self.offline:
            self._index.refresh_loose()
        for object_id, place in self._index.ask(lambda catalog: list(iter_objects(catalog, kind))):
            yield ObjectInfo(object_id.hex(), place.kind, place.length, place.pack)

    def iter_refs(self) -> Iterator[RefInfo]:
        """Every journaled ref, deleted ones too, by name; runs first."""
        rows = self._index.ask(
            lambda catalog: catalog.rows(
                "SELECT 'runs/' || run_id, object, stamp, floor, note FROM run"
                " UNION ALL SELECT name, target, stamp, floor, note FROM ref ORDER BY 1"
            )
        )
        for name, target, stamp, floor, note in rows:
            yield RefInfo(
                name,
                None if target is None else target.hex(),
                stamp,
                floor,
                json.loads(note) if note else None,
            )

    def packs(self) -> list[PackInfo]:
        """All packs, by name."""
        rows = self._index.ask(
            lambda catalog: catalog.rows(
                "SELECT p.name, p.size, coalesce(sum(f.count), 0), p.problem FROM pack p"
                " LEFT JOIN frame f ON f.pack = p.n GROUP BY p.n ORDER BY p.name"
            )
        )
        return [PackInfo(*row) for row in rows]

    def show_pack(self, name: str) -> PackContents:
        """What a pack's metadata says, by file name or a unique beginning of it.

        Raises:
            NotFound: no such pack. Corrupt: damaged.
        """
        from graven.catalog.refresh import expand_updates
        from graven.objects.packs import read_pack_metadata

        wanted = name.removeprefix(layout.PACKS)
        fitting = [n for n in self._backend.names(layout.PACKS) if n.startswith(wanted)]
        if len(fitting) != 1 or not wanted:
            raise NotFound(
                f"{'several packs begin' if fitting else 'no pack begins'} with {name!r}",
                kind="pack-missing",
                pack=name,
            )
        size, metadata = read_pack_metadata(self._backend, fitting[0])
        index = metadata.objects
        return PackContents(
            fitting[0],
            size,
            metadata.updates.writer.hex(),
            [_update_dict(u, metadata.updates.writer) for u in expand_updates(metadata)],
            [
                {
                    "offset": f.offset,
                    "codec": f.codec,
                    "objects": f.count,
                    "raw": f.raw,
                    "stored": f.stored,
                }
                for f in index.frames
            ],
            [
                ObjectInfo(i.hex(), kind, length, fitting[0])
                for i, kind, length in zip(index.ids, index.kinds, index.lengths, strict=True)
            ],
        )


def _update_dict(update: RefUpdate, pack_writer: bytes) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": update.name,
        "stamp": format_stamp(update.stamp),
        "target": None if update.target is None else update.target.hex(),
    }
    if update.floor:
        record["floor"] = format_stamp(update.floor)
    if update.note:
        record["note"] = update.note
    if update.writer != pack_writer:
        record["writer"] = update.writer.hex()
    return record

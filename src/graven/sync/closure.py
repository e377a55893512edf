"""The objects that refs need, read from one store and not yet in the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from graven.catalog.places import locate_many
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.envelope import FILE
from graven.formats.packbuild import Item
from graven.ids import ObjectId
from graven.objects.reader import Place, Unreadable
from graven.store.index import Index
from graven.store.links import check_form, links_of

_PAGE = 500  # what the catalog is asked at once
# Of unpacked frames: a reader keeps several times as much, so that each is fetched once.
_PORTION_BYTES = 8 * 1024 * 1024

Need = Sequence[Item] | Iterator[Item]


class Closure:
    """Reads objects with all that they name, each once.

    Args:
        source: where they are read, as its last refresh left it.
        target: what it holds is left out.
    """

    def __init__(self, source: Index, target: Index) -> None:
        self._source = source
        self._target = target
        self._there: set[ObjectId] = set()  # in the target, or on the way to it

    def needs(self, ids: Sequence[ObjectId]) -> Iterator[Need | Unreadable]:
        """For each id the objects that must be sent with it, itself included, or why not.

        Of a large file the chunks come one by one, when they are taken.
        """
        for portion in self._portions(ids):
            yield from self._page(portion)

    def _portions(self, ids: Sequence[ObjectId]) -> Iterator[list[ObjectId]]:
        """Parts that fit into memory with all that must be unpacked for them."""
        portion: list[ObjectId] = []
        frames: set[tuple[str, int]] = set()
        size = 0
        for object_id, held in self._places(ids):
            frame = (held[0].pack, held[0].frame.offset) if held else None
            more = held[0].frame.raw if held and frame not in frames else 0
            if portion and size + more > _PORTION_BYTES:
                yield portion
                portion, frames, size = [], set(), 0
                more = held[0].frame.raw if held else 0
            portion.append(object_id)
            if frame is not None:
                frames.add(frame)
            size += more
        if portion:
            yield portion

    def _places(self, ids: Sequence[ObjectId]) -> Iterator[tuple[ObjectId, Sequence[Place]]]:
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            places = self._source.look(partial(locate_many, ids=page))
            for object_id in page:
                yield object_id, places.get(object_id, ())

    def _page(self, ids: Sequence[ObjectId]) -> Iterator[Need | Unreadable]:
        roots = self._read(self._lacking(ids))
        named: dict[ObjectId, list[ObjectId]] = {}
        for object_id, found in roots.items():
            if isinstance(found, Item):
                try:
                    named[object_id] = links_of(found.kind, found.data)
                except (Corrupt, FormatTooNew) as error:
                    roots[object_id] = error
        files = {i for i, f in roots.items() if isinstance(f, Item) and f.kind == FILE}
        shared = [n for i, names in named.items() if i not in files for n in names]
        parts = self._read(self._lacking(shared))
        for object_id in ids:
            if object_id in self._there:
                yield ()
                continue
            yield self._need(object_id, roots, named.get(object_id, []), parts)

    def _need(
        self,
        object_id: ObjectId,
        roots: dict[ObjectId, Item | Unreadable],
        named: list[ObjectId],
        parts: dict[ObjectId, Item | Unreadable],
    ) -> Need | Unreadable:
        root = roots[object_id]
        if not isinstance(root, Item):
            return root
        if root.kind == FILE:
            return self._file(root, named)
        out = []
        for part_id in named:
            part = parts.get(part_id)
            if part_id in self._there:
                continue
            if not isinstance(part, Item):
                return part or NotFound(f"no object {part_id.hex()}", kind="object-missing")
            out.append(part)
        out.append(root)
        self._there.update(item.id for item in out)
        return out

    def _file(self, root: Item, chunks: Sequence[ObjectId]) -> Iterator[Item]:
        for start in range(0, len(chunks), _PAGE):
            for chunk in self._lacking(chunks[start : start + _PAGE]):
                (found,) = self._read([chunk]).values()
                if not isinstance(found, Item):
                    raise found
                self._there.add(chunk)
                yield found
        self._there.add(root.id)
        yield root

    def _lacking(self, ids: Iterable[ObjectId]) -> list[ObjectId]:
        asked = [i for i in dict.fromkeys(ids) if i not in self._there]
        for start in range(0, len(asked), _PAGE):
            page = asked[start : start + _PAGE]
            self._there.update(self._target.look(partial(locate_many, ids=page)))
        return [i for i in asked if i not in self._there]

    def _read(self, ids: Sequence[ObjectId]) -> dict[ObjectId, Item | Unreadable]:
        wanted = list(self._places(ids))
        found = self._source.reader.get_many(wanted)
        return {i: _item(i, held, data) for (i, held), data in zip(wanted, found, strict=True)}


def _item(
    object_id: ObjectId, places: Sequence[Place], data: bytes | Unreadable
) -> Item | Unreadable:
    if not isinstance(data, bytes):
        return data
    kind = places[0].kind
    try:
        check_form(kind, data)
    except (Corrupt, FormatTooNew) as error:
        return error.inside(f"{kind} object {object_id.hex()}")
    return Item(object_id, kind, data)

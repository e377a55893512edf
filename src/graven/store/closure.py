"""The objects that refs need, read from one store and not yet in the other.

The other may be the same one, of which not all places count (`Session.sound`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from graven.catalog.places import locate_many
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.envelope import RUN
from graven.formats.packbuild import Item
from graven.ids import ObjectId
from graven.objects.loose import LooseItem
from graven.objects.reader import Place, Unreadable
from graven.store.index import Index
from graven.store.links import NAMING, check_form, links_of

_PAGE = 500  # what the catalog is asked at once
# Of unpacked frames: a reader keeps several times as much, so that each is fetched once.
_PORTION_BYTES = 8 * 1024 * 1024

_ATTEMPTS = 3  # at finding what has moved while it was looked for

Part = Item | LooseItem
Need = Sequence[Part] | Iterator[Part]


class Closure:
    """Reads objects with all that they name, to any depth, each once.

    An object that stands in the target may have lost what it names: a collector takes chunks
    that nobody needed, and leaves the record of the file in a pack with something alive. So
    what an object names is looked for whether the object itself is there or not.

    Args:
        source: where they are read, as its last refresh left it.
        target: what it holds is left out.
        sound: which of an object's places there may be counted on.
    """

    def __init__(
        self,
        source: Index,
        target: Index,
        sound: Callable[[Sequence[Place]], Sequence[Place]] = lambda places: places,
    ) -> None:
        self._source = source
        self._target = target
        self._sound = sound
        self._listed = False  # the source's loose objects
        self._there: set[ObjectId] = set()  # in the target, or on the way to it
        self._whole: set[ObjectId] = set()  # there with all that they name

    def needs(self, ids: Sequence[ObjectId]) -> Iterator[Need | Unreadable]:
        """For each id the objects that must be sent with it, itself included, or why not.

        Of a large file or a folder they come one by one, when they are taken.
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
            if len(places) < len(page) and not self._listed:
                self._listed = True
                self._source.refresh_loose()  # there may be files that no ref names
                places = self._source.look(partial(locate_many, ids=page))
            for object_id in page:
                yield object_id, places.get(object_id, ())

    def _page(self, ids: Sequence[ObjectId]) -> Iterator[Need | Unreadable]:
        lacking = set(self._lacking(ids))
        roots = self._read([i for i in self._worth_reading(ids, lacking) if i not in self._whole])
        named: dict[ObjectId, list[ObjectId]] = {}
        for object_id, found in roots.items():
            if isinstance(found, Item) and found.kind == RUN:
                try:
                    named[object_id] = links_of(found.kind, found.data)
                except (Corrupt, FormatTooNew) as error:
                    roots[object_id] = error
        parts = self._read(self._lacking(n for names in named.values() for n in names))
        for object_id in ids:
            if object_id in self._whole or object_id not in roots:
                yield ()
            else:
                yield self._need(roots[object_id], named.get(object_id, []), parts)

    def _worth_reading(
        self, ids: Sequence[ObjectId], lacking: Collection[ObjectId]
    ) -> list[ObjectId]:
        """Those that are not there, and those that may name what is not there."""
        return [
            object_id
            for object_id, held in self._places(ids)
            if object_id in lacking or (held and held[0].kind in NAMING)
        ]

    def _need(
        self,
        root: Part | Unreadable,
        named: list[ObjectId],
        parts: dict[ObjectId, Part | Unreadable],
    ) -> Need | Unreadable:
        if not isinstance(root, Part):
            return root
        if isinstance(root, Item) and root.kind in NAMING and root.kind != RUN:
            return self._tree(root)
        out = []
        for part_id in named:
            part = parts.get(part_id)
            if part_id in self._there:
                continue
            if not isinstance(part, Part):
                return part or NotFound(f"no object {part_id.hex()}", kind="object-missing")
            out.append(part)
        if root.id not in self._there:
            out.append(root)
        self._there.update(item.id for item in out)
        self._whole.add(root.id)
        return out

    def _tree(self, root: Item) -> Iterator[Part]:
        """What an object names comes before it; an own stack, for depth is the writer's choice."""
        stack = [(root, self._parts(root))]
        while stack:
            item, parts = stack[-1]
            part = next(parts, None)
            if isinstance(part, Item) and part.kind in NAMING:
                stack.append((part, self._parts(part)))
            elif part is not None:
                yield from self._once(part)
            else:
                stack.pop()
                yield from self._once(item)
                self._whole.add(item.id)

    def _once(self, item: Part) -> Iterator[Part]:
        if item.id not in self._there:
            self._there.add(item.id)
            yield item

    def _parts(self, item: Item) -> Iterator[Part]:
        """What an object names and the target may lack, in portions that fit into memory."""
        names = links_of(item.kind, item.data)
        for start in range(0, len(names), _PAGE):
            page = [i for i in dict.fromkeys(names[start : start + _PAGE]) if i not in self._whole]
            lacking = set(self._lacking(page))
            for portion in self._portions(self._worth_reading(page, lacking)):
                for found in self._read(portion).values():
                    if not isinstance(found, Part):
                        raise found
                    yield found

    def _lacking(self, ids: Iterable[ObjectId]) -> list[ObjectId]:
        asked = [i for i in dict.fromkeys(ids) if i not in self._there]
        for start in range(0, len(asked), _PAGE):
            page = asked[start : start + _PAGE]
            held = self._target.look(partial(locate_many, ids=page))
            self._there.update(i for i in held if self._target.first_standing(self._sound(held[i])))
        return [i for i in asked if i not in self._there]

    def _read(
        self, ids: Sequence[ObjectId], again: int = _ATTEMPTS
    ) -> dict[ObjectId, Part | Unreadable]:
        out: dict[ObjectId, Part | Unreadable] = {}
        wanted = []
        for object_id, held in self._places(ids):
            if held and held[0].loose:  # sent as the file that it is
                where = self._source.backend, held[0].pack, held[0].length
                out[object_id] = LooseItem(object_id, held[0].kind, *where)
            else:
                wanted.append((object_id, held))
        found = self._source.reader.get_many(wanted)
        moved = []
        for (object_id, held), data in zip(wanted, found, strict=True):
            out[object_id] = _item(object_id, held, data)
            if isinstance(data, NotFound) and held:
                moved.append(object_id)
        if moved and again:  # the pack vanished: what it held stands in another now
            self._source.look_again()
            out.update(self._read(moved, again - 1))
        return out


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

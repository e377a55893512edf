"""To which runs and names an object belongs: itself, as a part, or anywhere below.

Asked where something is damaged, for all damaged objects at once: one walk over the refs,
and down from those that lead to files and manifests.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence

from graven.catalog.database import Catalog
from graven.catalog.places import locate_many
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.envelope import DEFINITIONS, ENVIRONMENT, FILE, MANIFEST, RUN
from graven.ids import ObjectId
from graven.objects.reader import ObjectReader, Place
from graven.store.links import links_of

_PAGE = 1000
_REMEMBERED = 20_000
_NOTHING: frozenset[bytes] = frozenset()

Names = dict[bytes, set[str]]
"""Object id to the names of the refs that it belongs to."""


def find_owners(
    catalog: Catalog, reader: ObjectReader, wanted: Mapping[bytes, str | None]
) -> Names:
    """The visible journaled refs that need each object.

    Args:
        catalog: fresh.
        reader: over what the catalog knows.
        wanted: id to kind (None: not known). Environments and definitions cost the reading
            of all runs, as only those name them.
    """
    if not wanted:
        return {}
    return _Search(catalog, reader, wanted).run()


def runs_among(names: set[str]) -> tuple[str, ...]:
    """Ids of the runs that these refs belong to, sorted."""
    parsed = (layout.parse_ref_name(name) for name in names)
    return tuple(sorted({ref.run_id for ref in parsed if ref is not None}))


class _Search:
    def __init__(
        self, catalog: Catalog, reader: ObjectReader, wanted: Mapping[bytes, str | None]
    ) -> None:
        self._catalog = catalog
        self._reader = reader
        self._wanted = wanted
        self._found: Names = {}
        self._below: OrderedDict[bytes, frozenset[bytes]] = OrderedDict()

    def run(self) -> Names:
        kinds = set(self._wanted.values())
        if kinds & {RUN, None}:
            for run_id, target in self._runs():
                if target in self._wanted:
                    self._add(target, layout.run_ref(run_id))
        if kinds & {ENVIRONMENT, DEFINITIONS, None}:
            self._look_into_runs()
        for name, target in self._refs():
            if target in self._wanted:
                self._add(target, name)
            for object_id in self._under(ObjectId(target)):
                self._add(object_id, name)
        return self._found

    def _add(self, object_id: bytes, name: str) -> None:
        self._found.setdefault(object_id, set()).add(name)

    def _runs(self) -> Iterator[tuple[str, bytes]]:
        after = 0
        while rows := self._catalog.rows(
            "SELECT n, run_id, object FROM run WHERE n > ? AND object IS NOT NULL"
            f" ORDER BY n LIMIT {_PAGE}",
            (after,),
        ):
            yield from ((run_id, target) for _, run_id, target in rows)
            after = rows[-1][0]

    def _refs(self) -> Iterator[tuple[str, bytes]]:
        after = ""
        while rows := self._catalog.rows(
            "SELECT f.name, f.target FROM ref f LEFT JOIN run r ON r.run_id = f.run_id"
            " WHERE f.name > ? AND f.target IS NOT NULL"
            " AND (f.run_id IS NULL OR (r.object IS NOT NULL AND f.stamp > r.floor))"
            f" ORDER BY f.name LIMIT {_PAGE}",
            (after,),
        ):
            yield from ((name, target) for name, target in rows)
            after = rows[-1][0]

    def _look_into_runs(self) -> None:
        page: list[tuple[str, bytes]] = []
        for pair in self._runs():
            page.append(pair)
            if len(page) == _PAGE // 2:
                self._look_into(page)
                page = []
        self._look_into(page)

    def _look_into(self, page: Sequence[tuple[str, bytes]]) -> None:
        ids = [ObjectId(target) for _, target in page]
        places = self._places(ids)
        found = self._reader.get_many([(i, places.get(i, ())) for i in ids])
        for (run_id, _), data in zip(page, found, strict=True):
            if not isinstance(data, bytes):
                continue  # damaged itself, and named as such
            try:
                links = links_of(RUN, data)
            except (Corrupt, FormatTooNew):
                continue
            for link in links:
                if link in self._wanted:
                    self._add(link, layout.run_ref(run_id))

    def _under(self, root: ObjectId) -> frozenset[bytes]:
        """The wanted objects below a file or manifest, at any depth."""
        known = self._below.get(root)
        if known is not None:
            self._below.move_to_end(root)
            return known
        found = self._walk(root)
        self._below[root] = found
        if len(self._below) > _REMEMBERED:
            self._below.popitem(last=False)
        return found

    def _walk(self, root: ObjectId) -> frozenset[bytes]:
        hit: set[bytes] = set()
        seen = {root}
        level = [root]
        while level:
            deeper: list[ObjectId] = []
            places = self._places(level)
            for object_id in level:
                held = places.get(object_id, ())
                if held and held[0].kind in (FILE, MANIFEST):
                    deeper += self._links(object_id, held)
            level = [i for i in dict.fromkeys(deeper) if i not in seen]
            seen.update(level)
            hit.update(i for i in level if i in self._wanted)
        return frozenset(hit) or _NOTHING

    def _links(self, object_id: ObjectId, held: Sequence[Place]) -> list[ObjectId]:
        try:
            return links_of(held[0].kind, self._reader.get_at(object_id, held))
        except (Corrupt, FormatTooNew, NotFound):
            return []  # damaged itself: what it named cannot be told

    def _places(self, ids: Sequence[ObjectId]) -> dict[ObjectId, list[Place]]:
        found: dict[ObjectId, list[Place]] = {}
        for start in range(0, len(ids), _PAGE // 2):
            found.update(locate_many(self._catalog, ids[start : start + _PAGE // 2]))
        return found

"""What a damaged pack still says, copied to where it is safe; what it lost, fetched elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from graven.backends.base import Backend
from graven.catalog.places import locate_many
from graven.catalog.refresh import expand_updates
from graven.catalog.salvage import SALVAGED_WRITER, salvage_pack
from graven.catalog.states import states_of
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout, pack
from graven.formats.envelope import KINDS_BY_CODE
from graven.formats.packbuild import Item
from graven.ids import ObjectId
from graven.objects.loose import LooseItem
from graven.objects.packs import read_pack_metadata, recover_pack_metadata
from graven.objects.reader import Place
from graven.refs.journal import RefUpdate
from graven.store import Store
from graven.store.closure import Closure
from graven.sync.shipment import Shipment
from graven.upkeep.survey import Survey

_PAGE = 500


class Remains(NamedTuple):
    """What can be read of a damaged pack.

    Attributes:
        objects: ids and kinds, as its index or its frames say.
        updates: of refs; made from run objects where ``lost``.
        lost: its own updates are gone, whatever they were.
    """

    objects: list[tuple[ObjectId, str]]
    updates: list[RefUpdate]
    lost: bool


def read_remains(backend: Backend, name: str) -> Remains:
    """Read what can be read of a pack; nothing, if nothing can.

    Raises:
        NotFound: it is gone. FormatTooNew: it is of a newer graven.
    """
    try:
        try:
            facts = read_pack_metadata(backend, name)
        except Corrupt:
            found = recover_pack_metadata(backend, name)
            if found is None:
                return _salvaged(backend, name)
            facts = found
    except Corrupt:  # the file itself cannot be read
        return Remains([], [], lost=True)
    index: pack.PackIndex = facts.metadata.objects
    objects = list(zip(index.ids, index.kinds, strict=True))
    return Remains(objects, expand_updates(facts.metadata), lost=False)


def _salvaged(backend: Backend, name: str) -> Remains:
    found = salvage_pack(backend, name)
    objects = [(row[0], KINDS_BY_CODE[row[4]]) for row in found.objects]
    return Remains(objects, found.updates, lost=True)


class Rescuer:
    """Fills healing packs: what stands only in damaged files, or in none.

    Args:
        store: is healed.
        source: another store, or None: then only copies within the store itself help.
        copy: the same, if it is a copy of this one: then what it says of refs counts, too.
        damaged: keys of the files that are not to be counted on.

    Attributes:
        fetched: hex ids of the objects that came from the other store, with their kinds.
        copied: number of objects that were copied from what can still be read.
        beyond: ids of the objects that nobody could give.
    """

    def __init__(
        self,
        store: Store,
        source: Store | None,
        copy: Store | None,
        damaged: frozenset[str],
    ) -> None:
        self._store = store
        self._source = source
        self._copy = copy
        self._survey: Survey | None = None  # of the sound packs
        self._damaged = damaged
        self._shipment = Shipment(store.parts.session)
        self._done: set[ObjectId] = set()
        self.fetched: dict[str, str] = {}
        self.copied = 0
        self.beyond: set[bytes] = set()

    @property
    def written(self) -> int:
        """How many objects and packs were written."""
        return self._shipment.objects + self._shipment.packs

    def send(self) -> None:
        """Write what is waiting."""
        self._shipment.send()

    def close(self) -> None:
        """Remove temporary files."""
        if self._survey is not None:
            self._survey.close()
            self._survey = None

    def rescue_pack(self, name: str) -> Remains:
        """Bring all of a damaged pack to safety, as far as it can be had.

        Raises:
            NotFound: it is gone.
        """
        remains = read_remains(self._store.parts.backend, name)
        self.rescue(remains.objects)
        for update in self._news(remains):
            self._shipment.add((), update)
        return remains

    def rescue(self, objects: Sequence[tuple[ObjectId, str]]) -> None:
        """Write those of these objects that stand in no sound file."""
        for start in range(0, len(objects), _PAGE):
            page = objects[start : start + _PAGE]
            ids = [object_id for object_id, _ in page]
            places = self._store.parts.index.look(partial(locate_many, ids=ids))
            for object_id, kind in page:
                held = places.get(object_id, [])
                if object_id in self._done or any(p.key not in self._damaged for p in held):
                    continue
                self._done.add(object_id)
                if not self._copy_over(object_id, kind, held):
                    self._fetch_one(object_id, kind)

    def _copy_over(self, object_id: ObjectId, kind: str, held: Sequence[Place]) -> bool:
        try:
            data = self._store.parts.index.reader.get_at(object_id, held)
        except (Corrupt, FormatTooNew, NotFound):
            return False
        self._put(object_id, kind, data)
        self.copied += 1
        return True

    def _fetch_one(self, object_id: ObjectId, kind: str) -> None:
        if self._source is not None:
            try:
                self._put(object_id, kind, self._source.parts.index.get(object_id))
            except (Corrupt, FormatTooNew, NotFound):
                pass  # it has none either: told below
            else:
                self.fetched[object_id.hex()] = kind
                return
        self.beyond.add(object_id)

    def _put(self, object_id: ObjectId, kind: str, data: bytes) -> None:
        if len(data) + pack.TOC_ENTRY_BYTES > pack.MAX_FRAME_RAW:  # no frame takes it
            self._store.parts.session.put_loose(object_id, data)
        else:
            self._shipment.add([Item(object_id, kind, data)])

    def fetch(self, ids: Sequence[ObjectId]) -> None:
        """Fetch objects that are missing here, with all that they name."""
        if self._source is None:
            self.beyond.update(ids)
            return
        closure = Closure(self._source.parts.index, self._store.parts.index)
        for object_id, need in zip(ids, closure.needs(ids), strict=True):
            try:
                if isinstance(need, (Corrupt, FormatTooNew, NotFound)):
                    raise need
                self._shipment.add(self._noted(need))
            except (Corrupt, FormatTooNew, NotFound):
                self.beyond.add(object_id)

    def _noted(
        self, need: Sequence[Item | LooseItem] | Iterator[Item | LooseItem]
    ) -> Iterator[Item | LooseItem]:
        for item in need:
            yield item
            self.fetched[item.id.hex()] = item.kind if isinstance(item, Item) else "blob"

    def _news(self, remains: Remains) -> Iterator[RefUpdate]:
        """Those of the updates that the sound packs do not know yet."""
        for start in range(0, len(remains.updates), _PAGE):
            page = remains.updates[start : start + _PAGE]
            if remains.lost:
                page = self._as_there(page)
            known = self._known(page)
            for update in page:
                state = known.get(update.name)
                if state is None:
                    yield update
                elif remains.lost and update.writer == SALVAGED_WRITER:
                    # Made up from the object: what says the same, or is later, is truer.
                    if state.target != update.target and state.stamp < update.stamp:
                        yield update
                elif update.rank > state.rank or update.raised_floor > state.floor:
                    yield update

    def _as_there(self, page: Sequence[RefUpdate]) -> list[RefUpdate]:
        """Updates that were made up from run objects, as the other store has them."""
        if self._copy is None:
            return list(page)
        names = [update.name for update in page]
        states = self._copy.parts.index.look(partial(states_of, names=names))
        true = {state.name: state for state in states}
        self.fetch([s.target for s in true.values() if s.target is not None])
        return [true.get(update.name, update) for update in page]

    def _known(self, page: Sequence[RefUpdate]) -> dict[str, RefUpdate]:
        if self._survey is None:
            backend = self._store.parts.backend
            listed = (n for n in backend.names(layout.PACKS) if layout.parse_pack_name(n))
            sound = [n for n in listed if layout.pack_key(n) not in self._damaged]
            self._survey = Survey(backend, sound)
        names = [update.name for update in page]
        return {state.name: state for state in states_of(self._survey.catalog, names)}


def pack_names(keys: Sequence[str] | frozenset[str]) -> list[str]:
    """File names of the packs among some keys, sorted."""
    kept = [key for key in keys if layout.classify(key) is layout.FileKind.PACK]
    return sorted(key.removeprefix(layout.PACKS) for key in kept)

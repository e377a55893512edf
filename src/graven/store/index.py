"""The catalog and the objects of a store behind one door: refreshed, then asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from graven import clock
from graven.backends.base import Backend, Data
from graven.catalog import freshness
from graven.catalog.database import Catalog, CatalogLost
from graven.catalog.schema import WAITING
from graven.errors import BackendUnavailable, Corrupt, NotFound
from graven.ids import ObjectId

if TYPE_CHECKING:  # these load the decoders, which most questions do without
    from graven.objects.cache import ObjectCache
    from graven.objects.reader import ObjectReader, Place

T = TypeVar("T")

_ATTEMPTS = 3


class Index:
    """Answers questions from the catalog, after bringing it up to date."""

    def __init__(
        self,
        catalog: Catalog,
        backend: Backend,
        *,
        cache: Callable[[], ObjectCache | None] = lambda: None,
        refresh_every: float = 0.0,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self.catalog = catalog
        self._backend = backend
        self._make_cache = cache
        self._on_gone = on_gone
        self._refresh_every = refresh_every
        self._looked = -math.inf if refresh_every != math.inf else math.inf
        self._reader: ObjectReader | None = None
        self._told: set[str] = set()

    def _expire(self) -> None:
        """Look at a remote store anew at the next question."""
        if self._refresh_every != math.inf:
            self._looked = -math.inf

    def ask(self, question: Callable[[Catalog], T], *, measured: bool = False) -> T:
        """The answer to ``question`` on a catalog that knows the store as it is now.

        Args:
            question: may be called again, if the catalog turns out to be damaged.
            measured: the question needs metric values too.
        """
        for _ in range(_ATTEMPTS):
            try:
                self._refresh()
                if measured:
                    self._measure()
                return question(self.catalog)
            except CatalogLost:
                continue
        raise Corrupt(
            f"the catalog {self.catalog.path} is damaged again and again",
            kind="bad-catalog",
            hint="delete the store's cache folder; nothing is lost with it",
        )

    def refresh(self) -> None:
        """Bring the catalog up to date, for questions by `look` that follow."""
        self.ask(lambda catalog: None)

    def look(self, question: Callable[[Catalog], T]) -> T:
        """As `ask`, on the catalog as the last `ask` left it: the second half of an answer."""
        try:
            return question(self.catalog)
        except CatalogLost:
            return self.ask(question)

    def _refresh(self) -> None:
        if self._backend.remote:
            if clock.monotonic() - self._looked < self._refresh_every:
                return
        # Two steps, so that a store that has not moved loads no decoder.
        elif freshness.compare_listing(self.catalog, self._backend) is None:
            return
        from graven.catalog.refresh import refresh

        for error in refresh(self.catalog, self._backend, on_gone=self._on_gone, moved=True):
            self._tell(error.message)
        if self._refresh_every:
            self._looked = clock.monotonic()

    def _tell(self, text: str) -> None:
        from graven.store.base import warn

        if text not in self._told:  # it is tried again at each question
            self._told.add(text)
            warn(f"{text}; its runs are left out")

    def _measure(self) -> None:
        if self.catalog.one(f"SELECT 1 FROM run WHERE {WAITING} LIMIT 1") is not None:
            from graven.catalog.measurements import index_measurements

            for _ in range(_ATTEMPTS):
                with suppress(NotFound):  # a pack vanished: what it held stands in another now
                    index_measurements(self.catalog, self.reader, give_up=False)
                    return
                self.look_again()
            index_measurements(self.catalog, self.reader)

    def look_again(self) -> None:
        """Bring the catalog up to date, whenever the last look was: packs have vanished."""
        self._expire()
        self._refresh()

    def begin_in_child(self) -> None:
        """After a fork: another thread of the parent may have held the reader's lock."""
        self._reader = None

    @property
    def reader(self) -> ObjectReader:
        """Verified objects by id."""
        if self._reader is None:
            from graven.objects.reader import ObjectReader

            self._reader = ObjectReader(self._backend, self._locate, cache=self._make_cache())
        return self._reader

    def _locate(self, object_id: ObjectId) -> Sequence[Place]:
        from graven.catalog.places import locate

        # No refresh here: whoever has an id got it from the catalog, or asks `get`.
        return locate(self.catalog, object_id)

    def get(self, object_id: ObjectId) -> bytes:
        """The bytes of an object, the store looked at anew if it is not known yet.

        A pack that vanished since the last look (repacked, its objects moved) is not an
        answer: the store is looked at again.

        Raises:
            NotFound: no pack holds it. Corrupt: no copy of it matches its name.
        """
        from graven.catalog.places import locate

        if self._backend.remote:  # an id says all: what is known of it needs no new look
            places = self.look(lambda catalog: locate(catalog, object_id))
            with suppress(NotFound):  # not known yet, or repacked since: looked for below
                return self.reader.get_at(object_id, places)
            self._expire()
        for attempt in range(_ATTEMPTS):
            places = self.ask(lambda catalog: locate(catalog, object_id))
            try:
                return self.reader.get_at(object_id, places)
            except NotFound:
                if not places or attempt + 1 == _ATTEMPTS:
                    break
        try:
            self.refresh_loose()  # a file that no ref names, or one that was put anew
        except BackendUnavailable as error:
            if error.kind != "offline":
                raise
        return self.reader.get_at(object_id, self.look(partial(locate, object_id=object_id)))

    def refresh_loose(self) -> None:
        """Take in which loose objects there are: one listing of ``objects/``."""
        from graven.catalog.refresh import refresh_loose

        self.look(lambda catalog: refresh_loose(catalog, self._backend))

    def first_standing(self, places: Sequence[Place]) -> Place | None:
        """The first of an object's places whose file is there, None if there is none.

        For a writer who is about to count on it. A pack that vanished leaves the catalog
        with the next look; of a loose file nobody tells, so it is looked at.
        """
        for place in places:
            if not place.loose or self._backend.head(place.pack) is not None:
                return place
        return None

    @property
    def backend(self) -> Backend:
        """Where the objects are."""
        return self._backend

    def take_in(self, name: str, data: Data) -> None:
        """Let the catalog know a pack that was written from here, so that it is not fetched.

        A convenience: where it cannot be done, the next look brings the pack in.
        """
        from graven.catalog.refresh import apply_own_pack

        try:
            apply_own_pack(self.catalog, name, data)
        except (CatalogLost, BackendUnavailable, Corrupt):
            self._expire()

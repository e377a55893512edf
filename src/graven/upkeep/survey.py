"""What packs say, in a catalog of its own: a collector believes no cache.

The catalog is a temporary file, made from metadata that is read now. Beside its tables stand
the updates of each pack (`told`), so that it can be said which pack is needed for which name.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType

from graven.backends.base import Backend
from graven.backends.parallel import run_all
from graven.catalog.database import Catalog
from graven.catalog.merging import Placements
from graven.catalog.places import locate
from graven.catalog.refresh import apply_facts, expand_updates, refresh_loose
from graven.errors import BackendUnavailable, Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.envelope import KIND_CODES
from graven.objects.packs import PackFacts, read_pack_metadata, recover_pack_metadata
from graven.objects.reader import ObjectReader
from graven.refs.journal import RefUpdate
from graven.store.links import NAMING

NAMING_CODES = ", ".join(str(KIND_CODES[kind]) for kind in sorted(NAMING))
"""Kinds of objects that name others, for questions."""

_WINDOW = 4  # times the backend's concurrency: packs whose metadata is read at once, at most
_WINDOW_UPDATES = 50_000  # what such packs may have together: a large one takes 100 MB alone

# told: the updates of each pack. run_id: of a run's own ref, else NULL; owner: the run of an
#   attachment, else NULL. gone: 1 for a tombstone; floor: as it raises it.
# aside: the objects of packs that are told of and not taken in; naming: 1 for a kind of object
#   that names others: the same bytes may be a blob elsewhere.
_TABLES = """
CREATE TABLE told(pack TEXT, name TEXT, run_id TEXT, owner TEXT, stamp INTEGER, writer BLOB,
    gone INTEGER, target BLOB, floor INTEGER);
CREATE TABLE aside(id BLOB, pack TEXT, naming INTEGER);
"""


class Survey:
    """A temporary catalog of some packs of a store; closes with its ``with`` block.

    Args:
        backend: the store's.
        names: packs to take in.
        given_up: packs that a repair has condemned: of those what can still be read counts,
            and what cannot was made good elsewhere, or is lost for good.
    """

    def __init__(
        self, backend: Backend, names: Collection[str], given_up: Collection[str] = frozenset()
    ) -> None:
        self._backend = backend
        self._given_up = given_up
        self._folder = tempfile.TemporaryDirectory(prefix="graven-gc-")
        path = f"{self._folder.name}/survey.sqlite"
        self.catalog = Catalog(path, store_id="survey", url=backend.url)
        self.reader = ObjectReader(backend, partial(locate, self.catalog))
        try:
            with self._changing() as connection:
                for statement in _TABLES.split(";"):
                    connection.execute(statement)
            self.take(names)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Survey:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self.catalog.close()
        self._folder.cleanup()

    def take(self, names: Collection[str]) -> None:
        """Take packs in: their updates are merged, their objects are there.

        Raises:
            Corrupt, FormatTooNew: one cannot be read whole: what it says might matter.
            BackendUnavailable: one has vanished since it was listed (kind ``packs-moved``).
        """
        with self._changing() as connection:
            places = Placements(connection)
            for name, facts in self._read(names):
                updates = apply_facts(connection, name, facts, places)
                _tell(connection, name, updates)
            places.flush()
            _index(connection)

    def tell(self, names: Collection[str]) -> None:
        """Note what packs say without taking them in; raises as `take` does."""
        with self._changing() as connection:
            for name, facts in self._read(names):
                _tell(connection, name, expand_updates(facts.metadata))
                index = facts.metadata.objects
                connection.executemany(
                    "INSERT INTO aside VALUES(?, ?, ?)",
                    (
                        (object_id, name, kind in NAMING)
                        for object_id, kind in zip(index.ids, index.kinds, strict=True)
                    ),
                )
            _index(connection)

    def take_loose(self) -> None:
        """Take in which loose objects there are."""
        refresh_loose(self.catalog, self._backend)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """All rows of a question."""
        return self.catalog.rows(sql, values)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self.catalog.transaction() as connection:
            yield connection

    def change(self, sql: str, rows: Sequence[tuple[object, ...]] | None = None) -> None:
        """Run a statement, once for each of ``rows`` if they are given."""
        with self._changing() as connection:
            if rows is None:
                connection.execute(sql)
            else:
                connection.executemany(sql, rows)

    def _read(self, names: Collection[str]) -> Iterator[tuple[str, PackFacts]]:
        ordered = sorted(names)
        window = 1  # more and more, as long as they are small
        while ordered:
            part, ordered = ordered[:window], ordered[window:]
            found = run_all(self._backend, [partial(self._facts, name) for name in part])
            size = sum(len(facts.metadata.updates.updates) for _, facts in found if facts)
            window = self._wider(window) if size < _WINDOW_UPDATES else max(1, window // 2)
            while found:  # whoever takes one is alone with it
                name, facts = found.pop(0)
                if facts is not None:
                    yield name, facts
                del facts

    def _wider(self, window: int) -> int:
        at_once = self._backend.concurrency
        return min(2 * window, _WINDOW * at_once) if at_once > 1 else 1

    def _facts(self, name: str) -> tuple[str, PackFacts | None]:
        try:
            return name, read_pack_metadata(self._backend, name)
        except NotFound as error:
            raise packs_moved(name) from error
        except (Corrupt, FormatTooNew) as error:
            if name in self._given_up and isinstance(error, Corrupt):
                return name, self._what_is_left(name)
            raise type(error)(
                f"pack {name} cannot be read whole, so nobody knows what it needs: {error.message}",
                kind=error.kind,
                hint="see 'graven fsck'; nothing was condemned",
                pack=name,
            ) from error

    def _what_is_left(self, name: str) -> PackFacts | None:
        try:
            return recover_pack_metadata(self._backend, name)
        except Corrupt:
            return None  # the file itself cannot be read


def packs_moved(name: str) -> BackendUnavailable:
    """The error for a pack that was listed and is gone: another collector is at work."""
    return BackendUnavailable(
        f"pack {name} was deleted while it was looked at",
        kind="packs-moved",
        hint="another gc is at work; try again later",
        pack=name,
    )


def _tell(connection: sqlite3.Connection, pack: str, updates: Sequence[RefUpdate]) -> None:
    connection.executemany(
        "INSERT INTO told VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                pack,
                update.name,
                *_runs(update.name),
                update.stamp,
                update.writer,
                update.target is None,
                update.target or b"",
                update.raised_floor,
            )
            for update in updates
        ),
    )


def _runs(name: str) -> tuple[str | None, str | None]:
    """The id of the run that a ref is, and of the run that it belongs to."""
    parsed = layout.parse_ref_name(name)
    if parsed is None:
        return None, None
    return (None, parsed.run_id) if parsed.attachment else (parsed.run_id, None)


def _index(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE INDEX IF NOT EXISTS told_by_pack ON told(pack)")
    connection.execute("CREATE INDEX IF NOT EXISTS aside_by_id ON aside(id)")

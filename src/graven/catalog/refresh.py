"""Reading new packs into the catalog: one listing, then their metadata regions.

The lock is held from the listing to the commit, so that two processes never apply an
older listing over a newer one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from graven.backends.base import Backend, Data
from graven.backends.parallel import run_all
from graven.catalog.collector import collector_paused
from graven.catalog.database import Catalog, indexes_last
from graven.catalog.freshness import compare_listing
from graven.catalog.merging import INSERT_OBJECT, Placements, apply_updates
from graven.catalog.salvage import Salvage, salvage_pack
from graven.catalog.schema import HEADER_INDEXES
from graven.catalog.vanished import losses_noticed
from graven.clock import wall_ms
from graven.errors import Corrupt, NotFound
from graven.formats import layout, pack
from graven.formats.header import FrameRow, UpdateSection
from graven.ids import ObjectId
from graven.objects.loose import iter_loose, key_in_note
from graven.objects.packs import (
    UNREADABLE,
    PackFacts,
    read_pack_metadata,
    recover_pack_metadata,
)
from graven.refs.journal import RefUpdate


def refresh(
    catalog: Catalog,
    backend: Backend,
    *,
    on_gone: Callable[[], None] = lambda: None,
    moved: bool = False,
) -> list[Corrupt]:
    """Bring the catalog up to the store's present listing.

    A pack that is damaged is remembered with its problem, what can be read of it is
    taken in, and the others are not held up.

    Args:
        catalog: is changed.
        backend: is read: one listing, then the new metadata regions, several at once.
        on_gone: called when packs that were known have vanished; it may raise.
        moved: the caller has compared the listing, and found that the store has moved.

    Returns:
        Of each pack whose file cannot be read now, why: it is tried again the next time.

    Raises:
        FormatTooNew: a pack of a newer graven.
    """
    # A listing of a bucket is a request: there the first look is the one under the lock.
    if not backend.remote and not moved and compare_listing(catalog, backend) is None:
        return []
    with collector_paused(), catalog.transaction() as connection:
        difference = compare_listing(catalog, backend)
        if backend.remote:
            connection.execute("INSERT OR REPLACE INTO meta VALUES('looked', ?)", (wall_ms(),))
        if difference is None:
            return []
        if difference.gone:
            on_gone()
            with losses_noticed(connection, backend, difference.gone):
                # Merged state cannot be un-merged: what a vanished pack had won may have
                # been somebody else's before.
                catalog.clear(connection)
                listed = sorted(name for name in difference.listed if layout.parse_pack_name(name))
                unreadable = _apply_packs(connection, backend, listed)
        else:
            unreadable = _apply_packs(connection, backend, difference.added)
        token = None if unreadable else difference.token
        connection.execute("INSERT OR REPLACE INTO meta VALUES('token', ?)", (token,))
    return unreadable


def _apply_packs(
    connection: sqlite3.Connection, backend: Backend, names: Sequence[str]
) -> list[Corrupt]:
    """Take packs in; of those whose file cannot be read now, why."""
    unreadable: list[Corrupt] = []
    empty = connection.execute("SELECT 1 FROM run LIMIT 1").fetchone() is None
    with indexes_last(connection, HEADER_INDEXES, bulk=empty):
        places = Placements(connection)
        for fetched in _fetch_all(backend, names):
            if isinstance(fetched, Corrupt):
                unreadable.append(fetched)
            elif fetched is not None:
                _apply_pack(connection, fetched, places)
        places.flush()
    return unreadable


def apply_own_pack(catalog: Catalog, name: str, data: Data) -> None:
    """Take in a pack whose bytes are at hand, since they were written from here."""
    tail = pack.read_tail(bytes(data[-pack.TAIL_BYTES :]), len(data))
    metadata = pack.read_metadata(bytes(data[tail.offset : tail.offset + tail.length]))
    with catalog.transaction() as connection:
        places = Placements(connection)
        fetched = _Fetched(name, PackFacts(len(data), metadata), None, None)
        _apply_pack(connection, fetched, places)
        places.flush()


def apply_facts(
    connection: sqlite3.Connection, name: str, facts: PackFacts, places: Placements
) -> list[RefUpdate]:
    """Take in a pack whose metadata was read elsewhere; returns its updates."""
    return _apply_pack(connection, _Fetched(name, facts, None, None), places)


def refresh_loose(catalog: Catalog, backend: Backend) -> None:
    """Bring the table of loose objects up to what stands in ``objects/``: one listing."""
    rows = [(loose.object_id, loose.key, loose.size) for loose in iter_loose(backend)]
    with catalog.transaction() as connection:
        connection.execute("DELETE FROM loose")
        connection.executemany(_INSERT_LOOSE, rows)


_INSERT_LOOSE = "INSERT OR IGNORE INTO loose VALUES(?, ?, ?)"


def _insert_loose(connection: sqlite3.Connection, updates: Iterable[RefUpdate]) -> None:
    """The files of loose objects that these refs name."""
    rows = []
    for update in updates:
        if update.note and (found := key_in_note(update.target, update.note)):
            rows.append((update.target, *found))
    if rows:
        connection.executemany(_INSERT_LOOSE, rows)


class _Fetched(NamedTuple):
    """What could be read of a pack: its metadata, or else what a scan of it found."""

    name: str
    facts: PackFacts | None
    problem: str | None
    found: Salvage | None


_WINDOW = 4  # times the backend's concurrency: packs whose metadata is in memory at once


def _fetch_all(backend: Backend, names: Sequence[str]) -> Iterator[_Fetched | Corrupt | None]:
    # Where a call waits for nobody one at a time will do: 100,000 runs of a pack take 90 MB.
    window = _WINDOW * backend.concurrency if backend.concurrency > 1 else 1
    for start in range(0, len(names), window):
        part = names[start : start + window]
        yield from run_all(backend, [partial(_fetch_pack, backend, name) for name in part])


def _fetch_pack(backend: Backend, name: str) -> _Fetched | Corrupt | None:
    """Read a pack's metadata; the error if its file cannot be read, None if it is gone."""
    try:
        try:
            return _Fetched(name, read_pack_metadata(backend, name), None, None)
        except Corrupt as error:
            if error.kind == UNREADABLE:
                return error
            facts = recover_pack_metadata(backend, name)
            found = salvage_pack(backend, name) if facts is None else None
            return _Fetched(name, facts, error.message, found)
    except Corrupt as error:
        if error.kind != UNREADABLE:
            raise
        return error
    except NotFound:
        return None  # deleted between the listing and now; the next listing will not have it


def _apply_pack(
    connection: sqlite3.Connection, fetched: _Fetched, places: Placements
) -> list[RefUpdate]:
    """Take a pack in."""
    facts, found = fetched.facts, fetched.found
    cursor = connection.execute(
        "INSERT OR IGNORE INTO pack(name, size, problem) VALUES(?, ?, ?)",
        (fetched.name, facts.size if facts else 0, fetched.problem),
    )
    if cursor.rowcount == 0:
        return []
    number = int(cursor.lastrowid or 0)
    updates: list[RefUpdate] = []
    if facts is not None:
        index = facts.metadata.objects
        _insert_frames(connection, number, index.frames)
        places.add(number, index)
        updates = expand_updates(facts.metadata)
    elif found is not None:
        _insert_frames(connection, number, found.frames)
        connection.executemany(INSERT_OBJECT, found.rows(number))
        updates = found.updates
    apply_updates(connection, updates, places)
    _insert_loose(connection, updates)
    return updates


def expand_updates(metadata: pack.Metadata) -> list[RefUpdate]:
    """The updates of a pack with whole stamps, and ids in the place of ordinals."""
    section: UpdateSection = metadata.updates
    ids = metadata.objects.ids
    return [
        RefUpdate(
            row.name,
            section.base + row.delay,
            writer,
            ids[row.target]
            if isinstance(row.target, int)
            else (None if row.target is None else ObjectId(row.target)),
            row.floor,
            row.header,
            row.note,
        )
        for row, writer in zip(section.updates, section.writers(), strict=True)
    ]


def _insert_frames(connection: sqlite3.Connection, number: int, frames: Iterable[FrameRow]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO frame VALUES(?, ?, ?, ?, ?, ?)",
        [(number, f.offset, f.codec, f.count, f.raw, f.stored) for f in frames],
    )


def problems(catalog: Catalog) -> Iterable[tuple[str, str]]:
    """Packs that could not be read whole: (name, why)."""
    return catalog.rows("SELECT name, problem FROM pack WHERE problem IS NOT NULL ORDER BY name")

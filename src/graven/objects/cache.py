"""Objects of a remote store on the client's disk, by hash: one SQLite file, bounded by bytes.

Nothing here is needed: whatever goes wrong (busy, damaged, no room, no rights) the answer
is "not held", and the object comes from the store. So no method raises, and none waits.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple, TypeVar

from graven import clock
from graven.backends.locks import folder_lock
from graven.errors import Corrupt
from graven.formats.compression import CODEC_RAW, CODEC_ZSTD, compress, decompress
from graven.ids import ObjectId, hash_bytes

MAX_OBJECT_BYTES = 4 * 1024 * 1024  # the largest chunk of an artifact
_LEVEL = 1  # it stands between the network and the answer
_BUSY_SECONDS = 0.1
_KEEP_SHARE = 0.8  # of the limit, after an eviction: one for many writes
_SHRINK_ABOVE = 1.25  # times the limit: a file that was allowed more gives its room back
_ROW_BYTES = 64  # what a row takes beside its body, about
_USE_TICK_MS = 3_600_000  # uses are told apart by the hour, so that most reads write nothing
_PAGE = 500
_PAGE_BYTES = 8192
_WAL_BYTES = 4 * 1024 * 1024  # what of the log stays on the disk
_MAX_DAMAGES = 3

_SCHEMA = 1
# Ids and uses apart from the bodies: a use is noted without a body being written again.
_TABLES = """
CREATE TABLE entry(id BLOB PRIMARY KEY, body INTEGER NOT NULL, size INTEGER NOT NULL,
    used INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE body(n INTEGER PRIMARY KEY, codec INTEGER NOT NULL, raw INTEGER NOT NULL,
    data BLOB NOT NULL);
"""

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# Damage, or tables that are not ours. All other errors are of the place (full, read-only,
# no memory): they may last, and trying again at each object would cost more than it brings.
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

# A damaged database hands out text where numbers were, and messages that are no UTF-8.
_STRANGE_VALUES = (TypeError, ValueError, OverflowError)

T = TypeVar("T")


class _Row(NamedTuple):
    id: bytes
    used: int
    body: int
    codec: int
    raw: int
    data: bytes


class ObjectCache:
    """Objects by hash. Safe for threads, forks and many processes on one file.

    Args:
        path: the SQLite file; its folder is made when something is put.
        limit_bytes: what the file may hold; 0 holds nothing.
    """

    def __init__(self, path: str, limit_bytes: int) -> None:
        self.path = path
        self._limit = limit_bytes
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._off = limit_bytes <= 0
        self._damages = 0
        _caches.add(self)

    def get_many(self, ids: Sequence[ObjectId]) -> dict[ObjectId, bytes]:
        """Those of the objects that are held, each verified."""
        out: dict[ObjectId, bytes] = {}
        now = _tick()
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            rows: list[_Row] = self._try(partial(_select, ids=page), [])
            bad: list[_Row] = []
            used: list[_Row] = []
            for row in rows:
                data = _unpack(row)
                if data is None:
                    bad.append(row)
                    continue
                out[ObjectId(row.id)] = data
                if row.used != now:
                    used.append(row)
            if bad or used:
                self._change(partial(_note, bad=bad, used=used, now=now))
        return out

    def put_many(self, pairs: Sequence[tuple[ObjectId, bytes]]) -> None:
        """Hold objects that the caller has verified; large ones are left out.

        Large is over 4 MiB, or an eighth of the limit: one should not evict all others.
        """
        largest = min(MAX_OBJECT_BYTES, self._limit // 8)
        wanted = {object_id: data for object_id, data in pairs if len(data) <= largest}
        if not wanted or self._off:
            return
        held: list[ObjectId] = self._try(partial(_held, ids=list(wanted)), [])
        for object_id in held:
            del wanted[object_id]
        rows = [
            (object_id, len(data), *compress(data, _LEVEL)) for object_id, data in wanted.items()
        ]
        if rows:
            self._change(partial(self._insert, rows=rows), make=True)
            self._try(partial(_shrink, above=int(self._limit * _SHRINK_ABOVE)), None)

    def size(self) -> int:
        """Bytes of the file that are in use; 0 where nothing was ever put."""
        return self._try(_in_use, 0)

    def clear(self) -> None:
        """Hold nothing any more, and give the room back."""
        with self._lock:
            if self._change(_empty):
                self._try(partial(_shrink, above=0), None)

    def close(self) -> None:
        """Let go of the file; it opens again when asked."""
        with self._lock:
            if self._connection is not None:
                with suppress(sqlite3.Error):  # of a damaged file, which costs nothing
                    self._connection.close()
                self._connection = None

    # Every use of the database goes through one of these two.

    def _try(
        self, action: Callable[[sqlite3.Connection], T], otherwise: T, make: bool = False
    ) -> T:
        with self._lock:
            if self._off:
                return otherwise
            try:
                connection = self._open(make)
                return otherwise if connection is None else action(connection)
            except (sqlite3.Error, *_STRANGE_VALUES) as error:
                self._after(error)
            except OSError:
                self._turn_off()
            return otherwise

    def _change(self, action: Callable[[sqlite3.Connection], None], make: bool = False) -> bool:
        def change(connection: sqlite3.Connection) -> bool:
            with _transaction(connection):
                action(connection)
            return True

        return self._try(change, False, make)

    def _after(self, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _BUSY:
            return  # somebody else writes: not this time
        if code in _DAMAGED and self._damages < _MAX_DAMAGES:
            self._damages += 1
            try:
                self._throw_away()
            except OSError:
                self._turn_off()
            return
        self._turn_off()

    def _turn_off(self) -> None:
        # Without a word: a full disk, or one that nobody may write to, makes a client
        # slower and no answer wrong, and each command would say it again.
        self.close()
        self._off = True

    def _throw_away(self) -> None:
        with folder_lock(os.path.dirname(self.path), exclusive=True):
            # Closed within the lock. Others go on with the file, which has no name any more.
            self.close()
            for ending in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    os.unlink(self.path + ending)

    def _open(self, make: bool) -> sqlite3.Connection | None:
        if self._connection is None:
            if not make and not os.path.exists(self.path):
                return None
            folder = os.path.dirname(self.path)
            os.makedirs(folder, mode=0o700, exist_ok=True)  # runs may be nobody else's business
            with folder_lock(folder, exclusive=False):
                connection = _connect(self.path)
                try:
                    _prepare(connection)
                except BaseException:
                    connection.close()
                    raise
                self._connection = connection
        return self._connection

    def _insert(
        self, db: sqlite3.Connection, rows: Iterable[tuple[ObjectId, int, int, bytes]]
    ) -> None:
        now = _tick()
        for object_id, raw, codec, data in rows:
            body = db.execute("INSERT INTO body VALUES(NULL, ?, ?, ?)", (codec, raw, data))
            made = db.execute(
                "INSERT OR IGNORE INTO entry VALUES(?, ?, ?, ?)",
                (object_id, body.lastrowid, len(data), now),
            )
            if made.rowcount == 0:  # another process was faster
                db.execute("DELETE FROM body WHERE n = ?", (body.lastrowid,))
        if _in_use(db) > self._limit:
            _evict(db, int(self._limit * _KEEP_SHARE))


def _tick() -> int:
    return clock.wall_ms() // _USE_TICK_MS


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # A power cut may damage the file: what does not match its hash is dropped, and a
    # database that is damaged is thrown away.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    return connection


def _prepare(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == _SCHEMA:
        return
    if version:
        raise sqlite3.DatabaseError("tables of another graven")  # thrown away
    db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    with _transaction(db):
        if db.execute("PRAGMA user_version").fetchone()[0] == _SCHEMA:
            return  # another process was faster
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA}")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back on a full disk
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _select(db: sqlite3.Connection, ids: Sequence[ObjectId]) -> list[_Row]:
    rows = db.execute(
        "SELECT e.id, e.used, b.n, b.codec, b.raw, b.data FROM entry e JOIN body b ON b.n = e.body"
        f" WHERE e.id IN ({_marks(ids)})",
        ids,
    )
    asked = set(ids)
    return [_Row(*row) for row in rows if row[0] in asked]  # a damaged index may find others


def _held(db: sqlite3.Connection, ids: Sequence[ObjectId]) -> list[ObjectId]:
    out = []
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        rows = db.execute(f"SELECT id FROM entry WHERE id IN ({_marks(page)})", page)
        out += [ObjectId(row[0]) for row in rows]
    return out


def _unpack(row: _Row) -> bytes | None:
    """The object of a row, None where it is not what its name says."""
    data: bytes | None = None
    if not isinstance(row.data, bytes) or not isinstance(row.raw, int):
        return None
    if row.codec == CODEC_RAW:
        data = row.data
    elif row.codec == CODEC_ZSTD:
        with suppress(Corrupt):  # damaged: it is dropped
            data = decompress(row.data, row.raw, MAX_OBJECT_BYTES)
    return data if data is not None and hash_bytes(data) == row.id else None


def _note(db: sqlite3.Connection, bad: Iterable[_Row], used: Iterable[_Row], now: int) -> None:
    """Drop what does not match its name; remember that the others were used."""
    numbers = [(row.body,) for row in bad]
    db.executemany("DELETE FROM entry WHERE id = ? AND body = ?", [(r.id, r.body) for r in bad])
    db.executemany("DELETE FROM body WHERE n = ?", numbers)
    db.executemany("UPDATE entry SET used = ? WHERE id = ?", [(now, row.id) for row in used])


def _evict(db: sqlite3.Connection, target: int) -> None:
    """Drop what was not used for the longest time, until at most ``target`` bytes are in use."""
    while (excess := _in_use(db) - target) > 0:
        oldest = db.execute("SELECT id, body, size FROM entry ORDER BY used, body")
        gone = []
        for object_id, number, size in oldest:
            gone.append((object_id, number))
            excess -= size + _ROW_BYTES
            if excess <= 0:
                break
        oldest.close()
        if not gone:
            return
        db.executemany("DELETE FROM entry WHERE id = ?", [(object_id,) for object_id, _ in gone])
        db.executemany("DELETE FROM body WHERE n = ?", [(number,) for _, number in gone])


def _empty(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM entry")
    db.execute("DELETE FROM body")


def _shrink(db: sqlite3.Connection, above: int) -> None:
    """Give back what is not in use, of a file of more than ``above`` bytes."""
    if _pages(db, "page_count") > above:
        # As a script, since a statement of it frees one page for each step that is asked for.
        db.executescript("PRAGMA incremental_vacuum")


def _pages(db: sqlite3.Connection, which: str) -> int:
    count: int = db.execute(f"PRAGMA {which}").fetchone()[0]
    return count * _PAGE_BYTES


def _in_use(db: sqlite3.Connection) -> int:
    return _pages(db, "page_count") - _pages(db, "freelist_count")


# As the catalog's: SQLite forbids to carry a connection into a forked child, and no thread
# may be inside SQLite meanwhile. So connections are closed before a fork.
_caches: weakref.WeakSet[ObjectCache] = weakref.WeakSet()
_waiting: list[ObjectCache] = []
_FORK_WAIT_SECONDS = 10.0


def _before_fork() -> None:
    for cache in list(_caches):
        if cache._lock.acquire(timeout=_FORK_WAIT_SECONDS):
            _waiting.append(cache)
            cache.close()


def _after_fork_in_parent() -> None:
    while _waiting:
        _waiting.pop()._lock.release()


def _after_fork_in_child() -> None:
    _waiting.clear()
    for cache in list(_caches):
        cache._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )

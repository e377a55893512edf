"""The catalog's SQLite file: opened, checked against the store, made anew when in doubt."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from graven import clock
from graven.backends.locks import folder_lock
from graven.catalog.schema import HEADER_INDEXES, RUN_VERSION, SCHEMA_VERSION, TABLES, VALUE_INDEXES
from graven.errors import BackendUnavailable, InvalidInput

BUSY_SECONDS = 60.0
LOST = "lost"  # the one table that no pack can fill again: see `graven.catalog.vanished`
_RETRY_SECONDS = 0.005
_ATTEMPTS = 3  # at opening a file that turns out to be damaged
PAGE_BYTES = 4096  # a question reads few rows of many pages; and each empty table has a page
CACHE_KIB = 32_768  # at most, of a connection

Row = tuple[Any, ...]

# Messages of SQLite about a damaged file may quote its bytes, which are no UTF-8 then.
_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)


class Catalog:
    """A connection to the catalog of one store. Safe to share between threads.

    Args:
        path: the SQLite file, or None for one in memory (a store nobody may write beside).
        store_id, url: what the catalog belongs to; a file of another store, or of a copy
            of this one at another place, is thrown away.
    """

    def __init__(self, path: str | None, *, store_id: str, url: str) -> None:
        self._path = path
        self._identity = f"{SCHEMA_VERSION}.{RUN_VERSION} {store_id} {url}"
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._functions: dict[str, tuple[int, Callable[..., Any]]] = {}
        _catalogs.add(self)

    @property
    def path(self) -> str | None:
        """The file, None for a catalog in memory."""
        return self._path

    def rows(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """All rows of a question."""
        with self._lock:
            try:
                return self._open().execute(sql, values).fetchall()
            except (sqlite3.ProgrammingError, UnicodeEncodeError, OverflowError) as error:
                # The question is at fault, not the catalog: half a character, a huge number.
                raise InvalidInput(
                    f"a value that no store could hold: {error}", kind="bad-question"
                ) from error
            except _DAMAGE as error:
                self._give_up(error)
                raise CatalogLost from error

    def one(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row of a question, or None."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def define(self, name: str, count: int, function: Callable[..., Any]) -> None:
        """Let questions call a pure function of ``count`` arguments."""
        with self._lock:
            if name not in self._functions:
                self._functions[name] = (count, function)
                if self._connection is not None:
                    self._connection.create_function(name, count, function, deterministic=True)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Change the catalog, alone among all processes, or not at all."""
        with self._lock:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException:
                    if connection.in_transaction:  # SQLite itself rolls back on a full disk
                        connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except _DAMAGE as error:
                self._give_up(error)
                raise CatalogLost from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several questions to one state: nobody's change comes between them."""
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection is connection and connection.in_transaction:
                    connection.execute("COMMIT")

    def get_meta(self, key: str) -> Any:
        """A value of the table `meta`, or None."""
        row = self.one("SELECT value FROM meta WHERE key = ?", (key,))
        return row[0] if row else None

    def clear(self, connection: sqlite3.Connection) -> None:
        """Empty all tables but the one of losses, within a transaction."""
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        for (name,) in connection.execute(tables).fetchall():
            if name != LOST:  # no pack can tell it again
                connection.execute(f'DELETE FROM "{name}"')
        connection.execute("INSERT INTO meta VALUES('identity', ?)", (self._identity,))

    def reset(self) -> None:
        """Throw the catalog away; the next question finds an empty one.

        Others that have it open go on with theirs, which has no name any more.
        """
        with self._lock:
            if self._connection is not None:
                _roll_back(self._connection)  # who waits for it may hold the folder's lock
            if self._path is not None:
                try:
                    self._remove(self._path)
                except OSError:
                    self._path = None  # cannot be removed: go on in memory
            self.close()

    def _remove(self, path: str) -> None:
        if not os.path.exists(os.path.dirname(path)):
            return  # nothing was asked of this store yet
        with folder_lock(os.path.dirname(path), exclusive=True):
            # Not if another has put a new one in its place since we opened ours. Our
            # connection is still open, so that the new one cannot have our file's number.
            if self._connection is None or _file_number(path) == self._file:
                for ending in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        os.unlink(path + ending)

    def close(self) -> None:
        """Close the connection; it opens again when asked."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        connection = self._connect()
        for name, (count, function) in self._functions.items():
            connection.create_function(name, count, function, deterministic=True)
        return connection

    def _connect(self) -> sqlite3.Connection:
        for _ in range(_ATTEMPTS):
            if self._path is None:
                break
            try:
                return self._connect_file(self._path)
            except sqlite3.OperationalError as error:
                self.close()  # it may not be ours yet
                self._give_up_if_busy(error)
                break
            except _DAMAGE:
                self.reset()  # not a database, or a damaged one
            except OSError:
                break
            except BaseException:
                self.close()
                raise
        # Nobody may write there: the answers are the same from memory.
        self.close()
        self._path = None
        self._connection = connection = _connection(":memory:")
        self._make_ours(connection)
        return connection

    def _connect_file(self, path: str) -> sqlite3.Connection:
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):  # `makedirs` tries first, and is told
            os.makedirs(folder, exist_ok=True)
        _refuse_links(path)
        with folder_lock(folder, exclusive=False):
            self._connection = connection = _connection(path)
            self._file = _file_number(path)
            self._make_ours(connection)
        return connection

    def _make_ours(self, connection: sqlite3.Connection) -> None:
        # Of several who switch a new file to WAL at once, SQLite refuses all but one
        # without waiting: each might wait for the other's lock.
        deadline = clock.monotonic() + BUSY_SECONDS
        while True:
            try:
                if not self._is_ours(connection):
                    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                    connection.execute("PRAGMA journal_mode = WAL")
                    self._create(connection)
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or clock.monotonic() > deadline:
                    raise
            _roll_back(connection)
            clock.sleep(_RETRY_SECONDS)

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                return False
            raise
        return bool(row) and row[0] == self._identity

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if self._is_ours(connection):  # another process was faster
            connection.execute("COMMIT")
            return
        found = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (name,) in found:
            connection.execute(f'DROP TABLE "{name}"')
        for statement in TABLES.split(";"):
            if statement.strip():
                connection.execute(statement)
        create_indexes(connection, {**HEADER_INDEXES, **VALUE_INDEXES})
        connection.execute("INSERT INTO meta VALUES('identity', ?)", (self._identity,))
        connection.execute("COMMIT")

    def _give_up(self, error: Exception) -> None:
        """Let the catalog go after a failure; the next question finds another."""
        self._give_up_if_busy(error)
        if "full" in str(error):
            # No room is a reason to look and to delete, so questions must be answered.
            self.close()
            self._path = None
        else:
            self.reset()

    def _give_up_if_busy(self, error: Exception) -> None:
        if _is_busy(error):
            raise BackendUnavailable(
                f"the catalog {self._path} was locked by another process for {BUSY_SECONDS:.0f} s",
                kind="catalog-busy",
                hint="wait for the other graven process, or end it",
            ) from error
        if "full" in str(error) and self._path is None:
            raise BackendUnavailable(
                "no memory for the catalog", kind="disk-full", hint="free some space"
            ) from error


def _connection(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # NORMAL: after a power cut the catalog may lack its last commits, which a
    # refresh brings back, but it is never inconsistent.
    connection.execute("PRAGMA synchronous = NORMAL")
    # Taken as it is used: with the usual 2 MB an order by values, which leads all over the
    # file, reads nearly every page anew.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _roll_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error, UnicodeDecodeError):  # of a damaged database
        connection.rollback()


def _file_number(path: str) -> tuple[int, int] | None:
    """What tells a file from another that has its name later; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _is_busy(error: Exception) -> bool:
    text = str(error)
    return "locked" in text or "busy" in text


def create_indexes(connection: sqlite3.Connection, wanted: dict[str, str]) -> None:
    """Make indexes (name to what follows the name in SQL)."""
    for name, definition in wanted.items():
        connection.execute(f"CREATE INDEX {name} {definition}")


@contextmanager
def indexes_last(
    connection: sqlite3.Connection, wanted: dict[str, str], *, bulk: bool
) -> Iterator[None]:
    """Fill tables without their indexes and make those at the end, if it is ``bulk``.

    Within a transaction, so that nobody ever sees the tables without them.
    """
    if not bulk:
        yield
        return
    for name in wanted:
        connection.execute(f"DROP INDEX {name}")
    yield
    create_indexes(connection, wanted)


def _refuse_links(path: str) -> None:
    """A link in a store that somebody else has made could lead to a database of the user's.

    Raises:
        OSError: there is one.
    """
    for place in (os.path.dirname(path), path, path + "-wal", path + "-shm", path + "-journal"):
        if os.path.islink(place):
            raise OSError(errno.ELOOP, "is a link", place)


# SQLite forbids to carry a connection into a forked child, its closing included, and no
# thread may be inside SQLite meanwhile: the child would wait for locks that nobody holds.
# So connections are closed before a fork, and open again when asked.
_catalogs: weakref.WeakSet[Catalog] = weakref.WeakSet()
_held: list[Catalog] = []
_FORK_WAIT_SECONDS = 10.0


def _before_fork() -> None:
    for catalog in list(_catalogs):
        if catalog._lock.acquire(timeout=_FORK_WAIT_SECONDS):
            _held.append(catalog)
            idle = catalog._connection is None or not catalog._connection.in_transaction
            if catalog.path is not None and idle:
                catalog.close()


def _after_fork_in_parent() -> None:
    while _held:
        _held.pop()._lock.release()


def _after_fork_in_child() -> None:
    _held.clear()
    for catalog in list(_catalogs):
        catalog._lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


class CatalogLost(Exception):
    """The catalog was damaged and has been thrown away: refresh, then ask again."""

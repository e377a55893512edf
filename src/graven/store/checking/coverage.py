"""Which files were read whole, and when: samples go on where the last one stopped."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress

from graven import clock
from graven.store.checking.report import Coverage

LEDGER_FILE = "verified.sqlite"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS whole(key TEXT PRIMARY KEY, at INTEGER NOT NULL,"
    " damaged INTEGER NOT NULL) WITHOUT ROWID"
)


class Ledger:
    """Remembers files by key. Packs and loose objects never change, so a key says all.

    A ledger that is damaged, or cannot be kept, forgets: then files are read again.

    Args:
        folder: where to keep it; None: nowhere.
    """

    def __init__(self, folder: str | None) -> None:
        self._db, self.kept = _open(folder)
        self._db.execute("CREATE TEMP TABLE present(key TEXT PRIMARY KEY, size INTEGER)")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def begin(self, files: Iterable[tuple[str, int]]) -> None:
        """Say which files there are, with their sizes; all others are forgotten."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO present VALUES(?, ?)", files)
        self._db.execute("DELETE FROM whole WHERE key NOT IN (SELECT key FROM present)")
        self._db.execute("COMMIT")

    def choose(self, share: float) -> set[str]:
        """The files to read next: so many bytes, and those found damaged before.

        First those never read, then those read longest ago: calls of one twentieth each
        have read all after twenty.
        """
        (total,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM present").fetchone()
        budget = math.ceil(total * share)
        rows = self._db.execute(
            "SELECT p.key, p.size, coalesce(w.damaged, 0) FROM present p LEFT JOIN whole w"
            " USING(key) ORDER BY coalesce(w.damaged, 0) DESC, coalesce(w.at, -1), p.key"
        )
        chosen: set[str] = set()
        for key, size, damaged in rows:
            if not damaged:
                if budget <= 0:
                    break
                budget -= size
            chosen.add(key)
        return chosen

    def mark(self, key: str, *, damaged: bool) -> None:
        """A file was read whole now."""
        self._db.execute(
            "INSERT OR REPLACE INTO whole VALUES(?, ?, ?)", (key, clock.wall_ms(), int(damaged))
        )

    def coverage(self) -> Coverage:
        """How much of what is there was read whole at some time."""
        read, oldest = self._db.execute(
            "SELECT coalesce(sum(p.size), 0), min(w.at) FROM whole w JOIN present p USING(key)"
        ).fetchone()
        (total,) = self._db.execute("SELECT coalesce(sum(size), 0) FROM present").fetchone()
        return Coverage(read, total, oldest, self.kept)


def _open(folder: str | None) -> tuple[sqlite3.Connection, bool]:
    if folder is not None:
        path = os.path.join(folder, LEDGER_FILE)
        for _ in range(2):
            try:
                return _open_file(folder, path), True
            except sqlite3.DatabaseError:  # damaged, or of another making: begun anew
                with suppress(OSError):  # cannot be removed: kept in memory below
                    os.unlink(path)
            except OSError:
                break  # nobody may write there
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(_TABLE)
    return connection, False


def _open_file(folder: str, path: str) -> sqlite3.Connection:
    os.makedirs(folder, exist_ok=True)
    # A link in a store that somebody else has made could lead to a database of the user's.
    if os.path.islink(folder) or os.path.islink(path):
        raise OSError(f"{path} is a link")
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_TABLE)
        connection.execute("SELECT key, at, damaged FROM whole LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection

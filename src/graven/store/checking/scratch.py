"""What a check must remember of a store of any size: in a temporary file, not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from graven.ids import ObjectId

_PAGE = 500
_CACHE_KIB = 32 * 1024
_SEEN = 50_000  # ids of environments and definitions: some 5 MB


class Missing(NamedTuple):
    """An object that another one names and nothing holds."""

    id: ObjectId
    kind: str
    named_in: ObjectId


class Scratch:
    """Ids of the objects that are there, and of those that objects name."""

    def __init__(self) -> None:
        # A name of no letters is a temporary file, which goes with the connection.
        self._db = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE held(id BLOB, kind TEXT)")
        self._db.execute("CREATE TABLE named(target BLOB, kind TEXT, source BLOB)")
        self._sorted = False
        self._seen: set[bytes] = set()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def hold(self, objects: Iterable[tuple[bytes, str]]) -> None:
        """Objects (id, kind) that are there."""
        self._add("INSERT INTO held VALUES(?, ?)", objects)

    def name(self, source: bytes, kind: str, targets: Iterable[bytes]) -> None:
        """Objects of a kind that ``source`` needs."""
        fresh = [target for target in targets if target not in self._seen]
        if not fresh:
            return
        if len(self._seen) > _SEEN:
            self._seen.clear()  # it only saves rows: a second one does no harm
        self._seen.update(fresh)
        self._add("INSERT INTO named VALUES(?, ?, ?)", [(t, kind, source) for t in fresh])

    def _add(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def kinds(self, ids: Sequence[bytes]) -> dict[bytes, str]:
        """Of these objects those that are there, with their kinds."""
        self._sort()
        found: dict[bytes, str] = {}
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            marks = ", ".join("?" * len(page))
            found.update(self._db.execute(f"SELECT id, kind FROM held WHERE id IN ({marks})", page))
        return found

    def missing(self) -> Iterator[Missing]:
        """What is named and not there, each once."""
        self._sort()
        rows = self._db.execute(
            "SELECT target, min(kind), min(source) FROM named n"
            " WHERE NOT EXISTS(SELECT 1 FROM held WHERE id = n.target) GROUP BY target"
        )
        for target, kind, source in rows:
            yield Missing(ObjectId(target), kind, ObjectId(source))

    def _sort(self) -> None:
        if not self._sorted:
            self._db.execute("CREATE INDEX held_by_id ON held(id, kind)")
            self._sorted = True

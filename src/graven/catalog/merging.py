"""Ref updates merged into the catalog's tables, by the rules of `graven.refs.journal`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from graven.catalog import rankings
from graven.catalog.bulk import insert_rows
from graven.formats import layout, pack
from graven.formats.envelope import KIND_CODES, RUN
from graven.formats.header import Header
from graven.ids import ObjectId
from graven.refs.journal import RefState, RefUpdate, merge, state_of

INSERT_OBJECT = "INSERT OR IGNORE INTO object VALUES(?, ?, ?, ?, ?, ?)"


class Placements:
    """Where the run objects of this refresh lie, until they are given to a run's own row.

    A transaction of several packs has its updates in the last one, so places are kept
    across packs; what nobody takes goes into the table of objects.
    """

    LIMIT = 200_000  # some 60 MB; beyond, objects just go into their table

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._places: dict[ObjectId, tuple[int, int, int, int]] = {}

    def add(self, number: int, index: pack.PackIndex) -> None:
        """Take in the index of a pack."""
        others = []
        places = self._places
        for object_id, kind, frame, start, length in index.spans():
            if kind == RUN and object_id not in places:
                places[object_id] = (number, frame, start, length)
            else:
                others.append((object_id, number, frame, start, length, KIND_CODES[kind]))
        self._insert(others)
        if len(self._places) > self.LIMIT:
            self.flush()

    def take(self, object_id: ObjectId | None) -> tuple[int | None, ...]:
        """pack, frame, start, length for a run's row, once an object."""
        if object_id is None:
            return NO_PLACE
        return self._places.pop(object_id, NO_PLACE)

    def flush(self) -> None:
        """Put what was not taken into the table of objects."""
        code = KIND_CODES[RUN]
        self._insert([(object_id, *row, code) for object_id, row in self._places.items()])
        self._places.clear()

    def _insert(self, rows: list[tuple[Any, ...]]) -> None:
        rows.sort()  # the tree fills its pages when it grows in order
        self._connection.executemany(INSERT_OBJECT, rows)


_RUN_COLUMNS = (
    "run_id, object, stamp, writer, floor, ts, branch, commit_hash, experiment, status, origin,"
    " points, grp, note"
)
_PLACE = "pack, frame, start, length"
NO_PLACE = (None,) * 4
_INSERTED = f"{_RUN_COLUMNS}, {_PLACE}".split(", ")
_INSERT_REF = "INSERT OR REPLACE INTO ref VALUES(?, ?, ?, ?, ?, ?, ?)"
_CHUNK = 500


def apply_updates(
    connection: sqlite3.Connection,
    updates: Sequence[RefUpdate],
    places: Placements | None = None,
) -> None:
    """Merge updates into the tables `run` and `ref` by the rules of `graven.refs.journal`.

    Rows of runs that are new take their object's place from ``places``.
    """
    writers = _Writers(connection)
    derived: list[str] = []
    none_yet = _is_empty(connection)
    known: set[str] = set()
    for start in range(0, len(updates), _CHUNK):
        chunk = updates[start : start + _CHUNK]
        if not none_yet:
            known = _known_names(connection, [update.name for update in chunk])
        fresh: list[tuple[Any, ...]] = []
        fresh_refs: list[tuple[Any, ...]] = []
        for update in chunk:
            name = update.name
            parsed = layout.parse_ref_name(name)
            if parsed is not None and parsed.attachment.startswith("derived/"):
                derived.append(parsed.run_id)
            if name in known:
                _flush_runs(connection, fresh)
                _flush_refs(connection, fresh_refs)
                _merge_one(connection, update, writers)
                continue
            known.add(name)
            if parsed is None or parsed.attachment:
                run_id = parsed.run_id if parsed else None
                fresh_refs.append(_ref_row(run_id, state_of(update), writers))
            else:
                place = places.take(update.target) if places is not None else NO_PLACE
                row = _run_row(parsed.run_id, update, update.raised_floor, writers)
                fresh.append(row + place)
        _flush_runs(connection, fresh)
        _flush_refs(connection, fresh_refs)
    rankings.mark_derived(connection, derived)


def _is_empty(connection: sqlite3.Connection) -> bool:
    """True for a catalog that has no refs: what is new needs no look into it."""
    question = "SELECT 1 FROM run UNION ALL SELECT 1 FROM ref LIMIT 1"
    return connection.execute(question).fetchone() is None


def _flush_runs(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    insert_rows(connection, "INSERT INTO run", _INSERTED, rows)
    rows.clear()


def _flush_refs(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    connection.executemany(_INSERT_REF, rows)
    rows.clear()


def _known_names(connection: sqlite3.Connection, names: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for question, asked in (
        ("SELECT 'runs/' || run_id FROM run WHERE run_id IN", [_run_of(name) for name in names]),
        ("SELECT name FROM ref WHERE name IN", names),
    ):
        found = connection.execute(f"{question} ({', '.join('?' * len(asked))})", asked)
        known.update(name for (name,) in found)
    return known


def _run_of(name: str) -> str:
    return name[5:] if name.startswith("runs/") else ""


class _Writers:
    """Writer ids as small numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[bytes, int] = {}

    def number(self, writer: bytes) -> int:
        known = self._numbers.get(writer)
        if known is None:
            self._connection.execute("INSERT OR IGNORE INTO writer(id) VALUES(?)", (writer,))
            row = self._connection.execute("SELECT n FROM writer WHERE id = ?", (writer,))
            known = self._numbers[writer] = int(row.fetchone()[0])
        return known


# What JSON has no form for (another writer may put bytes there) is shown, not refused.
_encode_note = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _note_text(note: dict[str, Any] | None) -> str | None:
    return _encode_note(note) if note else None


def _run_row(run_id: str, update: RefUpdate, floor: int, writers: _Writers) -> tuple[Any, ...]:
    head = update.header
    facts: tuple[Any, ...] = (None,) * 8
    if head is not None and update.target is not None:
        facts = (
            head.timestamp,
            head.branch,
            head.commit,
            head.experiment,
            None if head.status == "ok" else head.status,
            None if head.origin == "measured" else head.origin,
            head.points,
            head.group,
        )
    return (
        run_id,
        update.target,
        update.stamp,
        writers.number(update.writer),
        floor,
        *facts,
        _note_text(update.note),
    )


def _merge_one(connection: sqlite3.Connection, update: RefUpdate, writers: _Writers) -> None:
    parsed = layout.parse_ref_name(update.name)
    if parsed is not None and not parsed.attachment:
        _merge_run(connection, parsed.run_id, update, writers)
    else:
        _merge_ref(connection, parsed.run_id if parsed else None, update, writers)


def _merge_run(
    connection: sqlite3.Connection, run_id: str, update: RefUpdate, writers: _Writers
) -> None:
    row = connection.execute(
        f"SELECT n, {_RUN_COLUMNS}, (SELECT id FROM writer WHERE n = run.writer)"
        " FROM run WHERE run_id = ?",
        (run_id,),
    ).fetchone()
    if row is None:
        _flush_runs(connection, [_run_row(run_id, update, update.raised_floor, writers) + NO_PLACE])
        return
    standing = _state_from_row(row)
    merged = merge(standing, state_of(update))
    changed = merged.update is update
    loser = standing.update if changed else update
    if loser.rank != merged.update.rank:
        _keep_past(connection, loser, writers)
    columns = ", ".join(f"{name} = ?" for name in _RUN_COLUMNS.replace(" ", "").split(","))
    connection.execute(
        f"UPDATE run SET {columns} WHERE n = ?", (*_run_row(run_id, *merged, writers), row[0])
    )
    if changed and merged.update.target != standing.update.target:
        # The place was that of the old object: it moves to the table of all others.
        connection.execute(
            f"INSERT OR IGNORE INTO object SELECT ?, {_PLACE}, ? FROM run"
            " WHERE n = ? AND pack IS NOT NULL",
            (standing.update.target, KIND_CODES[RUN], row[0]),
        )
        connection.execute(
            "UPDATE run SET d = NULL, pack = NULL, frame = NULL, start = NULL, length = NULL"
            " WHERE n = ?",
            (row[0],),
        )
        connection.execute("DELETE FROM measured WHERE n = ?", (row[0],))
        rankings.forget(connection, row[0])
    rankings.mark_derived(connection, [run_id])


def _state_from_row(row: tuple[Any, ...]) -> RefState:
    _, run_id, target, stamp, _, floor, ts, branch, commit, *rest = row
    experiment, status, origin, points, group, note, writer = rest
    header = None
    if target is not None and ts is not None:  # a stranger's update may have none
        header = Header(
            ts, branch, commit, experiment, status or "ok", origin or "measured", points, group
        )
    update = RefUpdate(
        layout.run_ref(run_id),
        stamp,
        writer,
        target,
        floor,
        header,
        json.loads(note) if note else None,
    )
    return RefState(update, floor)


def _keep_past(connection: sqlite3.Connection, update: RefUpdate, writers: _Writers) -> None:
    header = None
    if update.header is not None:
        header = msgspec.json.encode(update.header).decode()
        if isinstance(update.header.commit, bytes):
            plain = msgspec.structs.replace(update.header, commit=update.header.commit.hex())
            header = msgspec.json.encode(plain).decode()
    connection.execute(
        "INSERT OR IGNORE INTO past VALUES(?, ?, ?, ?, ?, ?)",
        (
            update.name,
            update.stamp,
            writers.number(update.writer),
            update.target or b"",
            header,
            _note_text(update.note),
        ),
    )


def _merge_ref(
    connection: sqlite3.Connection, run_id: str | None, update: RefUpdate, writers: _Writers
) -> None:
    row = connection.execute(
        "SELECT target, stamp, floor, note, (SELECT id FROM writer WHERE n = ref.writer)"
        " FROM ref WHERE name = ?",
        (update.name,),
    ).fetchone()
    merged = state_of(update)
    if row is not None:
        target, stamp, floor, note, writer = row
        known = json.loads(note) if note else None
        standing = RefState(
            RefUpdate(update.name, stamp, writer, target, floor, None, known), floor
        )
        merged = merge(standing, merged)
        loser = standing.update if merged.update is update else update
        if loser.rank != merged.update.rank:
            _keep_past(connection, loser, writers)
    connection.execute(_INSERT_REF, _ref_row(run_id, merged, writers))


def _ref_row(run_id: str | None, state: RefState, writers: _Writers) -> tuple[Any, ...]:
    update = state.update
    return (
        update.name,
        run_id,
        update.target,
        update.stamp,
        writers.number(update.writer),
        state.floor,
        _note_text(update.note),
    )

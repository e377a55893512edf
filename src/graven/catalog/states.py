"""States of journaled refs as the catalog holds them: what two stores compare."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from graven.catalog.database import Catalog, Row
from graven.formats import layout
from graven.formats.header import Header
from graven.ids import ObjectId
from graven.refs.journal import RefUpdate

PAGE = 4000

_RUN = (
    "SELECT r.n, r.run_id, r.object, r.stamp, w.id, r.floor, r.note, r.ts, r.branch, r.commit_hash,"
    " r.experiment, r.status, r.origin, r.points, r.grp FROM run r JOIN writer w ON w.n = r.writer"
)
# Of the run that an attachment belongs to the header comes along: filters look at it.
_REF = (
    "SELECT f.name, f.target, f.stamp, w.id, f.floor, f.note, r.ts, r.branch"
    " FROM ref f JOIN writer w ON w.n = f.writer LEFT JOIN run r ON r.run_id = f.run_id"
)

_ALIVE = "(f.target IS NULL OR f.run_id IS NULL OR f.stamp > coalesce(r.floor, -1))"


def run_states(catalog: Catalog, after: int) -> tuple[list[RefUpdate], int]:
    """The next page of runs behind a row, tombstones too, and its last row.

    In the order in which the catalog took them in: so lie their objects in the packs, which
    are then read from front to back. The floor of an update is all that is known of it, as
    merged.
    """
    rows = catalog.rows(f"{_RUN} WHERE r.n > ? ORDER BY r.n LIMIT {PAGE}", (after,))
    return [_run_state(row) for row in rows], rows[-1][0] if rows else after


def ref_states(catalog: Catalog, after: str) -> list[tuple[RefUpdate, int | None, str | None]]:
    """The next page of all other journaled refs behind a name, in the order of names.

    Without those that died with their run: nobody will see them again. One that is newer than
    the deletion is seen as soon as the run is saved again, here or elsewhere, so it goes along.
    Each with timestamp (microseconds) and branch of the run that it belongs to.
    """
    rows = catalog.rows(
        f"{_REF} WHERE f.name > ? AND {_ALIVE} ORDER BY f.name LIMIT {PAGE}", (after,)
    )
    return [(_ref_state(row), row[6], row[7]) for row in rows]


def states_of(catalog: Catalog, names: Sequence[str]) -> list[RefUpdate]:
    """Winning updates of up to a thousand refs by name, each with the floor as merged."""
    ids = [name.removeprefix("runs/") for name in names if is_run_ref(name)]
    others = [name for name in names if not is_run_ref(name)]
    rows = catalog.rows(f"{_RUN} WHERE r.run_id IN ({', '.join('?' * len(ids))})", ids)
    more = catalog.rows(f"{_REF} WHERE f.name IN ({', '.join('?' * len(others))})", others)
    return [*map(_run_state, rows), *map(_ref_state, more)]


def is_run_ref(name: str) -> bool:
    """True for the ref of a run itself."""
    parsed = layout.parse_ref_name(name)
    return parsed is not None and not parsed.attachment


def ranks_of_runs(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, tuple[Any, int]]:
    """Of those runs that are known, by the name of their ref: rank and floor."""
    marks = ", ".join("?" * len(run_ids))
    return _ranks(catalog.rows(f"{_RUN} WHERE r.run_id IN ({marks})", run_ids), _run_state)


def ranks_of_refs(catalog: Catalog, names: Sequence[str]) -> dict[str, tuple[Any, int]]:
    """Of those refs that are known: rank and floor."""
    marks = ", ".join("?" * len(names))
    return _ranks(catalog.rows(f"{_REF} WHERE f.name IN ({marks})", names), _ref_state)


def _ranks(rows: Sequence[Row], read: Any) -> dict[str, tuple[Any, int]]:
    states: Iterator[RefUpdate] = map(read, rows)
    return {state.name: (state.rank, state.floor) for state in states}


def _run_state(row: Row) -> RefUpdate:
    _, run_id, target, stamp, writer, floor, note, ts, branch, commit, *rest = row
    experiment, status, origin, points, group = rest
    header = None
    if target is not None and ts is not None:  # a stranger's update may have none
        header = Header(
            ts, branch, commit, experiment, status or "ok", origin or "measured", points, group
        )
    name = layout.run_ref(run_id)
    return RefUpdate(name, stamp, writer, _target(target), floor, header, _note(note))


def _ref_state(row: Row) -> RefUpdate:
    name, target, stamp, writer, floor, note, *_ = row
    return RefUpdate(name, stamp, writer, _target(target), floor, None, _note(note))


def _target(data: bytes | None) -> ObjectId | None:
    return None if data is None else ObjectId(data)


def _note(text: str | None) -> dict[str, Any] | None:
    return json.loads(text) if text else None

"""Questions about runs that headers answer. Imports nothing that decodes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from graven import clock
from graven.catalog.database import Catalog, Row
from graven.errors import InvalidInput
from graven.ids import normal

_PAGE = 1000  # parameters of one question


class Header(NamedTuple):
    """What a listing shows of a run, without the run being read.

    ``object_id`` is 64 hex digits (empty for a deleted run), ``timestamp`` aware in UTC,
    ``stamp`` the hybrid-clock stamp of the write, ``floor`` its tombstone floor.
    """

    run_id: str
    object_id: str
    timestamp: datetime
    branch: str | None
    commit: str | None
    experiment: str | None
    status: str
    origin: str
    points: int
    group: str | None
    deleted: bool
    stamp: int
    note: str | None

    def _repr_html_(self) -> str:
        from graven.model.html import table

        names = (
            "run_id", "timestamp", "branch", "commit", "experiment", "status", "origin", "points",
        )  # fmt: skip
        return f"<div>{table(names, [[getattr(self, name) for name in names]], 1)}</div>"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = self._asdict()
        record["timestamp"] = self.timestamp.isoformat()
        record["stamp"] = clock.format_stamp(self.stamp)
        return record


HEADER_COLUMNS = (
    "r.run_id, r.object, r.ts, r.branch, r.commit_hash, r.experiment, r.status, r.origin,"
    " r.points, r.grp, r.stamp, r.note"
)
NEWEST_FIRST = "ORDER BY r.ts DESC, r.stamp DESC, r.run_id"

# What a listing shows as the time of a deleted run is that of its removal, which the
# stamp tells: milliseconds above the counter.
_SHOWN_TIME = f"coalesce(r.ts, (r.stamp >> {clock.COUNTER_BITS}) * 1000)"


def header_from_row(row: Row) -> Header:
    """A header from the columns `HEADER_COLUMNS`."""
    run_id, target, ts, branch, commit, experiment, status, origin, points, group, stamp, note = row
    return Header(
        run_id,
        target.hex() if target is not None else "",
        clock.micros_to_datetime(ts if ts is not None else (stamp >> clock.COUNTER_BITS) * 1000),
        branch,
        commit.hex() if isinstance(commit, bytes) else commit,
        experiment,
        status or "ok",
        origin or "measured",
        points or 0,
        group,
        target is None,
        stamp,
        note,
    )


class RunKey(NamedTuple):
    """A run as `store.loading` takes it: ``number`` of its row, id, object."""

    number: int
    run_id: str
    object_id: bytes


class Filter(NamedTuple):
    """Which runs; None means any. ``since`` is included, ``until`` is not.

    With ``include_deleted`` the time of a deleted run is that of its removal.
    """

    branch: str | None = None
    commit: str | None = None
    experiment: str | None = None
    status: str | None = None
    origin: str | None = None
    group: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    include_deleted: bool = False

    def where(self) -> tuple[str, list[Any]]:
        """The SQL condition on `run r` and its values."""
        terms = [] if self.include_deleted else ["r.object IS NOT NULL"]
        values: list[Any] = []
        for column, value in (
            ("r.branch", self.branch),
            ("r.experiment", self.experiment),
            ("r.grp", self.group),
        ):
            if value is not None:
                terms.append(f"{column} = ?")
                values.append(value)
        for column, value, usual in (
            ("r.status", self.status, "ok"),
            ("r.origin", self.origin, "measured"),
        ):
            if value is not None:
                terms.append(f"coalesce({column}, '{usual}') = ?")
                values.append(value)
        time = _SHOWN_TIME if self.include_deleted else "r.ts"
        if self.since is not None:
            terms.append(f"{time} >= ?")
            values.append(clock.micros(clock.make_aware(self.since)))
        if self.until is not None:
            terms.append(f"{time} < ?")
            values.append(clock.micros(clock.make_aware(self.until)))
        if self.commit is not None:
            term, more = commit_condition(self.commit)
            terms.append(term)
            values += more
        return (" AND ".join(terms) or "1"), values


def commit_condition(commit: str) -> tuple[str, list[Any]]:
    """SQL for "the commit is this, or begins with this"; full hashes are stored raw."""
    lowered = commit.lower()
    terms = ["r.commit_hash = ?"]
    values: list[Any] = [commit]
    if lowered and not lowered.strip("0123456789abcdef") and len(lowered) <= 64:
        low = bytes.fromhex(lowered + "0" * (len(lowered) % 2))
        high = bytes.fromhex(lowered + "f" * (64 - len(lowered)))
        terms.append("(typeof(r.commit_hash) = 'blob' AND r.commit_hash BETWEEN ? AND ?)")
        values += [low, high]
        terms.append("(typeof(r.commit_hash) = 'text' AND substr(r.commit_hash, 1, ?) = ?)")
        values += [len(lowered), lowered]
    return f"({' OR '.join(terms)})", values


def select_headers(
    catalog: Catalog, wanted: Filter, limit: int | None = None, skip: int = 0
) -> list[Header]:
    """Headers, newest timestamp first; ties by the later write, then by id."""
    where, values = wanted.where()
    # Only the living have an index by time, and only under its own name.
    order = NEWEST_FIRST.replace("r.ts", _SHOWN_TIME) if wanted.include_deleted else NEWEST_FIRST
    rows = catalog.rows(
        f"SELECT {HEADER_COLUMNS} FROM run r WHERE {where} {order} LIMIT ? OFFSET ?",
        [*values, -1 if limit is None else limit, skip],
    )
    return [header_from_row(row) for row in rows]


class HeaderKey(NamedTuple):
    """Where a header stands among all, newest first."""

    ts: int
    stamp: int
    run_id: str


def page_of_headers(
    catalog: Catalog, wanted: Filter, size: int, after: HeaderKey | None = None
) -> tuple[list[Header], HeaderKey | None]:
    """The next ``size`` headers in the order of `select_headers`, and the key of the last.

    The key is None where nothing can follow. Of living runs only: there a page costs the
    same wherever it begins.
    """
    where, values = wanted.where()
    if after is not None:
        where = (
            f"({where}) AND r.ts <= ? AND (r.ts < ? OR r.stamp < ?"
            " OR (r.stamp = ? AND r.run_id > ?))"
        )
        values += [after.ts, after.ts, after.stamp, after.stamp, after.run_id]
    rows = catalog.rows(
        f"SELECT {HEADER_COLUMNS} FROM run r WHERE {where} {NEWEST_FIRST} LIMIT ?",
        [*values, size],
    )
    headers = [header_from_row(row) for row in rows]
    if len(rows) < size:
        return headers, None
    run_id, _, ts, *_, stamp, _ = rows[-1]
    return headers, HeaderKey(ts, stamp, run_id)


def deleted_headers(catalog: Catalog, wanted: Filter) -> list[Header]:
    """The deleted among the runs of `select_headers`, in its order."""
    where, values = wanted.where()
    rows = catalog.rows(
        f"SELECT {HEADER_COLUMNS} FROM run r WHERE {where} AND r.object IS NULL"
        " ORDER BY r.stamp DESC, r.run_id",
        values,
    )
    return [header_from_row(row) for row in rows]


def find_header(catalog: Catalog, run_id: str) -> Header | None:
    """The header of one run, a deleted one too; None if there never was one."""
    if not isinstance(run_id, str):
        raise InvalidInput(f"run id must be text, not {type(run_id).__name__}", kind="bad-name")
    row = catalog.one(f"SELECT {HEADER_COLUMNS} FROM run r WHERE r.run_id = ?", (normal(run_id),))
    return header_from_row(row) if row else None


def headers_by_id(catalog: Catalog, run_ids: Sequence[str]) -> list[Header]:
    """The headers of those of these runs that are there, in any order."""
    out = []
    for start in range(0, len(run_ids), _PAGE):
        page = run_ids[start : start + _PAGE]
        rows = catalog.rows(
            f"SELECT {HEADER_COLUMNS} FROM run r WHERE r.object IS NOT NULL"
            f" AND r.run_id IN ({', '.join('?' * len(page))})",
            page,
        )
        out += [header_from_row(row) for row in rows]
    return out


def find_run_ids(
    catalog: Catalog, prefix: str, limit: int = 3, *, deleted: bool = False
) -> list[str]:
    """Ids of living runs, or of ``deleted`` ones, that begin with a prefix."""
    state = "IS NULL" if deleted else "IS NOT NULL"
    # U+10FFFF sorts after every character an id can go on with.
    rows = catalog.rows(
        f"SELECT run_id FROM run r WHERE run_id >= ? AND run_id < ? AND r.object {state} LIMIT ?",
        (prefix, prefix + "\U0010ffff", limit),
    )
    return [row[0] for row in rows]


def count_runs(catalog: Catalog) -> int:
    """How many living runs there are."""
    row = catalog.one("SELECT count(*) FROM run WHERE object IS NOT NULL")
    return int(row[0]) if row else 0


class BranchSpan(NamedTuple):
    """The living runs of one branch (None: of none): how many, and the times between them."""

    branch: str | None
    runs: int
    first: datetime
    last: datetime


def branch_spans(catalog: Catalog) -> list[BranchSpan]:
    """All branches, the one with the most runs first."""
    rows = catalog.rows(
        "SELECT branch, count(*) AS runs, min(ts), max(ts) FROM run WHERE object IS NOT NULL"
        " GROUP BY branch ORDER BY runs DESC, branch"
    )
    return [
        BranchSpan(
            branch, runs, clock.micros_to_datetime(first or 0), clock.micros_to_datetime(last or 0)
        )
        for branch, runs, first, last in rows
    ]


def keys_of_runs(catalog: Catalog, run_ids: Sequence[str]) -> list[RunKey]:
    """Those of these runs that are there, in any order."""
    out = []
    for start in range(0, len(run_ids), _PAGE):
        page = run_ids[start : start + _PAGE]
        rows = catalog.rows(
            "SELECT n, run_id, object FROM run WHERE object IS NOT NULL"
            f" AND run_id IN ({', '.join('?' * len(page))})",
            page,
        )
        out += [RunKey(*row) for row in rows]
    return out


def run_keys(catalog: Catalog, wanted: Filter) -> list[RunKey]:
    """Newest first: what loading the runs needs (some 200 bytes each)."""
    where, values = wanted.where()
    rows = catalog.rows(
        f"SELECT r.n, r.run_id, r.object FROM run r WHERE {where} {NEWEST_FIRST}", values
    )
    return [RunKey(*row) for row in rows]

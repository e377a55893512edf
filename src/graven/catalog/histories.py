"""Questions about runs that compare: same branch, experiment, origin and machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graven.catalog.database import Catalog
from graven.formats.header import shrink_commit

_PAGE = 900


class Alike(NamedTuple):
    """What runs must share to be compared; None means that they have none, not any.

    ``machine`` is a fingerprint; without one, runs of unknown machines are meant.
    """

    machine: str | None
    experiment: str | None
    origin: str

    def where(self) -> tuple[str, list[object]]:
        """The SQL condition on `run r` and `measured m`, and its values."""
        experiment, values = _is("r.experiment", self.experiment)
        return (
            f"r.object IS NOT NULL AND {experiment} AND coalesce(r.origin, 'measured') = ?"
            " AND coalesce(r.status, 'ok') = 'ok' AND m.environment IN"
            " (SELECT e FROM environment WHERE coalesce(fingerprint, '') = ?)",
            [*values, self.origin, self.machine or ""],
        )


class ComparableRun(NamedTuple):
    """A run that may be compared: ``ts`` in microseconds, ``commit`` as stored."""

    number: int
    run_id: str
    ts: int
    commit: str | bytes | None
    d: int


_COLUMNS = "r.n, r.run_id, coalesce(r.ts, 0), r.commit_hash, r.d"
_FROM = "FROM run r JOIN measured m ON m.n = r.n"


def runs_on_branch(
    catalog: Catalog,
    branch: str | None,
    alike: Alike,
    span: tuple[int, int],
    *,
    limit: int,
    oldest: bool = False,
) -> list[ComparableRun]:
    """Comparable runs of a branch (None: of none), newest first or ``oldest`` first.

    ``span`` has the first and the last time, both included.
    """
    condition, values = _is("r.branch", branch)
    where, more = alike.where()
    order = "r.ts, r.stamp, r.run_id DESC" if oldest else "r.ts DESC, r.stamp DESC, r.run_id"
    rows = catalog.rows(
        f"SELECT {_COLUMNS} {_FROM} WHERE {condition} AND r.ts BETWEEN ? AND ? AND {where}"
        f" ORDER BY {order} LIMIT ?",
        [*values, *span, *more, limit],
    )
    return [ComparableRun(*row) for row in rows]


def runs_of_commits(catalog: Catalog, commits: Sequence[str], alike: Alike) -> list[ComparableRun]:
    """Comparable runs of any branch that measured one of these commits, newest first."""
    where, more = alike.where()
    found = []
    for start in range(0, len(commits), _PAGE):
        page = [shrink_commit(commit) for commit in commits[start : start + _PAGE]]
        rows = catalog.rows(
            f"SELECT {_COLUMNS} {_FROM} WHERE r.commit_hash IN ({', '.join('?' * len(page))})"
            f" AND {where} ORDER BY r.ts DESC, r.stamp DESC, r.run_id",
            [*page, *more],
        )
        found += [ComparableRun(*row) for row in rows]
    return found


def values_of_runs(catalog: Catalog, numbers: Sequence[int]) -> dict[int, bytes]:
    """Run number -> the planes of all its values."""
    found: dict[int, bytes] = {}
    for start in range(0, len(numbers), _PAGE):
        page = numbers[start : start + _PAGE]
        marks = ", ".join("?" * len(page))
        found.update(catalog.rows(f"SELECT n, vals FROM measured WHERE n IN ({marks})", page))
    return found


def definition_objects(catalog: Catalog, numbers: Sequence[int]) -> dict[int, bytes]:
    """Definitions number -> id of its object."""
    marks = ", ".join("?" * len(numbers))
    return dict(catalog.rows(f"SELECT d, object FROM definitions WHERE d IN ({marks})", numbers))


def _is(column: str, value: str | None) -> tuple[str, list[object]]:
    # Not "IS ?" for both: the indexes hold the rows that have a value, and only "=" finds them.
    return (f"{column} IS NULL", []) if value is None else (f"{column} = ?", [value])

"""Questions for all values of many runs at once: rows as they lie, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graven.catalog.database import Catalog
from graven.catalog.questions import Filter


class Shape(NamedTuple):
    """A point of a definitions number; its metrics' columns begin at ``start``.

    ``tags`` and ``metrics`` are JSON as stored.
    """

    d: int
    scenario: str
    name: str
    tags: str
    metrics: str
    start: int


class MeasuredRun(NamedTuple):
    """A run that has values: the planes of its column, see docs/format.md.

    ``commit`` is as stored; ``environment`` the number that equal environments share.
    """

    number: int
    run_id: str
    ts: int
    branch: str | None
    commit: str | bytes | None
    environment: int | None
    d: int
    values: bytes


_COLUMNS = "r.n, r.run_id, coalesce(r.ts, 0), r.branch, r.commit_hash, m.environment, r.d, m.vals"


def measured_runs(catalog: Catalog, wanted: Filter) -> list[MeasuredRun]:
    """The runs that fit and have values, oldest first: `NEWEST_FIRST` from its end."""
    where, values = wanted.where()
    rows = catalog.rows(
        f"SELECT {_COLUMNS} FROM run r JOIN measured m ON m.n = r.n"
        f" WHERE {where} AND r.d IS NOT NULL ORDER BY r.ts, r.stamp, r.run_id DESC",
        values,
    )
    return [MeasuredRun(*row) for row in rows]


def numbers_by_age(catalog: Catalog) -> list[int]:
    """The definitions numbers that living runs have, that of the newest run last."""
    rows = catalog.rows(
        "SELECT d FROM (SELECT k.d AS d, (SELECT coalesce(r.ts, 0) FROM run r WHERE r.d = k.d"
        " AND r.object IS NOT NULL ORDER BY r.ts DESC LIMIT 1) AS newest FROM definitions k)"
        " WHERE newest IS NOT NULL ORDER BY newest, d"
    )
    return [d for (d,) in rows]


def shapes(catalog: Catalog) -> list[Shape]:
    """The points of all definitions, in the order of their columns."""
    rows = catalog.rows(
        "SELECT d, scenario, name, tags, metrics, start FROM shape ORDER BY d, point"
    )
    return [Shape(*row) for row in rows]


def definition_objects(catalog: Catalog, numbers: Sequence[int]) -> dict[int, bytes]:
    """Ids of the objects of these definitions numbers."""
    rows = catalog.rows("SELECT d, object FROM definitions")
    wanted = set(numbers)
    return {d: object_id for d, object_id in rows if d in wanted}

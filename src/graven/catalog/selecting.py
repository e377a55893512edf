"""Runs chosen by a query and put in order, at a cost that follows the answer.

Where a limit is given, two ways lead to the first runs: to walk the order and look at each
run, or to fetch all that one of the terms allows and order those. The second is taken if some
term allows few; `_driver` counts, up to where it would not pay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt
from typing import Any, NamedTuple

from graven.catalog.conditions import (
    COLUMNS,
    FUNCTIONS,
    Condition,
    Known,
    between,
    condition_of,
    ranked_numbers,
    run_condition,
    tagged_numbers,
)
from graven.catalog.database import Catalog
from graven.catalog.questions import HEADER_COLUMNS, Header, header_from_row
from graven.query.terms import And, Compare, Expression, Field, Not, Or, Query, SortKey

_PAGE = 500
_FEW = 500  # runs that are fetched and sorted in less than the time of an answer
_LATER = "r.ts DESC, r.stamp DESC, r.run_id"

# Made when a question first needs them: most stores are never asked.
LAZY_INDEXES = {
    "commit": "run_by_commit ON run(commit_hash) WHERE commit_hash IS NOT NULL",
    "status": "run_by_status ON run(status, ts) WHERE status IS NOT NULL",
    "origin": "run_by_origin ON run(origin, ts) WHERE origin IS NOT NULL",
    "group": "run_by_group ON run(grp, ts) WHERE grp IS NOT NULL",
    "machine": "measured_by_environment ON measured(environment)",
}


class Selection(NamedTuple):
    """What is asked for. Without ``order`` the newest run comes first, as always among equals."""

    where: Query
    order: tuple[SortKey, ...] = ()
    limit: int | None = None
    skip: int = 0

    @property
    def fields(self) -> list[Field]:
        """All fields that the answer depends on."""
        return [*self.where.fields(), *(key.field for key in self.order)]


def rankings_for(selection: Selection) -> list[str]:
    """The rankings without which the question cannot be answered."""
    wanted = dict.fromkeys(
        str(field) for field in selection.fields if field.name in ("metric", "param", "derived")
    )
    return list(wanted)


def get_ready(catalog: Catalog, selection: Selection) -> None:
    """Make what the question calls and what finds its runs fast. Not within a transaction."""
    for name, (count, function) in FUNCTIONS.items():
        catalog.define(name, count, function)
    _make_indexes(catalog, selection.where)


def choose(catalog: Catalog, selection: Selection, known: Known) -> list[int]:
    """Rows of the runs that fit, in order, after `get_ready`.

    Where the content of runs is asked for, one that is not measured yet, or cannot be read,
    is left out.
    """
    return _Choice(catalog, selection, known).numbers()


def headers_of(catalog: Catalog, numbers: Sequence[int]) -> list[Header]:
    """Headers by rows of `run`, in their order; runs that are gone meanwhile are left out."""
    return list(iter_headers_of(catalog, numbers))


def iter_headers_of(catalog: Catalog, numbers: Sequence[int]) -> Iterator[Header]:
    """As `headers_of`, a page at a time."""
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        marks = ", ".join("?" * len(part))
        rows = catalog.rows(
            f"SELECT r.n, {HEADER_COLUMNS} FROM run r WHERE r.n IN ({marks})"
            " AND r.object IS NOT NULL",
            part,
        )
        found = {row[0]: row[1:] for row in rows}
        yield from (header_from_row(found[n]) for n in part if n in found)


def numbers_of(catalog: Catalog, run_ids: Sequence[str]) -> dict[str, int]:
    """Rows of the living among these runs, by id."""
    found: dict[str, int] = {}
    for start in range(0, len(run_ids), _PAGE):
        part = run_ids[start : start + _PAGE]
        marks = ", ".join("?" * len(part))
        rows = catalog.rows(
            f"SELECT run_id, n FROM run WHERE object IS NOT NULL AND run_id IN ({marks})", part
        )
        found.update(dict(rows))
    return found


def ids_of(catalog: Catalog, numbers: Sequence[int]) -> dict[int, str]:
    """Ids by rows of `run`."""
    found: dict[int, str] = {}
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        rows = catalog.rows(
            f"SELECT n, run_id FROM run WHERE n IN ({', '.join('?' * len(part))})", part
        )
        found.update(dict(rows))
    return found


class _Choice:
    def __init__(self, catalog: Catalog, selection: Selection, known: Known) -> None:
        self.catalog = catalog
        self.order = selection.order
        self.known = known
        self.skip = selection.skip
        self.most = None if selection.limit is None else selection.skip + selection.limit
        self.root = selection.where.root
        terms = ["r.object IS NOT NULL"]
        values: list[Any] = []
        if self.root is not None:
            own = condition_of(self.root, known, top=True)
            terms.append(own.sql)
            values = own.values
        if any(field.measured for field in selection.where.fields()):
            # A run that is not measured yet, or cannot be read, neither has a field nor lacks it.
            terms.append("+r.d > 0")
        self.condition = Condition(" AND ".join(terms), values)

    def numbers(self) -> list[int]:
        if self.most == 0:
            return []
        ranking = None
        if self.order and self.order[0].field.key is not None:
            ranking = self.known.rankings[str(self.order[0].field)]
        driver = self._driver()
        if driver is None and ranking is not None and self.most is not None:
            found = self._along(ranking)
        else:
            source = (
                "run r" if driver is None else f"({driver.sql}) c CROSS JOIN run r ON r.n = c.n"
            )
            found = self._rows(source, [] if driver is None else driver.values, self._sorted())
        return found[self.skip :]

    def _along(self, ranking: int) -> list[int]:
        """Along the ranking that the order begins with, then the runs that are not in it."""
        first = self.order[0]
        rest = self._sorted(self.order[1:])
        direction = "DESC" if first.descending else "ASC"
        found = self._rows(
            "ranked s CROSS JOIN run r ON r.n = s.n AND s.m = ?",
            [ranking],
            Condition(f"s.value {direction}, {rest.sql}", rest.values),
        )
        if self.most is None or len(found) < self.most:
            without = Condition(
                f"{self.condition.sql}"
                " AND NOT EXISTS (SELECT 1 FROM ranked s WHERE s.m = ? AND s.n = r.n)",
                [*self.condition.values, ranking],
            )
            found += self._rows("run r", [], rest, without, len(found))
        return found

    def _rows(
        self,
        source: str,
        values: Sequence[Any],
        order: Condition,
        condition: Condition | None = None,
        had: int = 0,
    ) -> list[int]:
        condition = condition or self.condition
        rows = self.catalog.rows(
            f"SELECT r.n FROM {source} WHERE {condition.sql} ORDER BY {order.sql} LIMIT ?",
            [
                *values,
                *condition.values,
                *order.values,
                -1 if self.most is None else self.most - had,
            ],
        )
        return [n for (n,) in rows]

    def _sorted(self, order: Sequence[SortKey] | None = None) -> Condition:
        terms: list[str] = []
        values: list[Any] = []
        for key in self.order if order is None else order:
            sql = COLUMNS.get(key.field.name, "")
            own: list[Any] = []
            if key.field.key is not None:
                sql = "(SELECT y.value FROM ranked y WHERE y.m = ? AND y.n = r.n)"
                own = [self.known.rankings[str(key.field)]]
            terms += [f"{sql} IS NULL", f"{sql} {'DESC' if key.descending else 'ASC'}"]
            values += [*own, *own]
        return Condition(", ".join([*terms, _LATER]), values)

    # --- the term that allows fewest runs ---

    def _driver(self) -> Condition | None:
        row = self.catalog.one("SELECT max(n) FROM run")
        runs = int(row[0] or 0) if row else 0
        # To walk to `most` hits among sqrt(most * runs) of all runs takes as many looks as to
        # fetch these. Counting costs too, for nothing where much fits: so it ends before that.
        few = runs // 8 if self.most is None else max(_FEW, isqrt(self.most * runs) // 4)
        best: tuple[int, Condition] | None = None
        for term in _conjuncts(self.root):
            found = self._numbers_of(term)
            if found is None:
                continue
            bound = few + 1 if best is None else best[0]
            row = self.catalog.one(
                f"SELECT count(*) FROM (SELECT 1 FROM ({found.sql}) LIMIT ?)",
                [*found.values, bound],
            )
            count = int(row[0]) if row else 0
            if count < bound:
                best = (count, found)
        return best[1] if best else None

    def _numbers_of(self, term: Expression) -> Condition | None:
        """``SELECT n`` of the runs that a term allows, by an index; None if it has none."""
        if isinstance(term, (And, Or, Not)):
            return None
        name = term.field.name
        if name in ("metric", "param", "derived"):
            return ranked_numbers(term, self.known.rankings)
        if not isinstance(term, Compare):
            return None
        if name == "tag" and term.operator == "=":
            return tagged_numbers(term)
        if name == "run" and term.operator == "=":
            found = run_condition("run_id", term.value.text)
            return Condition(f"SELECT n FROM run WHERE {found.sql}", found.values)
        if name == "machine" and term.operator == "=":
            return _of_machine(term.value.text.lower())
        if name == "commit" and term.operator == "=":
            return _of_commit(term.value.text)
        return None


def _of_machine(prefix: str) -> Condition:
    sql, values = between("e.fingerprint", prefix)
    return Condition(
        f"SELECT x.n FROM environment e CROSS JOIN measured x ON x.environment = e.e WHERE {sql}",
        values,
    )


def _of_commit(prefix: str) -> Condition:
    """By the index: texts as they are, texts in lower case, and what is stored as bytes."""
    lowered = prefix.lower()
    parts = [("commit_hash = ?", [prefix]), between("commit_hash", lowered)]
    if not lowered.strip("0123456789abcdef") and len(lowered) <= 64:
        low = bytes.fromhex(lowered + "0" * (len(lowered) % 2))
        high = bytes.fromhex(lowered + "f" * (64 - len(lowered)))
        parts.append(("commit_hash BETWEEN ? AND ?", [low, high]))
    sql = " UNION ".join(f"SELECT n FROM run WHERE {one}" for one, _ in parts)
    return Condition(sql, [value for _, values in parts for value in values])


def _conjuncts(root: Expression | None) -> Iterator[Expression]:
    if isinstance(root, And):
        for part in root.parts:
            yield from _conjuncts(part)
    elif root is not None:
        yield root


def _make_indexes(catalog: Catalog, where: Query) -> None:
    wanted = {
        term.field.name
        for term in _conjuncts(where.root)
        if isinstance(term, Compare) and term.operator == "=" and term.field.name in LAZY_INDEXES
    }
    if not wanted:
        return
    rows = catalog.rows("SELECT name FROM sqlite_schema WHERE type = 'index'")
    there = {name for (name,) in rows}
    missing = [LAZY_INDEXES[one] for one in wanted]
    missing = [definition for definition in missing if definition.split(" ", 1)[0] not in there]
    if missing:
        with catalog.transaction() as connection:
            for definition in missing:
                connection.execute(f"CREATE INDEX IF NOT EXISTS {definition}")

"""A query as SQL. Text of the user becomes bound values, never SQL.

Terms of a condition may be NULL where a run lacks the field; at the top, and wherever a term
is negated, NULL counts as false. Conditions stand on ``run r``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from graven.catalog.questions import commit_condition
from graven.ids import normal
from graven.query.patterns import fits_glob
from graven.query.terms import (
    NAME,
    PREFIX,
    TEXT,
    Among,
    And,
    Compare,
    Exists,
    Expression,
    Field,
    Literal,
    Not,
    Or,
)
from graven.query.values import kind_of, number_of

COLUMNS = {
    "run": "r.run_id",
    "branch": "r.branch",
    "commit": (
        "CASE typeof(r.commit_hash) WHEN 'blob' THEN lower(hex(r.commit_hash))"
        " ELSE r.commit_hash END"
    ),
    "time": "r.ts",
    "experiment": "r.experiment",
    "status": "coalesce(r.status, 'ok')",
    "origin": "coalesce(r.origin, 'measured')",
    "group": "r.grp",
    "points": "coalesce(r.points, 0)",
    "machine": (
        "(SELECT nullif(e.fingerprint, '') FROM measured x JOIN environment e"
        " ON e.e = x.environment WHERE x.n = r.n)"
    ),
    "dirty": "(SELECT x.dirty FROM measured x WHERE x.n = r.n)",
}
"""SQL of the fields without a key, but for `baseline`."""

# By which SQLite finds runs, newest first; elsewhere a + keeps it from choosing an index that
# is no use. What is usual is stored as NULL, and in no index.
INDEXED = {
    "branch": "r.branch",
    "experiment": "r.experiment",
    "group": "r.grp",
    "status": "r.status",
    "origin": "r.origin",
}
_USUAL = {("status", "ok"), ("origin", "measured")}

GLOB, NUMBER = "graven_glob", "graven_number"
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    GLOB: (2, lambda text, pattern: int(fits_glob(text, pattern))),
    NUMBER: (1, lambda text: number_of(text) if isinstance(text, str) else None),
}
"""What the conditions call: name to number of arguments and function."""


class Condition(NamedTuple):
    """SQL and the values bound in it."""

    sql: str
    values: list[Any]


class Known(NamedTuple):
    """What a condition refers to beside the catalog's own columns.

    Attributes:
        rankings: numbers by field and key (`graven.catalog.rankings`).
        baselines: run ids by the names of baselines.
    """

    rankings: Mapping[str, int]
    baselines: Mapping[str, str]


def condition_of(part: Expression, known: Known, *, top: bool = False) -> Condition:
    """The condition of a part of a query; ``top``: nothing but ``and`` stands above it."""
    if isinstance(part, (And, Or)):
        inside = top and isinstance(part, And)
        parts = [condition_of(inner, known, top=inside) for inner in part.parts]
        word = " AND " if isinstance(part, And) else " OR "
        values = [value for inner in parts for value in inner.values]
        return Condition(f"({word.join(inner.sql for inner in parts)})", values)
    if isinstance(part, Not):
        inner = condition_of(part.part, known)
        return Condition(f"NOT coalesce({inner.sql}, 0)", inner.values)
    if part.field.name == "baseline":
        return _baseline(part, known.baselines)
    if part.field.name == "tag":
        return _tag(part)
    if part.field.key is not None:
        ranked = ranked_numbers(part, known.rankings)
        return Condition(f"EXISTS ({ranked.sql} AND x.n = r.n)", ranked.values)
    return _column(part, top)


def _column(part: Compare | Among | Exists, top: bool) -> Condition:
    name = part.field.name
    sql = COLUMNS[name]
    if isinstance(part, Exists):
        return Condition(f"{sql} IS NOT NULL", [])
    kind = kind_of(part.field)
    if isinstance(part, Among):
        if kind == PREFIX:
            return _any_of([_prefix(name, value) for value in part.values])
        values: list[Any] = [_value(part.field, value) for value in part.values]
        return Condition(f"+({sql}) IN ({', '.join('?' * len(values))})", values)
    if part.operator == "~":
        return Condition(f"{GLOB}({sql}, ?)", [part.value.text])
    if kind == PREFIX:
        return _prefix(name, part.value)
    plain = f"+({sql})"
    if name == "time":
        plain = sql
    elif top and name in INDEXED and (name, part.value.text) not in _USUAL:
        plain = INDEXED[name]
    return Condition(f"{plain} {part.operator} ?", [_value(part.field, part.value)])


def _value(field: Field, literal: Literal) -> Any:
    return literal.text if kind_of(field) in (TEXT, NAME) else literal.number


def _prefix(name: str, literal: Literal) -> Condition:
    if name == "commit":
        return Condition(*commit_condition(literal.text))
    if name == "run":
        return run_condition(f"+{COLUMNS[name]}", literal.text)
    return Condition(*between(f"+{COLUMNS[name]}", literal.text.lower()))


def run_condition(sql: str, text: str) -> Condition:
    """The run of this id; where there is none, those whose ids begin so, as git has it."""
    name = normal(text)
    begins, values = between(sql, name)
    there = "EXISTS(SELECT 1 FROM run WHERE run_id = ? AND object IS NOT NULL)"
    return Condition(f"({sql} = ? OR (NOT {there} AND {begins}))", [name, name, *values])


def _any_of(parts: list[Condition]) -> Condition:
    """Halved again and again: of a plain row of them SQLite takes no more than 1,000 levels."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    left, right = _any_of(parts[:middle]), _any_of(parts[middle:])
    return Condition(f"({left.sql} OR {right.sql})", [*left.values, *right.values])


def between(sql: str, prefix: str) -> tuple[str, list[Any]]:
    """Texts that begin with a prefix."""
    end = after_prefix(prefix)
    if end is None:
        return f"{sql} >= ?", [prefix]
    return f"({sql} >= ? AND {sql} < ?)", [prefix, end]


def after_prefix(prefix: str) -> str | None:
    """The first text behind all that begin with a prefix; None if there is none."""
    while prefix and prefix[-1] == "\U0010ffff":
        prefix = prefix[:-1]
    if not prefix:
        return None
    code = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)


# --- values of rankings ---


def ranked_numbers(part: Compare | Among | Exists, rankings: Mapping[str, int]) -> Condition:
    """``SELECT x.n ...`` of the runs that fit a term about a ranking."""
    m = rankings[str(part.field)]
    if isinstance(part, Exists):
        fits = Condition("1", [])
    elif isinstance(part, Among):
        fits = _ranked_equal([value for literal in part.values for value in _spelled(literal)])
    elif part.operator == "=":
        fits = _ranked_equal(_spelled(part.value))
    elif part.operator == "~":
        fits = Condition(f"{GLOB}(x.value, ?)", [part.value.text])
    else:
        fits = _ranked_order(part.operator, part.value)
    return Condition(f"SELECT x.n FROM ranked x WHERE x.m = ? AND {fits.sql}", [m, *fits.values])


def _spelled(literal: Literal) -> list[Any]:
    """What a value is equal to: text as it is written, and the number or word it is."""
    found: list[Any] = [literal.text]
    if literal.number is not None:
        found.append(literal.number)
    if not literal.quoted and literal.text in ("true", "false"):
        found.append(literal.text.encode())  # as `keyed.sortable` has them
    return found


def _ranked_equal(values: Collection[Any]) -> Condition:
    return Condition(f"x.value IN ({', '.join('?' * len(values))})", list(values))


def _ranked_order(operator: str, literal: Literal) -> Condition:
    # Numbers stand before texts, texts before bytes: each is compared with its like alone.
    above = operator.startswith(">")
    if literal.number is not None:
        like = " AND x.value < ''" if above else ""
        return Condition(f"x.value {operator} ?{like}", [literal.number])
    like = " AND x.value < x''" if above else " AND x.value >= ''"
    return Condition(f"x.value {operator} ?{like}", [literal.text])


# --- tags and baselines: a run may have several ---


def _tag(part: Compare | Among | Exists) -> Condition:
    key = part.field.key
    fits = "1"
    values: list[Any] = []
    if isinstance(part, Among):
        fits = f"t.value IN ({', '.join('?' * len(part.values))})"
        values = [value.text for value in part.values]
    elif isinstance(part, Compare):
        if part.operator == "=":
            fits, values = "t.value = ?", [part.value.text]
        elif part.operator == "~":
            fits, values = f"{GLOB}(t.value, ?)", [part.value.text]
        elif part.value.number is not None:
            fits, values = f"{NUMBER}(t.value) {part.operator} ?", [part.value.number]
        else:
            fits, values = f"t.value {part.operator} ?", [part.value.text]
    if isinstance(part, Compare) and part.operator == "=":  # the key of the table: one look
        return Condition(
            f"EXISTS (SELECT 1 FROM shape_tag t WHERE t.key = ? AND {fits} AND t.d = r.d)",
            [key, *values],
        )
    return Condition(
        f"+r.d IN (SELECT t.d FROM shape_tag t WHERE t.key = ? AND {fits})", [key, *values]
    )


def tagged_numbers(part: Compare) -> Condition:
    """``SELECT n`` of the runs with a point that has a tag."""
    return Condition(
        "SELECT DISTINCT w.n FROM shape_tag t CROSS JOIN run w ON w.d = t.d"
        " WHERE t.key = ? AND t.value = ?",
        [part.field.key, part.value.text],
    )


def _baseline(part: Compare | Among | Exists, baselines: Mapping[str, str]) -> Condition:
    if isinstance(part, Exists):
        ids = set(baselines.values())
    elif isinstance(part, Among):
        wanted = {value.text for value in part.values}
        ids = {run for name, run in baselines.items() if name in wanted}
    elif part.operator == "~":
        ids = {run for name, run in baselines.items() if fits_glob(name, part.value.text)}
    else:
        ids = {run for name, run in baselines.items() if name == part.value.text}
    return Condition(f"+r.run_id IN ({', '.join('?' * len(ids))})", sorted(ids))

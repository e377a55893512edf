"""What a statement is and what it names, by DuckDB's own parser; all but questions is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.errors import InvalidInput
from graven.frames.schemas import TABLES
from graven.sql.faults import from_duckdb

if TYPE_CHECKING:
    import duckdb

MAX_LENGTH = 1_000_000
_GIVE_ONE = "give one; 'select 1' is one"
_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"
_EXPLAIN = re.compile(
    rf"{_SPACE}explain\b{_SPACE}(?:analyze\b{_SPACE})?(?:\([^)]*\){_SPACE})?", re.I | re.S
)

# Functions in the place of a table. All others are refused by name: DuckDB's read files, change
# settings, or take addresses of memory, and new ones come with each version.
TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_tables", "duckdb_types",
        "duckdb_views", "generate_series", "json_each", "json_tree", "pragma_version", "range",
        "repeat", "repeat_row", "unnest",
    }
)  # fmt: skip
# Functions in the place of a value that do something.
_DOING = frozenset({"getenv", "nextval", "setval", "write_log", "current_setting", "getvariable"})


class Statement(NamedTuple):
    """A question that may be asked.

    Attributes:
        text: as it was given.
        tables: those of the store that it names.
    """

    text: str
    tables: tuple[str, ...]


def read(parser: duckdb.DuckDBPyConnection, text: str) -> Statement:
    """Read a statement.

    Args:
        parser: a connection; nothing is run on it but the parser.
        text: one SELECT, WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW or EXPLAIN of one.

    Raises:
        InvalidInput: kind ``bad-query``: not SQL; kind ``sql-refused``: not a question, or
            with a function that does more than answer.
    """
    import duckdb

    if len(text) > MAX_LENGTH or "\0" in text:
        raise _refused("a statement of over a million characters, or with a NUL in it")
    try:
        text.encode()
    except UnicodeEncodeError:  # what was no UTF-8 on the command line or standard input
        raise _refused("a statement that is no UTF-8") from None
    try:
        statements = parser.extract_statements(text)
    except duckdb.Error as error:
        raise from_duckdb(error, text) from None
    if not statements:
        raise InvalidInput("there is no statement", kind="sql-refused", hint=_GIVE_ONE)
    if len(statements) != 1:
        raise _refused(f"{len(statements)} statements at once", _GIVE_ONE)
    kind = _kind(statements[0])
    body = text
    if kind == "EXPLAIN":
        body = _EXPLAIN.sub("", text, count=1)
    elif kind == "MULTI" and "pivot" in text.lower():  # it would make a type of the values first
        raise _refused(
            "PIVOT without the values of its column",
            "name them: pivot TABLE on COLUMN in ('a', 'b') using ...",
        )
    elif kind != "SELECT":
        raise _refused(f"a statement of kind {kind}")
    tree = _tree(parser, body)
    _check_functions(tree)
    named = {name.lower() for name in _values(tree, "table_name")}
    return Statement(text, tuple(table for table in TABLES if table in named))


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # one that DuckDB itself has no name for
        return "UNKNOWN"


def _tree(parser: duckdb.DuckDBPyConnection, text: str) -> Any:
    import duckdb

    try:
        rows = parser.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchall()
        found = json.loads(rows[0][0])
    except duckdb.OutOfMemoryException as error:
        raise from_duckdb(error, text) from None
    except (duckdb.Error, ValueError, RecursionError) as error:
        raise _refused(f"a statement that cannot be looked into ({type(error).__name__})") from None
    if found.get("error") is not False or len(found.get("statements", ())) != 1:
        raise _refused("a statement that is no SELECT")
    return found


def _check_functions(tree: Any) -> None:
    for node in _nodes(tree):
        kind, function = node.get("type"), node.get("function")
        if kind == "TABLE_FUNCTION" and isinstance(function, dict):
            name = str(function.get("function_name")).lower()
            if name not in TABLE_FUNCTIONS:
                known = ", ".join(sorted(TABLE_FUNCTIONS))
                raise _refused(f"the table function {name!r}", f"those allowed are {known}")
        elif str(node.get("function_name")).lower() in _DOING:
            raise _refused(f"the function {node['function_name']!r}")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _values(tree: Any, key: str) -> Iterator[str]:
    for node in _nodes(tree):
        value = node.get(key)
        if isinstance(value, str):
            yield value.strip('"')


def _refused(what: str, hint: str = "") -> InvalidInput:
    return InvalidInput(
        f"SQL of graven only asks: it refuses {what}",
        kind="sql-refused",
        hint=hint or "SELECT, WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES, EXPLAIN",
    )

"""Errors of DuckDB as graven's: where in the statement, and what may have been meant."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any

from graven.errors import InvalidInput
from graven.frames.schemas import SCHEMAS, TABLES

_NO_COLUMN = re.compile(r'column named "([^"]*)"')
# Columns that are words of SQL too, where nothing but a column can stand.
_KEYWORD = re.compile(r'(?<!["\w])(group|by|at)(?="?\s*(?:,|\)|=|<|>|from\b|as\b))(?!")', re.I)
_EVERY_COLUMN = [column for schema in SCHEMAS.values() for column in schema.names]
_MOST = 2_000  # characters of a message


def says_where(error: Exception) -> bool:
    """Whether it is DuckDB's: through Arrow's streams its errors come as others, words kept."""
    return "exception_type" in _facts(error)


def from_duckdb(error: Exception, text: str) -> InvalidInput:
    """What DuckDB says of a statement, with ``query``, ``column`` and ``width``."""
    import duckdb

    told = _facts(error)
    kind = told.get("exception_type")
    message = str(told.get("exception_message", error)).partition("\n")[0][:_MOST].rstrip("!.")
    if isinstance(error, duckdb.OutOfMemoryException) or kind == "Out of Memory":
        return InvalidInput(
            f"statement needs more memory than it may have: {_first_lower(message)}",
            kind="sql-memory",
            hint="give it more with --memory, or ask for less at once",
        )
    if isinstance(error, duckdb.PermissionException) or kind == "Permission":
        return InvalidInput(
            f"SQL of graven only asks of the store: {_first_lower(message)}",
            kind="sql-refused",
            hint=f"the tables are {', '.join(TABLES)}",
        )
    hint = _hint(told)
    if hint is None and kind == "Parser" and (word := _KEYWORD.search(text)) is not None:
        hint = f'{word[1]!r} is a word of SQL: the column is "{word[1]}", in double quotes'
    place = _place(told, text)
    return InvalidInput(
        _first_lower(message), kind="bad-query", hint=hint, **(place or {"query_text": text})
    )


def _facts(error: Exception) -> dict[str, Any]:
    """What stands behind ``Binder Error:``, JSON by the setting ``errors_as_json``."""
    text = str(error)
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _place(told: dict[str, Any], text: str) -> dict[str, Any] | None:
    """Bytes from the beginning, which DuckDB counts, as a column from 1 in one line."""
    try:
        start = int(told["position"])
        length = json.loads(told["location"])[1] if "location" in told else 1
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    data = text.encode()
    if not 0 <= start <= len(data):
        return None
    before = data[:start].decode(errors="replace")
    marked = data[start : start + int(length)].decode(errors="replace")
    line = before.rpartition("\n")[2] + text[len(before) :].partition("\n")[0]
    column = len(before.rpartition("\n")[2]) + 1
    return {"query": line, "column": column, "width": max(1, len(marked.partition("\n")[0]))}


def _hint(told: dict[str, Any]) -> str | None:
    name = str(told.get("name", ""))
    if told.get("error_subtype") == "COLUMN_NOT_FOUND":
        candidates = [c.strip() for c in str(told.get("candidates", "")).split(",") if c.strip()]
        near = get_close_matches(name, candidates, 1) or get_close_matches(name, _EVERY_COLUMN, 1)
        near = near or candidates[:1]
        return f"did you mean {near[0]!r}?" if near else None
    if told.get("type") == "Table":
        near = get_close_matches(name.lower(), TABLES, 1)
        return f"did you mean {near[0]!r}?" if near else f"the tables are {', '.join(TABLES)}"
    other = _NO_COLUMN.search(str(told.get("exception_message", "")))
    if other is not None:
        near = get_close_matches(other[1], _EVERY_COLUMN, 1)
        return f"did you mean {near[0]!r}?" if near else None
    candidate = str(told.get("candidates", "")).partition(",")[0]
    return f"did you mean {candidate!r}?" if candidate else None


def _first_lower(message: str) -> str:
    return message[:1].lower() + message[1:] if message[1:2].islower() else message

"""Many rows at once into a table, as Python's SQLite takes them fastest."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any


def insert_rows(
    connection: sqlite3.Connection, into: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows that have a value for each of the columns ``names``.

    Python asks its adapters for the form of each value that is None or bytes, which takes
    longer than storing it. So columns that are None throughout are left out (SQLite's NULL
    stands there by itself), and bytes go in as bytearrays, for which nobody is asked.

    Args:
        connection: within a transaction.
        into: the statement's beginning, ``INSERT INTO run``.
        names: of columns.
        rows: in the order in which they are inserted.
    """
    if not rows:
        return
    used: dict[str, Sequence[Any]] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        kinds = set(map(type, column))
        if kinds == _ONLY_NONE:
            continue
        used[name] = column
        if bytes in kinds:
            used[name] = [bytearray(v) if type(v) is bytes else v for v in column]
    connection.executemany(
        f"{into}({', '.join(used)}) VALUES({', '.join('?' * len(used))})",
        zip(*used.values(), strict=True),
    )


_ONLY_NONE = {type(None)}

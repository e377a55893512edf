"""Choose runs by a query, and show some of their fields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from graven.catalog.questions import Header
from graven.query import Field, parse, parse_columns, parse_sort
from graven.store import Store

USUAL_COLUMNS = ("run", "time", "branch", "commit")


class Answer(NamedTuple):
    """The runs that fit.

    Attributes:
        columns: fields, in the order of ``rows``' values.
        units: of metrics, as far as the runs agree; None for others.
        rows: a tuple of values a run; see `graven.store.rows.Rows`.
        headers: of the runs.
        remark: why there is none, if a name explains it.
        warnings: what the numbers do not tell.
    """

    columns: tuple[str, ...]
    units: tuple[str | None, ...]
    rows: list[tuple[Any, ...]]
    headers: list[Header]
    remark: str | None
    warnings: tuple[str, ...] = ()

    def records(self) -> list[dict[str, Any]]:
        """JSON-ready: a record a run."""
        units = {c: u for c, u in zip(self.columns, self.units, strict=True) if u is not None}
        return [
            {
                "id": header.run_id,
                "object": header.object_id,
                "values": {c: _plain(v) for c, v in zip(self.columns, row, strict=True)},
                "units": units,
            }
            for header, row in zip(self.headers, self.rows, strict=True)
        ]


def query(
    store: Store,
    where: str = "",
    *,
    sort: str | Sequence[str] | None = None,
    columns: str | Sequence[str] | None = None,
    limit: int | None = None,
    skip: int = 0,
) -> Answer:
    """The runs that fit a query (docs/query.md), as a table.

    Args:
        store: its catalog is asked.
        where: which runs; empty for all.
        sort: their order; newest first if left out.
        columns: fields to show; if left out run, time, branch, commit, and what the query
            and the order ask for.
        limit, skip: at most so many, after leaving out so many.

    Raises:
        InvalidInput: the query cannot be read, or names what no run has.
    """
    wanted = parse(where)
    if columns is None:
        asked = [*wanted.fields(), *(key.field for key in parse_sort(sort))]
        columns = [*USUAL_COLUMNS, *(_spelled(field) for field in asked)]
        columns = list(dict.fromkeys(columns))
    else:
        columns = [_spelled(field) for field in parse_columns(columns)]
    found = store.select_rows(columns, wanted, sort=sort, limit=limit, skip=skip)
    remark = None if found.rows else store.explain_empty(wanted)
    warnings = tuple(
        f"runs have {name} in several units ({', '.join(map(repr, units))});"
        " the numbers are taken as they are"
        for name, units in found.disagreeing.items()
    )
    return Answer(found.columns, found.units, found.rows, found.headers, remark, warnings)


def _spelled(field: Field) -> str:
    """A field as the language reads it."""
    if field.key is None:
        return field.name
    return f"{field.name}.{quoted(field.key)}"


def quoted(text: str) -> str:
    """``text`` as a value of the language."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    plain = "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)
    return f'"{plain}"'


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

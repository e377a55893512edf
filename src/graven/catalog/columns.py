"""Columns of a table of runs: the value of each run for a field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graven.catalog.database import Catalog, Row
from graven.catalog.keyed import json_values, keyed_values
from graven.catalog.questions import Header
from graven.query.terms import Field

_PAGE = 500

_OF_HEADER = {
    "run": "run_id",
    "branch": "branch",
    "commit": "commit",
    "time": "timestamp",
    "experiment": "experiment",
    "status": "status",
    "origin": "origin",
    "group": "group",
    "points": "points",
}


def column_values(
    catalog: Catalog,
    field: Field,
    headers: Mapping[int, Header],
    baselines: Mapping[str, Sequence[str]],
) -> dict[int, Any]:
    """Row of `run` to value, of those that have one.

    Args:
        catalog: is asked.
        field: a metric gives a float, a parameter or derived value what stands there, a tag
            and `baseline` a list of texts, `dirty` a bool, `time` an aware datetime.
        headers: of the runs, by row.
        baselines: names by run id.
    """
    numbers = list(headers)
    if field.name in _OF_HEADER:
        name = _OF_HEADER[field.name]
        found = {n: getattr(header, name) for n, header in headers.items()}
        return {n: value for n, value in found.items() if value is not None}
    if field.name == "baseline":
        ids = {n: header.run_id for n, header in headers.items()}
        return {n: list(baselines[run_id]) for n, run_id in ids.items() if run_id in baselines}
    if field.name == "metric":
        return dict(keyed_values(catalog.rows, str(field), numbers))
    if field.name in ("param", "derived"):
        return dict(json_values(catalog.rows, str(field), numbers))
    if field.name == "tag":
        return _tags(catalog, field.key or "", numbers)
    return _of_body(catalog, field.name, numbers)


def _of_body(catalog: Catalog, name: str, numbers: Sequence[int]) -> dict[int, Any]:
    sql = (
        "SELECT m.n, m.dirty FROM measured m WHERE m.dirty IS NOT NULL AND"
        if name == "dirty"
        else "SELECT m.n, e.fingerprint FROM measured m JOIN environment e"
        " ON e.e = m.environment WHERE e.fingerprint <> '' AND"
    )
    rows = _paged(catalog, f"{sql} m.n", numbers)
    return {n: bool(value) if name == "dirty" else value for n, value in rows}


def _tags(catalog: Catalog, key: str, numbers: Sequence[int]) -> dict[int, Any]:
    of_runs: dict[int, int] = dict(
        _paged(catalog, "SELECT n, d FROM run WHERE d > 0 AND n", numbers)
    )
    found: dict[int, set[str]] = {}
    for d, text in _paged(
        catalog, "SELECT d, tags FROM shape WHERE d", sorted(set(of_runs.values()))
    ):
        value = json.loads(text).get(key)
        if value is not None:
            found.setdefault(d, set()).add(value)
    return {n: sorted(found[d]) for n, d in of_runs.items() if d in found}


def _paged(catalog: Catalog, sql: str, numbers: Sequence[int]) -> Iterator[Row]:
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        yield from catalog.rows(f"{sql} IN ({', '.join('?' * len(part))})", part)

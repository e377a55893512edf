"""The value of a run for a keyed field: `metric.time`, `param.lr`, `derived.sharpe`.

A metric's is the median over the run's points that have a number of it; a parameter's and a
derived one's is what stands there, in a form that SQLite compares as docs/query.md says.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from statistics import median
from sys import byteorder
from typing import Any, TypeAlias

from graven.query.terms import FIRST_DERIVED

Ask: TypeAlias = Callable[[str, Sequence[Any]], Iterable[tuple[Any, ...]]]
"""Rows of a question: `sqlite3.Connection.execute`, `Catalog.rows`."""

Value: TypeAlias = int | float | str | bytes

TRUE, FALSE, LIST, MAP = b"true", b"false", b"[", b"{"
"""What is neither number nor text: bytes, which equal no text and come behind all of it."""

_PAGE = 500
_BULK = 4096  # runs whose values are in memory at once
_NUMPY_FROM = 20_000  # values from which loading numpy is worth its tenth of a second


def keyed_values(
    ask: Ask, name: str, numbers: Sequence[int] | None = None
) -> Iterator[tuple[int, Value]]:
    """(run number, value) of each living run, or of these, that has one.

    Args:
        ask: gives rows.
        name: the field with its key.
        numbers: rows of `run`; all of them if left out.
    """
    field, _, key = name.partition(".")
    if field == "metric":
        yield from _metric_values(ask, key, numbers)
        return
    for number, found in json_values(ask, name, numbers):
        value = sortable(found)
        if value is not None:
            yield number, value


def json_values(
    ask: Ask, name: str, numbers: Sequence[int] | None = None
) -> Iterator[tuple[int, Any]]:
    """As `keyed_values` for parameters and derived ones, as they stand in their records."""
    field, _, key = name.partition(".")
    rows = _param_texts(ask, numbers) if field == "param" else _derived_texts(ask, key, numbers)
    if field == "derived":
        key = split_derived(key)[1]
    for number, text in rows:
        found = find_value(json.loads(text), key)
        if found is not None:
            yield number, found


def split_derived(key: str) -> tuple[str, str]:
    """Record and key in it: ``sharpe`` is of the record ``metrics``, ``risk:var.p95`` of risk."""
    record, colon, rest = key.partition(":")
    return (record, rest) if colon else (FIRST_DERIVED, key)


def sortable(value: object) -> Value | None:
    """A JSON value as it is compared; None for what counts as missing."""
    if value is None or isinstance(value, bool):
        return None if value is None else (TRUE if value else FALSE)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, str):
        return value
    return MAP if isinstance(value, dict) else LIST


def find_value(record: object, key: str) -> object:
    """What stands under a key with dots: a key that has them itself, or keys of maps in maps."""
    if not isinstance(record, dict):
        return None
    if key in record:
        return record[key]
    at = key.rfind(".")
    while at > 0:
        found = find_value(record.get(key[:at]), key[at + 1 :])
        if found is not None:
            return found
        at = key.rfind(".", 0, at)
    return None


def fits_metric(wanted: str, metric: str, name: str, scenario: str) -> bool:
    """True for a point's metric that ``M``, ``name/M`` or ``scenario/name/M`` means."""
    return wanted == metric or (
        wanted.endswith(metric) and wanted in (f"{name}/{metric}", f"{scenario}/{name}/{metric}")
    )


# --- where the values lie ---


def _paged(
    ask: Ask, sql: str, numbers: Sequence[int] | None, more: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """Rows of ``sql`` with ``{among}`` for all runs, or for these."""
    if numbers is None:
        yield from ask(sql.format(among=""), more)
        return
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        marks = ", ".join("?" * len(part))
        yield from ask(sql.format(among=f"AND r.n IN ({marks})"), [*more, *part])


def _param_texts(ask: Ask, numbers: Sequence[int] | None) -> Iterator[tuple[Any, ...]]:
    return _paged(
        ask,
        "SELECT r.n, r.params FROM measured r WHERE r.params IS NOT NULL {among}",
        numbers,
    )


def _derived_texts(ask: Ask, key: str, numbers: Sequence[int] | None) -> Iterator[tuple[Any, ...]]:
    record = f"derived/{split_derived(key)[0]}"
    if numbers is None:
        return _paged(
            ask,
            "SELECT r.n, d.record FROM ref f JOIN run r ON r.run_id = f.run_id"
            " JOIN derived d ON d.object = f.target"
            " WHERE substr(f.name, length(f.run_id) + 7, 8) = 'derived/'"
            " AND substr(f.name, length(f.run_id) + 7) = ?"
            " AND f.stamp > r.floor AND r.object IS NOT NULL {among}",
            None,
            [record],
        )
    return _paged(
        ask,
        "SELECT r.n, d.record FROM run r JOIN ref f ON f.name = 'runs/' || r.run_id || '/' || ?"
        " JOIN derived d ON d.object = f.target"
        " WHERE f.stamp > r.floor AND r.object IS NOT NULL {among}",
        numbers,
        [record],
    )


class Positions:
    """Where the entries of a metric stand in the values of runs, by definitions."""

    def __init__(self, ask: Ask, metric: str) -> None:
        self._ask = ask
        self._metric = metric
        self._known: dict[int, list[int]] = {}
        self._names: dict[str, list[str]] = {}

    def of(self, d: int) -> list[int]:
        """Positions in runs of definitions ``d``."""
        known = self._known.get(d)
        if known is None:
            known = self._known[d] = []
            rows = self._ask(
                "SELECT name, scenario, metrics, start FROM shape WHERE d = ? ORDER BY point", (d,)
            )
            for name, scenario, text, start in rows:
                for place, metric in enumerate(self._metrics(text)):
                    if fits_metric(self._metric, metric, name, scenario):
                        known.append(start + place)
        return known

    def _metrics(self, text: str) -> list[str]:
        if text not in self._names:
            self._names[text] = json.loads(text)
        return self._names[text]


def _metric_values(
    ask: Ask, metric: str, numbers: Sequence[int] | None
) -> Iterator[tuple[int, float]]:
    positions = Positions(ask, metric)
    sql = "SELECT x.d, r.n, r.vals FROM measured r JOIN run x ON x.n = r.n WHERE x.d > 0 {among}"
    rows = _paged(ask, sql, numbers)
    while page := list(islice(rows, _BULK)):
        waiting: dict[int, tuple[list[int], list[bytes]]] = {}
        for d, number, column in page:
            found, columns = waiting.setdefault(d, ([], []))
            found.append(number)
            columns.append(column)
        for d, (found, columns) in waiting.items():
            values = medians(columns, positions.of(d))
            yield from [
                (number, value)
                for number, value in zip(found, values, strict=True)
                if not math.isnan(value)
            ]


def medians(columns: Sequence[bytes], places: Sequence[int]) -> Sequence[float]:
    """Of each column of planes the median of the numbers at some places; NaN for none.

    Columns are of one length.
    """
    if not places:
        return [math.nan] * len(columns)
    if len(places) == 1:
        return _entries(columns, places[0])
    if len(columns) * len(places) >= _NUMPY_FROM:
        return numpy_medians(columns, places).tolist()  # type: ignore[no-any-return]  # an array
    rows = zip(*(_entries(columns, place) for place in places), strict=True)
    found = []
    for row in rows:
        numbers = [value for value in row if not math.isnan(value)]
        found.append(median(numbers) if numbers else math.nan)
    return found


def _entries(columns: Sequence[bytes], place: int) -> array[float]:
    """One entry of each column of planes."""
    width = len(columns[0]) // 8
    found = array("d", b"".join([column[place::width] for column in columns]))
    if byteorder == "little":
        found.byteswap()
    return found


def numpy_values(columns: Sequence[bytes], places: Sequence[int] | None = None) -> Any:
    """Columns of planes, all of one length, as an array (runs, entries) of float64.

    ``places``: of the entries, in their order; else all of them.
    """
    import numpy as np

    width = len(columns[0]) // 8
    planes = np.frombuffer(b"".join(columns), np.uint8).reshape(len(columns), 8, width)
    few = places is not None and len(places) * 4 < width
    if few:  # else it is faster to turn all of them
        planes = planes[:, :, list(places or ())]
    if byteorder == "little":
        planes = planes[:, ::-1]
    values = planes.transpose(0, 2, 1).copy().view(np.float64)[..., 0]
    if places is None or few or list(places) == list(range(width)):
        return values
    return values.take(places, axis=1)


def numpy_medians(columns: Sequence[bytes], places: Sequence[int]) -> Any:
    """As `medians`, as an array."""
    import numpy as np

    values = np.sort(numpy_values(columns, places), axis=1)  # NaN comes last
    counts = np.sum(~np.isnan(values), axis=1)
    last = np.maximum(counts, 1) - 1
    rows = np.arange(len(columns))
    with np.errstate(all="ignore"):  # infinities of both signs have no middle
        low, high = values[rows, last // 2], values[rows, (last + 1) // 2]
        return np.where(last % 2 == 0, low, (low + high) / 2)

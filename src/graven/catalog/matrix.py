"""Values of many metrics of many runs, as one array."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graven.catalog.database import Catalog
from graven.catalog.keyed import fits_metric, numpy_medians, numpy_values

if TYPE_CHECKING:
    import numpy as np

_PAGE = 500
_BULK = 16_384  # runs whose values are in memory at once
_MOST = 4  # from a quarter of all runs on, reading all of them in a row is faster

# Positions of each wanted metric in the values of a run.
Layout = tuple[tuple[int, ...], ...]


def metric_matrix(
    catalog: Catalog, numbers: Sequence[int], metrics: Sequence[str]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Shape (runs, metrics), float64: medians over the points of a run; NaN for none.

    Args:
        catalog: is asked.
        numbers: rows of `run`.
        metrics: names, or ``scenario/name/metric``.
    """
    import numpy as np

    out = np.full((len(numbers), len(metrics)), np.nan)
    places = {number: row for row, number in enumerate(numbers)}
    layouts = _Layouts(catalog, metrics)
    waiting: dict[tuple[int, Layout], list[tuple[int, bytes]]] = {}
    count = 0
    for d, number, column in _columns(catalog, numbers):
        row = places.get(number)
        if row is None:
            continue
        waiting.setdefault((len(column), layouts.of(d)), []).append((row, column))
        count += 1
        if count == _BULK:
            _fill(out, waiting)
            waiting, count = {}, 0
    _fill(out, waiting)
    return out


def _fill(out: Any, waiting: dict[tuple[int, Layout], list[tuple[int, bytes]]]) -> None:
    for (size, layout), found in waiting.items():
        if size == 0 or not any(layout):
            continue
        rows = [row for row, _ in found]
        columns = [column for _, column in found]
        values = numpy_values(columns)
        for place, positions in enumerate(layout):
            if len(positions) == 1:
                out[rows, place] = values[:, positions[0]]
            elif positions:
                out[rows, place] = numpy_medians(columns, positions)


def _columns(catalog: Catalog, numbers: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    sql = "SELECT x.d, m.n, m.vals FROM measured m CROSS JOIN run x ON x.n = m.n WHERE x.d > 0"
    row = catalog.one("SELECT max(n) FROM run")
    if len(numbers) * _MOST >= int(row[0] or 0 if row else 0):
        last = 0
        while rows := catalog.rows(f"{sql} AND m.n > ? ORDER BY m.n LIMIT {_BULK}", [last]):
            yield from rows
            last = rows[-1][1]
        return
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        yield from catalog.rows(f"{sql} AND m.n IN ({', '.join('?' * len(part))})", part)


class _Layouts:
    """Where the wanted metrics stand in runs of a definitions number."""

    def __init__(self, catalog: Catalog, metrics: Sequence[str]) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self._paths = [metric for metric in metrics if "/" in metric]
        self._known: dict[int, Layout] = {}
        self._names: dict[str, list[str]] = {}

    def of(self, d: int) -> Layout:
        known = self._known.get(d)
        if known is None:
            known = self._known[d] = self._read(d)
        return known

    def _read(self, d: int) -> Layout:
        found: dict[str, list[int]] = {metric: [] for metric in self._metrics}
        rows = self._catalog.rows(
            "SELECT name, scenario, metrics, start FROM shape WHERE d = ? ORDER BY point", [d]
        )
        for name, scenario, text, start in rows:
            if text not in self._names:
                self._names[text] = json.loads(text)
            for place, metric in enumerate(self._names[text]):
                if metric in found:
                    found[metric].append(start + place)
                for path in self._paths:
                    if path != metric and fits_metric(path, metric, name, scenario):
                        found[path].append(start + place)
        return tuple(tuple(found[metric]) for metric in self._metrics)

"""Values of many metrics of many runs, as one array."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from graven.catalog.database import Catalog
from graven.catalog.keyed import fits_metric, numpy_medians, numpy_values
from graven.catalog.selecting import ids_of

if TYPE_CHECKING:
    import numpy as np

_PAGE = 500
_BULK = 16_384  # runs whose values are in memory at once
_MOST = 4  # from a quarter of all runs on, reading all of them in a row is faster

# Positions of each wanted metric in the values of a run.
Layout = tuple[tuple[int, ...], ...]


def metric_matrix(
    catalog: Catalog, numbers: Sequence[int], metrics: Sequence[str]
) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Ids of runs, and their medians over points: (runs, metrics), float64, NaN for none.

    Args:
        catalog: is asked.
        numbers: rows of `run`.
        metrics: names, or ``scenario/name/metric``.
    """
    import numpy as np

    out = np.full((len(numbers), len(metrics)), np.nan)
    wanted = np.array(numbers, np.int64)
    order = np.argsort(wanted, kind="stable")
    ascending = wanted[order]
    layouts = _Layouts(catalog, metrics)
    ids: dict[int, str] = {}
    for page in _pages(catalog, numbers):
        ds, found, columns, named = zip(*page, strict=True)
        ids.update(zip(found, named, strict=True))
        at = np.searchsorted(ascending, found)
        at[at == len(ascending)] = 0
        fits = ascending[at] == found
        for group, layout in _groups(ds, columns, layouts, fits):
            chosen = columns
            if len(group) < len(columns):
                chosen = tuple(columns[one] for one in group.tolist())
            _fill(out, order[at[group]], chosen, layout)
    unmeasured = [number for number in numbers if number not in ids]
    ids.update(ids_of(catalog, unmeasured))
    return [ids[number] for number in numbers], out


def _groups(
    ds: Sequence[int], columns: Sequence[bytes], layouts: _Layouts, fits: Any
) -> Iterator[tuple[Any, Layout]]:
    """Positions in a page of the wanted runs whose columns are laid out alike."""
    import numpy as np

    numbers = np.array(ds, np.int64)
    alike: dict[tuple[int, Layout], list[Any]] = {}
    for d in np.unique(numbers[fits]).tolist():
        here = np.flatnonzero(fits & (numbers == d))
        alike.setdefault((len(columns[here[0]]), layouts.of(d)), []).append(here)
    for (size, layout), parts in alike.items():
        if size and any(layout):
            yield np.sort(np.concatenate(parts)), layout


def _fill(out: Any, rows: Any, columns: Sequence[bytes], layout: Layout) -> None:
    single = [place for place, positions in enumerate(layout) if len(positions) == 1]
    if single:
        values = numpy_values(columns, [layout[place][0] for place in single])
        if len(single) == out.shape[1]:
            out[rows] = values
        else:
            out[rows[:, None], single] = values
    for place, positions in enumerate(layout):
        if len(positions) > 1:
            out[rows, place] = numpy_medians(columns, positions)


def _pages(catalog: Catalog, numbers: Sequence[int]) -> Iterator[list[tuple[Any, ...]]]:
    """(definitions, row, values, id) of measured runs: these, and perhaps others too."""
    sql = (
        "SELECT x.d, m.n, m.vals, x.run_id FROM measured m CROSS JOIN run x ON x.n = m.n"
        " WHERE x.d > 0"
    )
    row = catalog.one("SELECT max(n) FROM run")
    if len(numbers) * _MOST >= int(row[0] or 0 if row else 0):
        last = 0
        while rows := catalog.rows(f"{sql} AND m.n > ? ORDER BY m.n LIMIT {_BULK}", [last]):
            yield rows
            last = rows[-1][1]
        return
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        if rows := catalog.rows(f"{sql} AND m.n IN ({', '.join('?' * len(part))})", part):
            yield rows


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

"""Tables of chosen runs: some fields of each, and whole matrices of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.catalog.columns import column_values
from graven.catalog.database import Catalog, Row
from graven.catalog.keyed import split_derived
from graven.catalog.known import is_known, names_like, unknown_metrics
from graven.catalog.questions import Header
from graven.catalog.selecting import Selection, headers_of, ids_of, iter_headers_of
from graven.errors import Corrupt, FormatTooNew, InvalidInput, NotFound
from graven.ids import ObjectId, normal
from graven.query import Field, Query, parse_columns
from graven.query.spelling import nearest
from graven.store import choosing

if TYPE_CHECKING:
    import numpy as np

    from graven.store.base import StoreBase

_PAGE = 500
_MOST = 4  # from a quarter of all runs on, reading all ids in a row is faster


class Rows(NamedTuple):
    """Chosen runs as a table.

    Attributes:
        columns: the fields, as they were asked for.
        rows: a tuple for each run; None where the run has no such field. A metric is a
            float, a parameter or derived value what stands there, a tag and ``baseline`` a
            list of texts, ``dirty`` a bool, ``time`` an aware datetime.
        headers: of the same runs.
        units: of the columns; None for what is no metric, and where runs disagree or none
            says it.
        disagreeing: the units of each metric that these runs have in several, by its name.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    headers: list[Header]
    units: tuple[str | None, ...]
    disagreeing: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def _repr_html_(self) -> str:
        from graven.model.html import table

        pairs = zip(self.columns, self.units, strict=True)
        titles = [f"{name} [{unit}]" if unit else name for name, unit in pairs]
        rows = ([", ".join(v) if _is_texts(v) else v for v in row] for row in self.rows)
        return f"<div>{table(titles, rows, len(self.rows))}</div>"


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


class Matrix(NamedTuple):
    """Metrics of chosen runs: ``values[i, j]`` is of run ``i`` and metric ``j``, NaN for none."""

    run_ids: list[str]
    metrics: tuple[str, ...]
    values: np.ndarray[Any, np.dtype[np.float64]]


class Top(NamedTuple):
    """A run and its value of the metric that was asked for."""

    header: Header
    value: float


def iter_chosen(store: StoreBase, selection: Selection) -> Iterator[Header]:
    """Headers of the runs that fit, fetched in pages while they are taken."""
    numbers = choosing.choose(store, selection)
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        yield from store.parts.index.look(partial(headers_of, numbers=part))


def select_rows(store: StoreBase, columns: str | Sequence[str], selection: Selection) -> Rows:
    """See `graven.store.selecting.SelectingStore.select_rows`."""
    fields = parse_columns(columns)
    if not fields:
        raise InvalidInput("no columns are named", kind="bad-query", field="columns")
    numbers = choosing.choose(store, selection)
    index = store.parts.index

    def make_ready(catalog: Catalog) -> None:
        if any(field.name == "machine" for field in fields):
            choosing.read_machines(index, catalog)
        records = {split_derived(f.key or "")[0] for f in fields if f.name == "derived"}
        choosing.read_derived(index, catalog, sorted(records), numbers)

    def answer(catalog: Catalog) -> Rows:
        with catalog.snapshot():
            return _rows(catalog, fields, numbers, baselines)

    if any(field.measured for field in fields):
        index.ask(make_ready, measured=True)
    baselines = _names_by_run(store) if any(f.name == "baseline" for f in fields) else {}
    found = index.look(answer)
    stated = _stated_units(store, fields, numbers)
    settings = store.metric_defs if any(not units for units in stated.values()) else {}
    units: dict[str, str | None] = {}
    for metric, known in stated.items():
        own = settings.get(metric) if not known else None
        units[metric] = next(iter(known)) if len(known) == 1 else own.unit if own else None
    return found._replace(
        units=tuple(units[f.key or ""] if f.name == "metric" else None for f in fields),
        disagreeing={name: tuple(sorted(u)) for name, u in stated.items() if len(u) > 1},
    )


def _stated_units(
    store: StoreBase, fields: Sequence[Field], numbers: Sequence[int]
) -> dict[str, set[str]]:
    """The units of metrics that the definitions of these runs state."""
    from graven.formats.definitions import decode_metric_defs

    metrics = [field.key or "" for field in fields if field.name == "metric"]
    found: dict[str, set[str]] = {metric: set() for metric in metrics}
    index = store.parts.index
    if metrics:
        for object_id in index.look(partial(_definitions, numbers=numbers)):
            try:
                stated = decode_metric_defs(index.get(ObjectId(object_id)))
            except (Corrupt, FormatTooNew, NotFound):  # fsck names it
                continue
            for metric in metrics:
                of_metric = stated.get(metric) or stated.get(metric.rpartition("/")[2])
                if of_metric is not None:
                    found[metric].add(of_metric.unit)
    return found


def _definitions(catalog: Catalog, numbers: Sequence[int]) -> list[bytes]:
    found: dict[bytes, None] = {}
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        rows = catalog.rows(
            "SELECT DISTINCT d.object FROM run r JOIN definitions d ON d.d = r.d"
            f" WHERE r.n IN ({', '.join('?' * len(part))})",
            part,
        )
        found.update(dict.fromkeys(row[0] for row in rows))
    return list(found)


def _rows(
    catalog: Catalog,
    fields: Sequence[Field],
    numbers: Sequence[int],
    baselines: dict[str, list[str]],
) -> Rows:
    found = headers_of(catalog, numbers)
    ids = dict(zip(numbers, found, strict=False))
    if len(found) != len(numbers):  # one went since it was chosen
        there = [(n, headers_of(catalog, [n])) for n in numbers]
        ids = {n: one[0] for n, one in there if one}
    columns = []
    for field in fields:
        values = column_values(catalog, field, ids, baselines)
        if not values and field.key is not None and not is_known(catalog, field):
            raise InvalidInput(
                f"no run has a {field.name} {field.key!r}",
                kind="name-unknown",
                hint=nearest(field.key, names_like(catalog, field)),
                field=str(field),
            )
        columns.append([values.get(n) for n in ids])
    rows = list(zip(*columns, strict=True))
    return Rows(tuple(str(field) for field in fields), rows, list(ids.values()), ())


def _names_by_run(store: StoreBase) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, entry in store.baselines.entries().items():
        if not isinstance(entry, Corrupt) and entry.run is not None:
            found.setdefault(entry.run, []).append(name)
    return {run: sorted(names) for run, names in found.items()}


def top(store: StoreBase, metric: str, n: int, *, where: str | Query, ascending: bool) -> list[Top]:
    """See `graven.store.selecting.SelectingStore.top`."""
    selection = choosing.top_selection(metric, n, where, ascending=ascending)

    def answer(catalog: Catalog, numbers: list[int]) -> list[Top]:
        values: dict[int, float] = dict(_ranked(catalog, f"metric.{normal(metric)}", numbers))
        headers = headers_of(catalog, numbers)
        return [Top(header, values[n]) for header, n in zip(headers, numbers, strict=True)]

    return choosing.ask(store, selection, answer)


def _ranked(catalog: Catalog, name: str, numbers: Sequence[int]) -> Iterator[Row]:
    for start in range(0, len(numbers), _PAGE):
        part = numbers[start : start + _PAGE]
        yield from catalog.rows(
            "SELECT x.n, x.value FROM ranking k JOIN ranked x ON x.m = k.m"
            f" WHERE k.field = ? AND x.n IN ({', '.join('?' * len(part))})",
            [name, *part],
        )


def select_matrix(store: StoreBase, metrics: Sequence[str], selection: Selection) -> Matrix:
    """See `graven.store.selecting.SelectingStore.select_matrix`."""
    from graven.catalog.matrix import metric_matrix as read

    wanted = [normal(metric) for metric in metrics]

    def answer(catalog: Catalog, numbers: list[int]) -> Matrix:
        for metric in unknown_metrics(catalog, wanted):
            field = Field("metric", metric)
            raise InvalidInput(
                f"no run has a metric {metric!r}",
                kind="name-unknown",
                hint=nearest(metric, names_like(catalog, field)),
                field=str(field),
            )
        ids, values = read(catalog, numbers, wanted)
        return Matrix(ids, tuple(metrics), values)

    return choosing.ask(store, selection, answer, measured=True)


def _run_ids(catalog: Catalog, numbers: Sequence[int]) -> list[str]:
    row = catalog.one("SELECT max(n) FROM run")
    if len(numbers) * _MOST >= int(row[0] or 0 if row else 0):
        found = dict(catalog.rows("SELECT n, run_id FROM run"))
    else:
        found = ids_of(catalog, numbers)
    return [found[n] for n in numbers]


def run_ids(store: StoreBase, selection: Selection) -> list[str]:
    """See `graven.store.selecting.SelectingStore.select_ids`."""
    return choosing.ask(store, selection, _run_ids)


def headers(store: StoreBase, selection: Selection) -> list[Header]:
    """See `graven.store.selecting.SelectingStore.select`."""
    return choosing.ask(store, selection, lambda catalog, ns: list(iter_headers_of(catalog, ns)))

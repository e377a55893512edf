"""Values of many runs as arrays: all series over time; and what their metrics mean.

One question to the catalog, however many series there are: what a run measured lies in one
row, and runs of the same definitions have the same columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from graven import clock
from graven.catalog.database import Catalog
from graven.catalog.matrices import (
    MeasuredRun,
    Shape,
    definition_objects,
    measured_runs,
    numbers_by_age,
    shapes,
)
from graven.catalog.questions import Filter
from graven.catalog.trends import SeriesName
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.header import grow_commit
from graven.ids import ObjectId, normal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.model.metric import MetricDef
    from graven.store.base import StoreBase

    Floats = NDArray[np.float64]


class SeriesRun(NamedTuple):
    """A run of a series. Runs of equal environments have equal ``environment`` numbers."""

    run_id: str
    timestamp: datetime
    branch: str | None
    commit: str | None
    environment: int | None


@dataclass(frozen=True, slots=True)
class Series:
    """One series over the runs of a `SeriesTable`.

    Attributes:
        name: scenario, name, tags, metric.
        rows: positions of its runs in ``SeriesTable.runs``, ascending.
        values: float64, one a row, in ``definition.unit``.
        columns: of each value, its place among its run's values, as in `spreads`.
        definition: of the metric, as its newest run has it; None where none was stored.
        other_units: units of older runs with another one, and how many values these have;
            they are not among ``values``.
        directions: those that were ever stated of the metric, where they are several.
    """

    name: SeriesName
    rows: NDArray[np.intp]
    values: Floats
    columns: NDArray[np.intp]
    definition: MetricDef | None
    other_units: dict[str, int]
    directions: tuple[str, ...]


class SeriesTable:
    """All values of the runs that fit, by series.

    Attributes:
        runs: oldest first.
    """

    def __init__(
        self,
        runs: Sequence[MeasuredRun],
        known: Sequence[Shape],
        definitions: Mapping[int, Mapping[str, MetricDef]],
    ) -> None:
        self.runs = [
            SeriesRun(
                run.run_id,
                clock.micros_to_datetime(run.ts),
                run.branch,
                grow_commit(run.commit),
                run.environment,
            )
            for run in runs
        ]
        self._blocks = {d: (rows, values) for d, rows, values in _blocks(runs)}
        self._definitions = definitions
        # Of two points with one name in a run the first counts, as in a trend.
        self._columns: dict[tuple[str, str, str, str], dict[int, int]] = {}
        self._read = lru_cache(maxsize=4096)(json.loads)  # most points have the same few
        for shape in known:
            if shape.d in self._blocks:
                self._add(shape)

    def _add(self, shape: Shape) -> None:
        for offset, metric in enumerate(self._read(shape.metrics)):
            key = (shape.scenario, shape.name, shape.tags, metric)
            self._columns.setdefault(key, {}).setdefault(shape.d, shape.start + offset)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: SeriesName) -> bool:
        return _key(name) in self._columns

    def names(self) -> Iterator[SeriesName]:
        """The series, sorted."""
        for scenario, name, tags, metric in sorted(self._columns):
            yield SeriesName(scenario, name, dict(self._read(tags)), metric)

    def among(self, rows: Iterable[int]) -> SeriesTable:
        """The same of some of the runs alone, which keep their positions."""
        import numpy as np

        keep = np.zeros(len(self.runs), bool)
        keep[list(rows)] = True
        if keep.all():
            return self
        found = copy(self)
        found._blocks = {
            d: (here[mask], block[mask])
            for d, (here, block) in self._blocks.items()
            if (mask := keep[here]).any()
        }
        if len(found._blocks) < len(self._blocks):
            found._columns = {
                key: left
                for key, columns in self._columns.items()
                if (left := {d: at for d, at in columns.items() if d in found._blocks})
            }
        return found

    def series(self, name: SeriesName) -> Series:
        """One of them."""
        import numpy as np

        columns = self._columns[_key(name)]
        newest = max(columns, key=lambda d: self._blocks[d][0][-1])
        definition = self._definitions.get(newest, {}).get(name.metric)
        other_units: dict[str, int] = {}
        stated: set[str] = set()
        rows, values, places = [], [], []
        for d, column in columns.items():
            here, block = self._blocks[d]
            mine = self._definitions.get(d, {}).get(name.metric)
            if mine is not None and mine.direction_source != "unknown":
                stated.add(str(mine.direction))
            if mine is not None and definition is not None and mine.unit != definition.unit:
                other_units[mine.unit] = other_units.get(mine.unit, 0) + len(here)
                continue
            rows.append(here)
            values.append(block[:, column])
            places.append(np.full(len(here), column, np.intp))
        directions = tuple(sorted(stated)) if len(stated) > 1 else ()
        joined = np.concatenate(rows)
        order = np.argsort(joined)
        return Series(
            name,
            joined[order],
            np.concatenate(values)[order],
            np.concatenate(places)[order],
            definition,
            other_units,
            directions,
        )


def _key(name: SeriesName) -> tuple[str, str, str, str]:
    tags = json.dumps(name.tags, ensure_ascii=False, sort_keys=True)
    return name.scenario, name.name, tags, name.metric


def _blocks(runs: Iterable[MeasuredRun]) -> Iterator[tuple[int, NDArray[np.intp], Floats]]:
    """(definitions number, positions among the runs, values of shape (runs, columns))."""
    import numpy as np

    found: dict[int, tuple[list[int], list[bytes]]] = {}
    for position, run in enumerate(runs):
        rows, planes = found.setdefault(run.d, ([], []))
        rows.append(position)
        planes.append(run.values)
    for d, (rows, planes) in found.items():
        yield d, np.array(rows, np.intp), unpack(planes)


def unpack(planes: Sequence[bytes]) -> Floats:
    """Columns of one length as rows of an array."""
    import numpy as np

    width = len(planes[0]) // 8
    raw = np.frombuffer(b"".join(planes), np.uint8).reshape(len(planes), 8, width)
    turned = np.ascontiguousarray(raw.transpose(0, 2, 1))
    return turned.view(">f8")[:, :, 0].astype(np.float64)


def series_table(store: StoreBase, wanted: Filter) -> SeriesTable:
    """See `ReadingStore.series_table`."""
    index = store.parts.index

    def question(catalog: Catalog) -> tuple[list[MeasuredRun], list[Shape], dict[int, bytes]]:
        with catalog.snapshot():
            runs = measured_runs(catalog, wanted)
            numbers = sorted({run.d for run in runs})
            return runs, shapes(catalog), definition_objects(catalog, numbers)

    runs, known, objects = index.ask(question, measured=True)
    return SeriesTable(runs, known, _definitions(store, objects))


def _definitions(store: StoreBase, objects: Mapping[int, bytes]) -> dict[int, dict[str, MetricDef]]:
    from graven.formats.definitions import decode_metric_defs

    found = {}
    for d, object_id in objects.items():
        try:
            data = store.parts.index.get(ObjectId(object_id))
            found[d] = decode_metric_defs(data)
        except (Corrupt, FormatTooNew, NotFound):
            found[d] = {}  # the values are known; what they mean is not, and nothing is judged
    return found


class Meaning(NamedTuple):
    """What runs say of a metric.

    Attributes:
        definition: as the newest run has it.
        units: all that runs have it in, the oldest first.
        directions: all that somebody stated, the oldest first.
    """

    definition: MetricDef
    units: tuple[str, ...]
    directions: tuple[str, ...]


def metric_meanings(store: StoreBase, metrics: Sequence[str]) -> dict[str, Meaning]:
    """See `ReadingStore.metric_meanings`."""
    index = store.parts.index

    def question(catalog: Catalog) -> tuple[list[int], dict[int, bytes]]:
        with catalog.snapshot():
            numbers = numbers_by_age(catalog)
            return numbers, definition_objects(catalog, numbers)

    numbers, objects = index.ask(question, measured=True)
    found = _definitions(store, objects)
    names = [normal(metric) for metric in metrics]
    said: dict[str, list[MetricDef]] = {name: [] for name in names}
    for d in numbers:
        for name in names:
            if (one := found.get(d, {}).get(name)) is not None:
                said[name].append(one)
    return {
        name: Meaning(
            known[-1],
            tuple(dict.fromkeys(one.unit for one in known)),
            tuple(dict.fromkeys(
                str(one.direction) for one in known if one.direction_source != "unknown"
            )),
        )
        for name, known in said.items()
        if known
    }  # fmt: skip

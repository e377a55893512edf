"""The tables of what was measured: points, metrics, samples, tags.

Runs of equal definitions differ in numbers alone. So names are laid out once for each
definitions (`_Layout`) and repeated, and numbers are unpacked for many runs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from graven.errors import Corrupt
from graven.frames.columns import Floats, batch, floats_of, number_array, planes, stretched, tiled
from graven.frames.json_text import to_json
from graven.frames.schemas import FROM_BODIES, SCHEMAS
from graven.store.base import warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graven.formats.definitions import Definitions
    from graven.formats.run_object import RunBody
    from graven.store.bulk import BulkRun, BulkRuns

    Said = Mapping[int, Any]

_MOST_ROWS = 256 * 1024
_MOST_BYTES = 64 * 1024 * 1024  # of repeated names in one batch
_KEPT_SLOTS = 2_000_000  # values of all definitions that are remembered

Columns = Collection[str]


class _Layout:
    """Names of runs with one definitions object, a row a value, a point, or a tag."""

    def __init__(self, definitions: Definitions) -> None:
        self.width = definitions.width
        self._definitions = definitions
        self._made: dict[str, dict[str, pa.Array]] = {}
        shapes = definitions.shapes
        self.sizes = np.array([len(shape.metrics) for shape in shapes], np.int64)
        self.points = len(shapes)

    def of(self, table: str) -> dict[str, pa.Array]:
        """Columns of a table that are the same for all its runs."""
        if table not in self._made:
            makers = {"points": self._points, "tags": self._tags}
            self._made[table] = makers.get(table, self._metrics)()
        return self._made[table]

    def _metrics(self) -> dict[str, pa.Array]:
        places = pa.array(np.repeat(np.arange(self.points, dtype=np.int32), self.sizes))
        shapes = self._definitions.shapes
        meanings = self._definitions.metric_defs
        names = [metric for shape in shapes for metric in shape.metrics]
        known = {name: meanings.get(name) for name in dict.fromkeys(names)}
        units = {n: None if d is None else d.unit for n, d in known.items()}
        directions = {n: None if d is None else str(d.direction) for n, d in known.items()}
        sources = {n: None if d is None else d.direction_source for n, d in known.items()}
        text = pa.string()
        return {
            "point": places,
            "scenario": pa.array([s.scenario for s in shapes], text).take(places),
            "name": pa.array([s.name for s in shapes], text).take(places),
            "metric": pa.array(names, text),
            "unit": pa.array([units[n] for n in names], text),
            "direction": pa.array([directions[n] for n in names], text),
            "direction_source": pa.array([sources[n] for n in names], text),
            "estimator": pa.array([s.estimators.get(m) for s in shapes for m in s.metrics], text),
        }

    def _points(self) -> dict[str, pa.Array]:
        shapes = self._definitions.shapes
        text = pa.string()
        return {
            "point": pa.array(np.arange(self.points, dtype=np.int32)),
            "scenario": pa.array([s.scenario for s in shapes], text),
            "name": pa.array([s.name for s in shapes], text),
            "tags": pa.array([to_json(s.tags) for s in shapes], text),
            "version": pa.array([s.version for s in shapes], text),
        }

    def _tags(self) -> dict[str, pa.Array]:
        rows = [
            (number, key, value)
            for number, shape in enumerate(self._definitions.shapes)
            for key, value in shape.tags.items()
        ]
        return {
            "point": pa.array([row[0] for row in rows], pa.int32()),
            "key": pa.array([row[1] for row in rows], pa.string()),
            "value": pa.array([row[2] for row in rows], pa.string()),
        }


class Measured:
    """Makes batches of pages of runs; remembers the layouts of definitions.

    Args:
        bulk: where the runs come from.
    """

    def __init__(self, bulk: BulkRuns) -> None:
        self._bulk = bulk
        self._layouts: dict[int, _Layout] = {}
        self._held = 0

    def batches(
        self, table: str, runs: Sequence[BulkRun], columns: Columns
    ) -> Iterator[pa.RecordBatch]:
        """Rows of ``points``, ``metrics``, ``samples`` or ``tags`` of these runs."""
        for run in runs:
            if run.definitions <= 0:
                self._bulk.trouble(f"run {run.run_id} cannot be read: it has no rows in {table!r}")
        readable = [run for run in runs if run.definitions > 0]
        if table == "samples":
            yield from self._samples(readable, columns)
            return
        said = self._said(table, readable, columns)
        groups: dict[int, list[BulkRun]] = {}
        for run in readable:
            groups.setdefault(run.definitions, []).append(run)
        for number, members in groups.items():
            layout = self._layout(number)
            if layout is not None:
                for part in _parts(table, layout, members):
                    yield from _MAKERS[table](layout, part, columns, said)

    def _said(self, table: str, runs: Sequence[BulkRun], columns: Columns) -> Said:
        """What bodies say beside the values, by number of the run."""
        if FROM_BODIES.get(table, set()).isdisjoint(columns):
            return {}
        extract = _bounds_of if table == "metrics" else _statuses_of
        wanted = [run for run in runs if table != "metrics" or run.bounded]
        found = zip(wanted, self._bulk.bodies(wanted), strict=True)
        return {run.number: extract(run, body) for run, body in found if body is not None}

    def _samples(self, runs: Sequence[BulkRun], columns: Columns) -> Iterator[pa.RecordBatch]:
        waiting: list[_Samples] = []
        rows, of = 0, 0
        for run, body in zip(runs, self._bulk.bodies(runs), strict=True):
            layout = None if body is None or body.samples is None else self._layout(run.definitions)
            found = None if layout is None or body is None else _samples(layout, run, body)
            if found is None:
                continue
            if waiting and (run.definitions != of or rows + len(found.values) > _MOST_ROWS):
                yield _sample_batch(waiting, columns)
                waiting, rows = [], 0
            of = run.definitions
            waiting.append(found)
            rows += len(found.values)
        if waiting:
            yield _sample_batch(waiting, columns)

    def _layout(self, number: int) -> _Layout | None:
        layout = self._layouts.get(number)
        if layout is None:
            definitions = self._bulk.definitions(number)
            if definitions is None:
                return None
            if self._held + definitions.width > _KEPT_SLOTS:
                self._layouts.clear()
                self._held = 0
            layout = self._layouts[number] = _Layout(definitions)
            self._held += layout.width + layout.points
        return layout


def _parts(table: str, layout: _Layout, runs: Sequence[BulkRun]) -> Iterator[Sequence[BulkRun]]:
    """So many runs at once that a batch stays small."""
    columns = layout.of(table)
    rows = max(1, len(next(iter(columns.values()))))
    size = max(1, sum(array.nbytes for array in columns.values()))
    most = max(1, min(_MOST_ROWS // rows, _MOST_BYTES // size))
    for start in range(0, len(runs), most):
        yield runs[start : start + most]


def _repeated(
    layout: _Layout, table: str, runs: Sequence[BulkRun], columns: Columns
) -> dict[str, Any]:
    """The columns that the layout gives, and whose they are."""
    own = layout.of(table)
    arrays: dict[str, Any] = {
        name: tiled(array, len(runs)) for name, array in own.items() if name in columns
    }
    if "run_id" in columns:
        arrays["run_id"] = stretched([run.run_id for run in runs], len(own["point"]))
    return arrays


def _tag_batches(
    layout: _Layout, runs: Sequence[BulkRun], columns: Columns, _said: Said
) -> Iterator[pa.RecordBatch]:
    if len(layout.of("tags")["point"]):
        yield batch(SCHEMAS["tags"], columns, _repeated(layout, "tags", runs, columns))


def _point_batches(
    layout: _Layout, runs: Sequence[BulkRun], columns: Columns, said: Said
) -> Iterator[pa.RecordBatch]:
    if not layout.points:
        return
    arrays = _repeated(layout, "points", runs, columns)
    if "status" in columns or "error" in columns:
        # Nearly all points are fine: what is said of the others is put among them.
        statuses: list[str | None] = ["ok"] * (layout.points * len(runs))
        errors: list[str | None] = [None] * len(statuses)
        for place, run in enumerate(runs):
            first = place * layout.points
            if run.number not in said:
                statuses[first : first + layout.points] = [None] * layout.points
            for index, status, error in said.get(run.number, ()):
                if 0 <= index < layout.points:
                    statuses[first + index], errors[first + index] = status, error
        arrays |= {"status": statuses, "error": errors}
    yield batch(SCHEMAS["points"], columns, arrays)


def _statuses_of(_run: BulkRun, body: RunBody) -> list[tuple[int, str, str | None]]:
    return body.point_status


def _metric_batches(
    layout: _Layout, runs: Sequence[BulkRun], columns: Columns, said: Said
) -> Iterator[pa.RecordBatch]:
    if not layout.width:
        return
    arrays = _repeated(layout, "metrics", runs, columns)
    if "value" in columns:
        values = planes([run.values or b"" for run in runs])
        arrays["value"] = number_array(values.ravel())
    for side in {"lower", "upper"} & set(columns):
        arrays[side] = _bounds(side, layout, runs, said)
    yield batch(SCHEMAS["metrics"], columns, arrays)


_MAKERS: dict[str, Callable[..., Iterator[pa.RecordBatch]]] = {
    "points": _point_batches,
    "metrics": _metric_batches,
    "tags": _tag_batches,
}


def _bounds_of(run: BulkRun, body: RunBody) -> dict[str, tuple[Any, Any]]:
    """Side to (positions, None for all; values)."""
    found = {}
    for side, column, at in (
        ("lower", body.lower, body.lower_at),
        ("upper", body.upper, body.upper_at),
    ):
        if column is None:
            continue
        try:
            found[side] = (None if at is None else np.array(at, np.intp), floats_of(column))
        except Corrupt as error:
            warn(f"run {run.run_id}: its bounds cannot be read: {error.message}")
    return found


def _bounds(side: str, layout: _Layout, runs: Sequence[BulkRun], said: Said) -> pa.Array:
    bounded = [(p, run, said[run.number]) for p, run in enumerate(runs) if run.number in said]
    if not any(side in sides for *_, sides in bounded):
        return pa.nulls(len(runs) * layout.width, pa.float64())
    values = np.zeros((len(runs), layout.width))
    known = np.zeros((len(runs), layout.width), np.bool_)
    for place, run, sides in bounded:
        at, given = sides.get(side, (None, None))
        if given is None:
            continue
        where = np.arange(layout.width) if at is None else at
        if len(where) != len(given) or not _fits(where, layout.width):
            warn(f"run {run.run_id}: its bounds do not fit its values")
            continue
        values[place, where] = given
        known[place, where] = True
    return number_array(values.ravel(), known.ravel())


def _fits(places: NDArray[np.intp], width: int) -> bool:
    return len(places) == 0 or bool(0 <= places.min() <= places.max() < width)


class _Samples:
    """The samples of one run: of which slot each is, its number there, its process."""

    def __init__(
        self, layout: _Layout, run_id: str, counts: NDArray[np.int64], values: Floats
    ) -> None:
        self.layout = layout
        self.run_id = run_id
        self.values = values
        self.slots = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        self.starts = np.cumsum(counts) - counts
        self.numbers = (np.arange(len(values)) - np.repeat(self.starts, counts)).astype(np.int32)
        self.processes = np.full(len(values), -1, np.int32)

    def group(self, slot: int, sizes: Sequence[int]) -> None:
        """Say which process each sample of a slot came from."""
        start = int(self.starts[slot])
        told = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        self.processes[start : start + len(told)] = told


def _samples(layout: _Layout, run: BulkRun, body: RunBody) -> _Samples | None:
    if body.samples is None or body.sample_counts is None:
        return None
    counts = np.maximum(np.array(body.sample_counts, np.int64), 0)
    try:
        values = floats_of(body.samples)
    except Corrupt as error:
        warn(f"run {run.run_id}: its samples cannot be read: {error.message}")
        return None
    if len(counts) != layout.width or int(counts.sum()) != len(values):
        warn(f"run {run.run_id}: its samples do not add up")
        return None
    found = _Samples(layout, run.run_id, counts, values)
    for slot, sizes in body.sample_groups:
        if 0 <= slot < layout.width and min(sizes, default=0) >= 0 and sum(sizes) == counts[slot]:
            found.group(slot, sizes)
    return found


def _sample_batch(found: Sequence[_Samples], columns: Columns) -> pa.RecordBatch:
    slots = pa.array(np.concatenate([one.slots for one in found]))
    own = found[0].layout.of("metrics")
    taken = {"point", "scenario", "name", "metric"} & set(columns)
    arrays: dict[str, Any] = {name: own[name].take(slots) for name in taken}
    lengths = np.array([len(one.values) for one in found], np.int64)
    arrays["run_id"] = stretched([one.run_id for one in found], lengths)
    arrays["sample"] = pa.array(np.concatenate([one.numbers for one in found]))
    processes = np.concatenate([one.processes for one in found])
    arrays["process"] = pa.array(processes, mask=processes < 0)
    arrays["value"] = number_array(np.concatenate([one.values for one in found]))
    return batch(SCHEMAS["samples"], columns, arrays)

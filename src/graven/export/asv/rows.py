"""Second pass: the runs of one machine, commit and environment as one result file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graven import clock
from graven.export.asv.matrix import Matrix
from graven.export.asv.report import Loss, count, some
from graven.export.asv.stats import Stats, make_stats
from graven.export.asv.survey import Series, SeriesKey, Survey, Tags, tags_of
from graven.export.asv.units import AsvUnit, asv_unit
from graven.export.asv.writer import NAN, json_number, json_numbers
from graven.model import Metric, Point, PointStatus, Run

# The columns of a row, in asv's order ("profile", the last one, is never written).
COLUMNS = [
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
]

# `asv publish` (0.6.6) runs for ever once a sum in its search for steps overflows, and
# its pages cannot read infinity. Weights (see stats.py) reach 1e100.
LARGEST = 1e200
TOO_LARGE = f"asv cannot work with infinity or beyond {LARGEST:g}, so it is written as skipped"
TWICE = "the run has the same point more than once, and the first counts"


@dataclass(slots=True)
class Cell:
    """One combination's outcome: a number, None (failed) or NaN (skipped)."""

    run_id: str
    value: float | None
    stats: Stats | None = None
    samples: list[float] | None = None


@dataclass(slots=True)
class Row:
    """One benchmark's outcomes in a file."""

    version: str
    started_ms: int
    cells: dict[Tags, Cell] = field(default_factory=dict)


_DIGEST = re.compile(r"[0-9a-f]{40,}")


class Losses:
    """Gathers lost values by run and reason, with the benchmarks they belong to."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[str]] = {}
        self._noted: set[tuple[str, str]] = set()
        self.intervals = 0  # bounds that asv has no place for

    def add(self, run_id: str, why: str, benchmark: str) -> None:
        """One value is lost."""
        self._found.setdefault((run_id, why), []).append(benchmark)

    def take(self) -> list[list[Any]]:
        """What came since the last call, JSON-ready: a result file keeps what it lacks."""
        new = [
            [run_id, why, names]
            for (run_id, why), names in self._found.items()
            if (run_id, why) not in self._noted
        ]
        self._noted.update(self._found)
        return new

    def restore(self, noted: Iterable[Any]) -> None:
        """What `take` gave for a file that stands as it is."""
        for run_id, why, names in noted:
            self._found.setdefault((run_id, why), []).extend(names)
            self._noted.add((run_id, why))

    def report(self) -> list[Loss]:
        """One loss for each run and reason."""
        return [
            Loss(run_id, f"{count(len(names), 'value')} ({some(sorted(set(names)))})", why)
            for (run_id, why), names in self._found.items()
        ]


class RowMaker:
    """Merges runs into rows; the newest run's outcome stands in every cell.

    Args:
        survey: the finished first pass.
        names: asv's name of every benchmark.
        losses: where lost values are noted.
    """

    def __init__(self, survey: Survey, names: Mapping[SeriesKey, str], losses: Losses) -> None:
        self._survey = survey
        self._names = names
        self._losses = losses
        self._metrics = survey.metrics_by_point()

    def rows(self, newest_first: Iterable[Run]) -> dict[SeriesKey, Row]:
        """The rows of one result file."""
        rows: dict[SeriesKey, Row] = {}
        for run in newest_first:
            for point in run.points:
                for metric in self._metrics_of(point):
                    self._add(rows, run, point, metric)
        return rows

    def _metrics_of(self, point: Point) -> Iterable[str | None]:
        if point.status is PointStatus.OK:
            return point.metrics
        # A failed point may hold no metric: it failed in every one its benchmark has.
        return self._metrics.get((point.scenario, point.name), ())

    def _add(self, rows: dict[SeriesKey, Row], run: Run, point: Point, metric: str | None) -> None:
        key = (point.scenario, point.name, metric)
        series = self._survey.series.get(key)
        tags = tags_of(point)
        if series is None or tags not in series.combinations:
            return  # the run changed between the passes
        unit, version = _unit_and_version(run, point, metric, series)
        row = rows.get(key)
        if row is None:
            row = rows[key] = Row(version, clock.micros(run.timestamp) // 1000)
        present = row.cells.get(tags)
        name = self._names[key]
        if present is not None:
            newer = present.run_id
            why = TWICE if newer == run.id else f"superseded by run {newer} of the same commit"
            self._losses.add(run.id, why, name)
        elif version != row.version:
            shown, own = _short(row.version), _short(version)
            why = f"a newer run of the same commit has version {shown!r}, not {own!r}"
            self._losses.add(run.id, why, name)
        else:
            row.cells[tags] = self._cell(run, point, metric, unit, name)
            if version != series.asv_version:
                shown, own = _short(series.asv_version), _short(version)
                why = f"asv shows only the newest version, {shown!r}, not {own!r}"
                self._losses.add(run.id, why, name)

    def _cell(self, run: Run, point: Point, metric: str | None, unit: AsvUnit, name: str) -> Cell:
        if point.status is not PointStatus.OK or metric is None:
            return Cell(run.id, math.nan if point.status is PointStatus.SKIPPED else None)
        measured = point.metrics[metric]
        value = unit.convert(float(measured.value))
        if abs(value) > LARGEST:
            self._losses.add(run.id, TOO_LARGE, name)
            value = math.nan
        if math.isnan(value):
            return Cell(run.id, value)
        samples = _convert_all(measured.samples, unit.convert)
        stats = make_stats(samples, *_bounds(measured, unit))
        if stats is None and (measured.lower is not None or measured.upper is not None):
            self._losses.intervals += 1
        return Cell(run.id, value, stats, samples)


def _unit_and_version(
    run: Run, point: Point, metric: str | None, series: Series
) -> tuple[AsvUnit, str]:
    """How to read a value, and the version its row has.

    A point that says no version has the newest one. Values in a unit that cannot be
    converted into the newest definition's are another version: no graph may mix them.
    """
    definition = run.metric_defs.get(metric) if metric is not None else None
    unit = series.unit if definition is None else asv_unit(definition.unit)
    version = point.version or series.asv_version
    if (unit.type, unit.unit) != (series.unit.type, series.unit.unit):
        version = f"{version} in {unit.unit}"
    return unit, version


def _short(version: str) -> str:
    """A version as people tell it from another: asv's own are 64 hex digits."""
    return _DIGEST.sub(lambda found: found[0][:12], version)


def _bounds(metric: Metric, unit: AsvUnit) -> tuple[float | None, float | None]:
    if metric.lower is None or metric.upper is None:
        return None, None
    return unit.convert(metric.lower), unit.convert(metric.upper)


def _convert_all(
    samples: Sequence[float] | None, convert: Callable[[float], float]
) -> list[float] | None:
    return [convert(float(value)) for value in samples] if samples else None


def row_json(row: Row, matrix: Matrix) -> list[Any]:
    """A row as asv stores it, for `writer.Folder.write_result`.

    Columns have one entry a cell; they are cut short where there are no samples. A cell that
    nobody measured is NaN, as asv writes what was skipped.
    """
    part = matrix.part(row.cells)
    cells: list[Cell | None] = [None] * part.cells
    for tags, cell in row.cells.items():
        cells[part.index(tags)] = cell
    columns: list[Any] = [
        [_value_json(cell.value) if cell else NAN for cell in cells],
        part.params,
        row.version,
        row.started_ms,
    ]
    if any(cell is not None and (cell.stats or cell.samples) for cell in cells):
        columns.append(None)  # how long it took is not in a run
        columns += _stats_columns([cell.stats if cell else None for cell in cells])
        columns.append([cell and cell.samples and json_numbers(cell.samples) for cell in cells])
    return columns


def _value_json(value: float | None) -> Any:
    return None if value is None else json_number(value)


def _stats_columns(stats: Sequence[Stats | None]) -> list[list[Any]]:
    """Columns of stats_ci_99_a to stats_repeat."""
    return [
        [s and json_number(s.low) for s in stats],
        [s and json_number(s.high) for s in stats],
        [s and json_number(s.q25) for s in stats],
        [s and json_number(s.q75) for s in stats],
        [s and 1 for s in stats],  # samples are per call already
        [s and s.repeat for s in stats],
    ]

"""Gather what a report shows from a store."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graven import clock
from graven.analysis import Comparison
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.ingest import fingerprint
from graven.model import PointStatus, Run
from graven.porcelain.check import CheckReport, check
from graven.porcelain.compare import Rules
from graven.porcelain.log import refs_by_run
from graven.porcelain.query import quoted
from graven.porcelain.steps import Selection, steps_of
from graven.porcelain.trend import fits, fits_point, fits_series
from graven.report.model import Report, ReportRun, ReportSeries, Samples
from graven.store import Store

if TYPE_CHECKING:
    from graven.analysis.steps import Step
    from graven.catalog.questions import Header
    from graven.catalog.trends import SeriesName
    from graven.store.matrices import SeriesTable

MAX_RUNS = 10_000
MAX_SERIES = 1_000
MAX_SPREADS = 2_000  # newest runs whose bounds are read: they stand in the run objects only
MAX_SAMPLES = 2_000  # of one series in one run


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What is asked for.

    Attributes:
        where: a query that chooses the runs (docs/query.md); empty for all.
        branch: only runs of this branch, and the steps on it.
        metric, point, scenario: names, or patterns with the wildcards ``* ? []``.
        tags: pairs that the points of the series must hold.
        baseline: as `graven.porcelain.check.check` takes it.
        run: the run that is compared with it; else the latest of those chosen.
        title: of the page; else the store's name.
        max_runs: the newest so many; max_series: at most so many, those with a verdict first.
        rules: how the comparison judges.
        compared: False leaves the comparison out.
    """

    where: str = ""
    branch: str | None = None
    metric: str = "*"
    point: str = "*"
    scenario: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)
    baseline: str = "main"
    run: str | None = None
    title: str = ""
    max_runs: int = MAX_RUNS
    max_series: int = MAX_SERIES
    rules: Rules = field(default_factory=Rules)
    compared: bool = True


def gather_report(store: Store, request: ReportRequest | None = None) -> Report:
    """Everything that a report shows.

    Runs that were not compared, series that were left out and values in other units are
    counted, and named in the report.

    Raises:
        InvalidInput: the query, or a rule, is wrong.
        NotFound: the run that is named, or a baseline that is named and is not ``main``.
    """
    asked = request or ReportRequest()
    where = _where(store, asked)
    headers = store.select(where, limit=asked.max_runs)
    left_out = len(store.select_ids(where)) - len(headers)
    headers.reverse()
    found, without = _check(store, asked, headers)
    comparison = _only(found.result.comparison, asked) if found and found.result else None
    table = store.series_table()  # of older runs too: a step is seen by what lay before it
    runs, environments = _runs(store, headers, table)
    series, more = _series(store, table, headers, asked, comparison)
    called = store_name(store)
    report = Report(
        title=asked.title or f"{called}: benchmarks",
        store=called,
        made=clock.now(),
        where=where,
        runs=tuple(runs),
        series=tuple(series),
        environments=tuple(environments),
        machines=tuple(fingerprint(environment) for environment in environments),
        comparison=comparison,
        without=without,
        baseline_name=asked.baseline,
        runs_left_out=left_out,
        series_left_out=more,
        alarms=found.alarms if found else None,
        notes=tuple(_notes(found)),
    )
    return replace(report, samples=tuple(_samples(store, report)))


def _where(store: Store, asked: ReportRequest) -> str:
    if asked.branch is None:
        return asked.where
    only = f"branch = {quoted(asked.branch)}"
    if not asked.where:
        return only
    store.select_ids(asked.where, limit=1)  # what is wrong in it is shown as it was written
    return f"({asked.where}) and {only}"


def _check(
    store: Store, asked: ReportRequest, headers: Sequence[Header]
) -> tuple[CheckReport | None, str | None]:
    """The comparison; or why there is none."""
    if not headers:
        return None, "there is no run"
    if not asked.compared:
        return None, "it was not asked for"
    run = asked.run or headers[-1].run_id
    try:
        return check(store, baseline=asked.baseline, run=run, rules=asked.rules), None
    except NotFound as error:
        if error.kind != "baseline-missing":
            raise
        if asked.baseline != "main":  # the hint of 'check' names an option that is its own
            hint = "'graven baseline' lists those that are set"
            raise NotFound(error.message, kind=error.kind, hint=hint, **error.fields) from None
        return None, error.message


def _only(found: Comparison, asked: ReportRequest) -> Comparison:
    """The rows of what was asked for; the others had their part in judging these."""
    rows = (
        row
        for row in found.rows
        if (row.metric is None or fits(row.metric, asked.metric))
        and fits_point(row.scenario, row.name, asked.point)
        and fits(row.scenario, asked.scenario)
    )
    return replace(found, rows=tuple(rows))


def _notes(found: CheckReport | None) -> Iterator[str]:
    """What a reader must know beside the rows."""
    if found is not None and found.result is not None:
        yield from (mistake.message for mistake in found.result.mistakes)
        yield from found.result.comparison.warnings


def _runs(
    store: Store, headers: Sequence[Header], table: SeriesTable
) -> tuple[list[ReportRun], list[dict[str, Any]]]:
    """The runs, and the environments they name: one run of each is read for those."""
    refs, _ = refs_by_run(store)
    numbers = {run.run_id: run.environment for run in table.runs}
    places: dict[int, int] = {}
    environments: list[dict[str, Any]] = []
    rows = []
    for header in reversed(headers):  # of the newest run that has it
        number = numbers.get(header.run_id)
        if number is not None and number not in places:
            try:
                found = store.load(header.run_id).environment
            except (Corrupt, FormatTooNew, NotFound):
                found = {}
            places[number] = len(environments)
            environments.append(found)
    for header in headers:
        number = numbers.get(header.run_id)
        rows.append(
            ReportRun(
                id=header.run_id,
                timestamp=header.timestamp,
                branch=header.branch,
                commit=header.commit,
                experiment=header.experiment,
                status=header.status,
                origin=str(header.origin),
                points=header.points,
                environment=None if number is None else places[number],
                refs=tuple(refs.get(header.run_id, ())),
            )
        )
    return rows, environments


def _series(
    store: Store,
    table: SeriesTable,
    headers: Sequence[Header],
    asked: ReportRequest,
    comparison: Comparison | None,
) -> tuple[list[ReportSeries], int]:
    """The series of the report, and how many more fit."""
    import numpy as np

    position = {header.run_id: at for at, header in enumerate(headers)}
    places = np.array([position.get(run.run_id, -1) for run in table.runs], np.intp)
    # What other runs measured, and in which unit, is no matter of these.
    here = table.among(np.flatnonzero(places >= 0).tolist())
    wanted = [name for name in here.names() if _is_wanted(name, asked)]
    if len(wanted) > asked.max_series:
        told = _told(comparison)
        wanted.sort(key=lambda name: _key(name) not in told)  # a stable sort: by name otherwise
    bounds = _bounds(store, table, headers)
    shown = wanted[: asked.max_series]
    steps = _steps(store, table, shown, asked)
    defined = store.metric_defs
    found = []
    for name in shown:
        series = here.series(name)
        rows = places[series.rows]
        definition = defined.get(name.metric, series.definition)
        unit = definition.unit if definition is not None else None
        order = np.argsort(rows, kind="stable")
        lower, upper = bounds.of(series.rows[order], series.columns[order])
        found.append(
            ReportSeries(
                scenario=name.scenario,
                name=name.name,
                tags=dict(name.tags),
                metric=name.metric,
                rows=rows[order],
                values=series.values[order],
                lower=lower,
                upper=upper,
                definition=definition,
                left_out=series.other_units,
                steps=tuple(step for step in steps.get(_key(name), ()) if step.unit == unit),
            )
        )
    found.sort(key=_key)
    return found, max(0, len(wanted) - asked.max_series)


def _is_wanted(name: SeriesName, asked: ReportRequest) -> bool:
    return fits_series(name, asked.metric, asked.point, asked.scenario, asked.tags)


def store_name(store: Store) -> str:
    """What people call it: the folder it lies in, or the end of its URL."""
    if store.path is None:
        return store.url.rpartition("/")[2]
    name = store.path.name
    return store.path.resolve().parent.name if name == ".graven" else name


def _key(named: Any) -> tuple[str, str, tuple[tuple[str, str], ...], str]:
    return (named.scenario, named.name, tuple(sorted(named.tags.items())), named.metric)


def _told(comparison: Comparison | None) -> set[Any]:
    """Series that the comparison has something to say of."""
    if comparison is None:
        return set()
    quiet = {"no-change", "no-direction", "added"}
    return {_key(row) for row in comparison.rows if row.metric and str(row.verdict) not in quiet}


def _steps(
    store: Store, table: SeriesTable, names: Sequence[SeriesName], asked: ReportRequest
) -> dict[Any, list[Step]]:
    try:
        answer = steps_of(store, table, names, Selection(branch=asked.branch))
    except NotFound:
        return {}
    found: dict[Any, list[Step]] = {}
    for step in reversed(answer.steps):
        found.setdefault(_key(step), []).append(step)
    return found


class _Bounds:
    """Lower and upper bounds by position in the table's runs."""

    def __init__(self, known: dict[int, Any]) -> None:
        self._known = known

    def of(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        import numpy as np

        lower, upper = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        for at, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
            spread = self._known.get(row)
            if spread is not None and column < len(spread.lower):
                lower[at], upper[at] = spread.lower[column], spread.upper[column]
        if np.isnan(lower).all() and np.isnan(upper).all():
            return None, None
        return lower, upper


def _bounds(store: Store, table: SeriesTable, headers: Sequence[Header]) -> _Bounds:
    newest = [header.run_id for header in headers[-MAX_SPREADS:]]
    rows = {run.run_id: row for row, run in enumerate(table.runs)}
    return _Bounds(
        {rows[spread.run_id]: spread for spread in store.spreads(newest) if spread.run_id in rows}
    )


def _samples(store: Store, report: Report) -> Iterator[Samples]:
    """Single measurements of the two runs compared."""
    if report.comparison is None:
        return
    position = {run.id: at for at, run in enumerate(report.runs)}
    series = {_key(one): at for at, one in enumerate(report.series)}
    for label in (report.comparison.baseline, report.comparison.current):
        if label.id not in position:
            continue
        try:
            run = store.load(label.id)
        except (Corrupt, FormatTooNew, NotFound):
            continue
        yield from _samples_of(run, position[label.id], series)


def _samples_of(run: Run, at: int, series: dict[Any, int]) -> Iterator[Samples]:
    seen = set()
    for point in run.points:
        if point.status is not PointStatus.OK:
            continue
        tags = tuple(sorted(point.tags.items()))
        for name, metric in point.metrics.items():
            number = series.get((point.scenario, point.name, tags, name))
            if number is None or number in seen or not metric.samples:
                continue  # of two points with one name the first counts, as in the series
            seen.add(number)
            finite = [float(value) for value in metric.samples if math.isfinite(value)]
            step = -(-len(finite) // MAX_SAMPLES)
            if len(finite) > 1:
                yield Samples(run=at, series=number, values=tuple(finite[:: max(step, 1)]))

"""The steps of all series, and what people say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graven.analysis import Thresholds
from graven.analysis.steps import SeriesValues, Settings, Step, find_steps
from graven.catalog.trends import SeriesName
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.ingest import fingerprint
from graven.porcelain.trend import Trend, fits_series, nothing_fits
from graven.store import Store
from graven.store.annotations import REJECTED, StepAnnotation, series_key
from graven.store.matrices import Series, SeriesTable

MAIN = "main"
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which series and runs are looked at.

    Attributes:
        metric, point, scenario: names, or patterns with the wildcards ``* ? []``.
        tags: pairs that the points must hold.
        branch: runs of this branch; None is `MAIN` where it has runs, else the branch with
            the most.
        all_branches, all_machines: mix them; steps may then be theirs.
        machine: runs of this fingerprint; None is that of the newest run on the branch.
        since: only steps at runs from then on; earlier runs still say what was before.
    """

    metric: str = "*"
    point: str = "*"
    scenario: str = "*"
    tags: Mapping[str, str] | None = None
    branch: str | None = None
    all_branches: bool = False
    machine: str | None = None
    all_machines: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What `list_steps` answers.

    Attributes:
        steps: the newest first, of one run the largest first.
        branch, machine: what was looked at; None where it was all, or where the runs name
            none (``of_all_branches``, ``of_all_machines`` tell the two apart).
        runs, series: how many were looked at.
        elsewhere: runs on the branch by other machines.
        off_branch: runs on other branches.
        warnings: what a reader must know.
    """

    steps: tuple[Step, ...]
    branch: str | None
    machine: str | None
    of_all_branches: bool
    of_all_machines: bool
    runs: int
    series: int
    elsewhere: int
    off_branch: int
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        record["steps"] = [step.to_dict() for step in self.steps]
        record["warnings"] = list(self.warnings)
        return record


def list_steps(store: Store, selection: Selection | None = None) -> Steps:
    """The steps of every series that fits.

    Raises:
        NotFound: no series fits, or no run on that branch or machine; the hint names near ones.
    """
    asked = selection or Selection()
    table = store.series_table(branch=None if asked.all_branches else asked.branch)
    names = [name for name in table.names() if _wanted(name, asked)]
    if not names:
        # A branch or machine that is not there is told first.
        _choose_runs(store, table, asked, range(len(table.runs)))
        raise nothing_fits(store, asked.metric, asked.point, asked.scenario)
    return steps_of(store, table, names, asked)


def steps_of(
    store: Store, table: SeriesTable, names: Sequence[SeriesName], asked: Selection
) -> Steps:
    """The steps of these series of the table; ``asked`` says at which of its runs.

    Raises:
        NotFound: no run on that branch or machine.
    """
    # A file of another tool, or from another machine, says nothing of these series.
    rows = range(len(table.runs)) if len(names) == len(table) else _rows_with(table, names)
    chosen = _choose_runs(store, table, asked, rows)
    # Units and directions too are those of these runs: a branch may try out another one.
    table = table.among(chosen.keep)
    names = [name for name in names if name in table]
    said: dict[str, list[StepAnnotation]] = {}
    for annotation in store.step_annotations():
        said.setdefault(series_key(annotation.series), []).append(annotation)
    thresholds = Thresholds.from_config(store.config.get("thresholds"), store.config.get("floors"))
    overrides = store.metric_defs
    found: list[Step] = []
    warnings = _Warnings()
    for name in names:
        series = table.series(name)
        warnings.look_at(series)
        values = _values(table, series, chosen.keep, overrides.get(name.metric))
        magnitude = thresholds.threshold_for(name.scenario, name.name, name.metric)
        annotations = said.get(series_key(name), ()) if said else ()
        found += find_steps(values, annotations, Settings(magnitude=magnitude))
    if asked.since is not None:
        found = [step for step in found if step.timestamp >= asked.since]
    found.sort(key=lambda step: (step.timestamp, step.run_id, step.size), reverse=True)
    return Steps(
        steps=tuple(found),
        branch=chosen.branch,
        machine=chosen.machine,
        of_all_branches=asked.all_branches,
        of_all_machines=asked.all_machines,
        runs=len(chosen.keep),
        series=len(names),
        elsewhere=chosen.elsewhere,
        off_branch=chosen.off_branch,
        warnings=tuple(warnings.texts()),
    )


def mark_steps(
    store: Store, selection: Selection, rev: str, state: str | None, message: str = ""
) -> list[Step]:
    """Accept or reject the steps that begin at a run, or take back what was said of them.

    Args:
        store: is written to.
        selection: of which series; a series that is named exactly may be marked at a run
            where no step is found.
        rev: the run.
        state: ``accepted``, ``rejected`` or None.
        message: why.

    Returns:
        The steps as they were.

    Raises:
        NotFound: no step begins there (the hint names runs where one does), the run has no
            value of the series that is named, or nothing was said that could be taken back.
    """
    run_id = store.resolve(rev).run_id
    answer = list_steps(store, selection)
    here = [step for step in answer.steps if step.run_id == run_id]
    if state is None:
        names = _spoken_of(store, selection, run_id)
    else:
        names = [_name_of(step) for step in here] or _named(store, selection, run_id, answer)
    store.annotate_steps([(name, run_id) for name in names], state, message=message)
    return here


def _spoken_of(store: Store, asked: Selection, run_id: str) -> list[SeriesName]:
    """Series of which something was said at a run, also where nothing shows it any more."""
    names = [said.series for said in store.step_annotations() if said.run_id == run_id]
    fitting = [name for name in names if _wanted(name, asked)]
    if not fitting:
        raise NotFound(
            f"nothing was said of a step at run {run_id}", kind="step-missing", run=run_id
        )
    return fitting


def _named(store: Store, asked: Selection, run_id: str, answer: Steps) -> list[SeriesName]:
    """Series that are named exactly, and have a value at the run."""
    if _is_pattern(asked):
        when = store.load(run_id).timestamp
        steps = sorted(answer.steps, key=lambda step: abs(step.timestamp - when))
        near = list(dict.fromkeys(step.run_id for step in steps))[:_NAMED]
        raise NotFound(
            f"no step begins at run {run_id}",
            kind="step-missing",
            hint=f"there is one at {', '.join(near)}" if near else "'graven steps' lists them",
            run=run_id,
        )
    names = (
        SeriesName(point.scenario, point.name, dict(point.tags), metric)
        for point in store.load(run_id).points
        for metric in point.metrics
    )
    fitting = [name for name in names if _wanted(name, asked)]
    if not fitting:
        raise NotFound(f"run {run_id} has no value of this series", kind="step-missing", run=run_id)
    return fitting


def steps_by_series(
    store: Store, trends: Sequence[Trend], *, branch: str | None = None
) -> list[list[Step]]:
    """The steps of each of these series, those that were rejected too, oldest first."""
    metrics = {trend.info.metric for trend in trends}
    metric = next(iter(metrics)) if len(metrics) == 1 else "*"
    found: dict[str, list[Step]] = {}
    for step in reversed(list_steps(store, Selection(metric=metric, branch=branch)).steps):
        found.setdefault(series_key(_name_of(step)), []).append(step)
    return [found.get(series_key(trend.info), []) for trend in trends]


def shown_by_default(step: Step) -> bool:
    """True for what a listing shows unasked."""
    return step.state != REJECTED


def _name_of(step: Step) -> SeriesName:
    return SeriesName(step.scenario, step.name, step.tags, step.metric)


def _is_pattern(asked: Selection) -> bool:
    return any(char in asked.metric + asked.point for char in "*?[")


def _wanted(name: SeriesName, asked: Selection) -> bool:
    return fits_series(name, asked.metric, asked.point, asked.scenario, asked.tags or {})


@dataclass(frozen=True, slots=True)
class _Chosen:
    keep: dict[int, None]
    branch: str | None
    machine: str | None
    elsewhere: int
    off_branch: int


def _rows_with(table: SeriesTable, names: Sequence[SeriesName]) -> list[int]:
    """The runs that any of these series has a value of."""
    found: set[int] = set()
    for name in names:
        found.update(table.series(name).rows.tolist())
    return sorted(found)


def _choose_runs(
    store: Store, table: SeriesTable, asked: Selection, rows: Sequence[int]
) -> _Chosen:
    runs, every = table.runs, len(rows)
    branch = asked.branch
    if not asked.all_branches:
        counts = Counter(runs[row].branch for row in rows)
        if branch is None and counts:
            branch = MAIN if MAIN in counts else max(counts, key=lambda b: (counts[b], b or ""))
        elif branch is not None and branch not in counts:
            known = Counter(run.branch for run in store.series_table().runs)
            raise NotFound(
                f"no run with values on branch {branch!r}", kind="branch-missing",
                hint=f"there is {_listed(known)}" if known else None, field="branch",
            )  # fmt: skip
        rows = [row for row in rows if runs[row].branch == branch]
    off_branch = every - len(rows)
    if asked.all_machines or not rows:
        return _Chosen(dict.fromkeys(rows), branch, None, 0, off_branch)
    machines = _machines(store, table, rows)
    machine = asked.machine if asked.machine is not None else machines[runs[rows[-1]].environment]
    keep = [row for row in rows if machines[runs[row].environment] == machine]
    if not keep:
        others = Counter(machines[runs[row].environment] or "unknown" for row in rows)
        raise NotFound(
            f"no run by machine {machine!r}", kind="machine-missing",
            hint=f"there is {_listed(others)}", field="machine",
        )  # fmt: skip
    return _Chosen(dict.fromkeys(keep), branch, machine, len(rows) - len(keep), off_branch)


def _listed(counts: Counter[Any]) -> str:
    named = ((name or "none", count) for name, count in counts.most_common(_NAMED))
    return ", ".join(f"{name} ({count:,})" for name, count in named)


def _machines(
    store: Store, table: SeriesTable, rows: Sequence[int]
) -> dict[int | None, str | None]:
    """Fingerprints by the number of the environment: one run of each is read."""
    found: dict[int | None, str | None] = {}
    for row in reversed(rows):
        run = table.runs[row]
        if run.environment not in found:
            try:
                found[run.environment] = fingerprint(store.load(run.run_id).environment)
            except (Corrupt, FormatTooNew, NotFound):
                found[run.environment] = None
    return found


def _values(
    table: SeriesTable, series: Series, keep: Mapping[int, None], override: Any
) -> SeriesValues:
    rows = series.rows.tolist()
    picked = [at for at, row in enumerate(rows) if row in keep]
    return SeriesValues(
        scenario=series.name.scenario,
        name=series.name.name,
        tags=series.name.tags,
        metric=series.name.metric,
        definition=override or series.definition,
        runs=[table.runs[rows[at]] for at in picked],
        values=series.values[picked],  # type: ignore[arg-type]  # an array is a sequence of floats
    )


class _Warnings:
    """What is odd about series, told once a metric."""

    def __init__(self) -> None:
        self._units: dict[str, tuple[str, dict[str, int]]] = {}
        self._directions: dict[str, tuple[str, ...]] = {}

    def look_at(self, series: Series) -> None:
        metric, known = series.name.metric, series.definition
        if series.other_units and known is not None:
            _, units = self._units.setdefault(metric, (known.unit, {}))
            for unit, count in series.other_units.items():
                units[unit] = units.get(unit, 0) + count
        if series.directions:
            self._directions[metric] = series.directions

    def texts(self) -> Iterator[str]:
        for metric, (unit, others) in sorted(self._units.items()):
            listed = ", ".join(f"{count:,} in {name!r}" for name, count in sorted(others.items()))
            yield (
                f"{metric} is in {unit!r} now; values in other units are another series,"
                f" and are left out: {listed}"
            )
        for metric, directions in sorted(self._directions.items()):
            yield (
                f"runs disagree on which way of {metric} is better"
                f" ({', '.join(directions)}); the newest run counts"
            )

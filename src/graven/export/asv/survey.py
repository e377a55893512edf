"""First pass: which files and benchmarks there will be. Holds no values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from graven import clock
from graven.export.asv.environment import Environment, machine_facts, read_environment
from graven.export.asv.git import FULL_HEX, Repository, read_commit
from graven.export.asv.report import Loss
from graven.export.asv.synthetic import Moment
from graven.export.asv.units import AsvUnit, asv_unit
from graven.model import MetricDef, MetricDirection, Point, PointStatus, Run

Tags = tuple[tuple[str, str], ...]
SeriesKey = tuple[str, str, str | None]  # scenario, point name, metric; None: never measured
FileKey = tuple[str, str, str]  # machine (its own name), commit, environment name
Order = tuple[datetime, str]


def order_of(run: Run) -> Order:
    """Sorts runs oldest first; the id settles equal times."""
    return run.timestamp, run.id


def tags_of(point: Point) -> Tags:
    """A point's tags in one order, as text."""
    return tuple(sorted((str(key), str(value)) for key, value in point.tags.items()))


@dataclass(slots=True)
class Series:
    """What is known of one benchmark before its values are read."""

    combinations: dict[Tags, None] = field(default_factory=dict)
    definition: MetricDef | None = None
    unit: AsvUnit = field(default_factory=lambda: asv_unit(None))
    version: str | None = None
    _defined_by: Order | None = None
    _versioned_by: Order | None = None

    def observe(self, run: Run, point: Point, definition: MetricDef | None) -> None:
        """Note tags, and the definition and version if this run is the newest that says them."""
        self.combinations[tags_of(point)] = None
        order = order_of(run)
        if definition is not None and (self._defined_by is None or order > self._defined_by):
            self.definition, self._defined_by = definition, order
            self.unit = asv_unit(definition.unit)
        if point.version is not None:
            self._version_from(point.version, order)

    def add_unmeasured(self, failed: Series) -> None:
        """Take in what is known of points that hold no metric."""
        self.combinations.update(failed.combinations)
        if failed.version is not None and failed._versioned_by is not None:
            self._version_from(failed.version, failed._versioned_by)

    def _version_from(self, version: str, order: Order) -> None:
        if self._versioned_by is None or order > self._versioned_by:
            self.version, self._versioned_by = version, order

    @property
    def asv_version(self) -> str:
        """The version in benchmarks.json."""
        return self.version or "1"

    @property
    def higher_is_better(self) -> bool:
        """True where the definition says so."""
        return self.definition is not None and self.definition.direction is MetricDirection.HIGHER


@dataclass(slots=True)
class Machine:
    """A machine's facts, from the newest run that names it."""

    facts: dict[str, str]
    order: Order


@dataclass(slots=True)
class Newest:
    """The newest run of a result file, and the file's date if no repository knows better."""

    order: Order
    commit_time: datetime | None


@dataclass(slots=True)
class _Stand:
    """What is known of a commit that is to be made: see `synthetic.Moment`."""

    order: Order
    when: datetime
    exact: bool
    branch: str | None
    about: str

    def add(self, run: Run) -> None:
        order = order_of(run)
        if run.branch and (self.branch is None or order > self.order):
            self.branch, self.order = run.branch, order
        if run.commit_time is not None and not self.exact:
            self.when, self.exact = clock.make_aware(run.commit_time), True
        elif not self.exact:
            self.when = min(self.when, run.timestamp)


class Survey:
    """Collects, run by run, all that must be known before the first file is written.

    Args:
        repository: expands short commits.
        synthetic: any run will do: what it calls its commit only says which runs belong
            together, until `rename_commits`.
    """

    def __init__(self, repository: Repository | None, *, synthetic: bool = False) -> None:
        self._repository = repository
        self._synthetic = synthetic
        self._stands: dict[str, _Stand] = {}
        self._shapes: dict[frozenset[SeriesKey], frozenset[SeriesKey]] = {}
        self._environments: dict[str, Environment] = {}
        self._expanded: dict[str, tuple[str | None, str]] = {}
        self._unmeasured: dict[tuple[str, str], Series] = {}
        self.series: dict[SeriesKey, Series] = {}
        self.files: dict[FileKey, set[str]] = {}
        self.environments: dict[FileKey, Environment] = {}
        self.machines: dict[str, Machine] = {}
        self.branches: Counter[str] = Counter()
        self.by_run: dict[str, FileKey] = {}
        self.newest: dict[FileKey, Newest] = {}
        self.shapes: dict[FileKey, set[frozenset[SeriesKey]]] = {}
        self.lost: list[Loss] = []

    def observe(self, run: Run) -> None:
        """Take in one run; one that asv cannot have at all becomes a loss."""
        commit, problem = self._label(run) if self._synthetic else self._commit(run.commit)
        if commit is None:
            self.lost.append(Loss(run.id, "the run", problem))
            return
        if run.id in self.by_run:
            self.lost.append(Loss(run.id, "the run", "its id was given twice, the first counts"))
            return
        environment = self._environment(run)
        key = (environment.machine, commit, environment.name)
        self.by_run[run.id] = key
        self.files.setdefault(key, set()).add(run.id)
        self.environments[key] = environment
        if run.branch:
            self.branches[run.branch] += 1
        order = order_of(run)
        newest = self.newest.get(key)
        if newest is None or order > newest.order:
            self.newest[key] = Newest(order, run.commit_time)
        machine = self.machines.get(environment.machine)
        if machine is None or order > machine.order:
            self.machines[environment.machine] = Machine(machine_facts(run.environment), order)
        for point in run.points:
            self._observe_point(run, point)
        shape = frozenset(
            (point.scenario, point.name, metric)
            for point in run.points
            for metric in (point.metrics if point.status is PointStatus.OK else (None,))
        )
        # Runs of one suite share a handful of these.
        self.shapes.setdefault(key, set()).add(self._shapes.setdefault(shape, shape))

    def _observe_point(self, run: Run, point: Point) -> None:
        if point.status is not PointStatus.OK:
            failed = self._unmeasured.setdefault((point.scenario, point.name), Series())
            failed.observe(run, point, None)
        for metric in point.metrics:
            key = (point.scenario, point.name, metric)
            series = self.series.get(key)
            if series is None:
                series = self.series[key] = Series()
            series.observe(run, point, run.metric_defs.get(metric))

    def finish(self) -> None:
        """Give failed and skipped points their place in each metric of their benchmark."""
        measured: dict[tuple[str, str], list[Series]] = {}
        for (scenario, name, _), series in self.series.items():
            measured.setdefault((scenario, name), []).append(series)
        for (scenario, name), failed in self._unmeasured.items():
            if (scenario, name) not in measured:
                measured[scenario, name] = [
                    self.series.setdefault((scenario, name, None), Series())
                ]
            for series in measured[scenario, name]:
                series.add_unmeasured(failed)

    def moments(self) -> list[Moment]:
        """The commits that the runs are grouped by."""
        return [
            Moment(label, stand.when, stand.branch, stand.about)
            for label, stand in self._stands.items()
        ]

    def rename_commits(self, commits: Mapping[str, str]) -> None:
        """Put the commits that were made in the place of what the runs were grouped by."""

        def renamed(key: FileKey) -> FileKey:
            return key[0], commits[key[1]], key[2]

        self.files = {renamed(key): ids for key, ids in self.files.items()}
        self.environments = {renamed(key): found for key, found in self.environments.items()}
        self.newest = {renamed(key): found for key, found in self.newest.items()}
        self.shapes = {renamed(key): found for key, found in self.shapes.items()}
        self.by_run = {run_id: renamed(key) for run_id, key in self.by_run.items()}

    def metrics_by_point(self) -> dict[tuple[str, str], list[str | None]]:
        """The metrics of each (scenario, point name)."""
        found: dict[tuple[str, str], list[str | None]] = {}
        for scenario, name, metric in self.series:
            found.setdefault((scenario, name), []).append(metric)
        return found

    def _label(self, run: Run) -> tuple[str, str]:
        named = (run.commit or "").strip()
        named = read_commit(named) or named
        label = f"commit {named}" if named else f"run {run.id}"
        stand = self._stands.get(label)
        if stand is None:
            first = _Stand(order_of(run), run.timestamp, False, None, " ".join(label.split()))
            stand = self._stands[label] = first
        stand.add(run)
        return label, ""

    def _commit(self, text: str | None) -> tuple[str | None, str]:
        if not text:
            return None, "it has no commit, and asv orders results by commit"
        commit = read_commit(text)
        if commit is None:
            return None, f"its commit {text[:60]!r} is not a git hash"
        if len(commit) == FULL_HEX:
            return commit, ""
        if self._repository is None:
            return None, f"its commit {commit!r} is short, and no repository is given to expand it"
        if commit not in self._expanded:
            self._expanded[commit] = self._repository.expand(commit)
        full, problem = self._expanded[commit]
        return full, f"its commit {commit!r} cannot be expanded: {problem}"

    def _environment(self, run: Run) -> Environment:
        # Most runs of a store share a handful of environments.
        key = repr(run.environment)
        if key not in self._environments:
            self._environments[key] = read_environment(run.environment)
        return self._environments[key]


def date_ms(newest: Newest, known: int | None) -> int:
    """Asv's date: the commit's own time where somebody knows it, else the newest run's.

    Args:
        newest: run of the file.
        known: what the repository says.
    """
    if newest.commit_time is not None:
        return clock.micros(clock.make_aware(newest.commit_time)) // 1000
    return known if known is not None else clock.micros(newest.order[0]) // 1000

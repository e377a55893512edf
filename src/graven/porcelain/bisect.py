"""Drive a command over the commits between two until the one that moved a metric is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graven.analysis.bisection import Bisection, Candidate, EndFailed, bisect
from graven.analysis.thresholds import DEFAULT_THRESHOLD
from graven.errors import InvalidInput
from graven.ids import hash_bytes
from graven.ingest import Overrides, capture_environment, fingerprint
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.porcelain.ingest import ingest
from graven.porcelain.trend import SeriesInfo, fits
from graven.porcelain.worktree import Commit, Worktree, first_parent_line, worktree
from graven.store import Store

SHORT = 12
TIME = "time"
_LABEL = 8  # digits of a commit in an experiment's name
_MARK = 6  # hex digits in it that stand for the command
_NAMED = 6  # series named in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is run, and what is read from it.

    Attributes:
        command: its words; run in the commit's tree.
        files: patterns of result files it writes, seen from there. Without any, and without
            ``time``, the command itself saves a run of its commit to the store (which
            ``GRAVEN_STORE`` names to it).
        time: the seconds it takes are the metric.
        metric, point, scenario: names or patterns of the series; one must be left.
        tags: pairs its points hold.
    """

    command: tuple[str, ...]
    files: tuple[str, ...] = ()
    time: bool = False
    metric: str = "*"
    point: str = "*"
    scenario: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One commit as it was measured; ``value`` None if it could not be."""

    commit: Commit
    value: float | None
    values: tuple[float, ...]
    runs: tuple[str, ...]
    bad: bool | None
    unclear: bool
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "commit": self.commit.to_dict(),
            "value": self.value,
            "values": list(self.values),
            "runs": list(self.runs),
            "bad": self.bad,
            "unclear": self.unclear,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BisectReport:
    """The answer of `bisect_commits`.

    Attributes:
        series: what was measured.
        experiment: under which all runs are kept; the same words go on with it.
        tried: the commits that were measured, in the order of history.
        good, bad: neighbours, but for ``skipped``, between which the metric moved.
        moved: False if the two ends do not differ; then good and bad are the ends.
        change: from end to end, relative; step: from ``good`` to ``bad``.
        confirmed: both neighbours, measured once more, came out as before.
        skipped: commits between them that could not be measured.
    """

    series: SeriesInfo
    unit: str
    direction: str
    experiment: str
    commits: int
    tried: tuple[Tried, ...]
    good: Tried
    bad: Tried
    moved: bool
    change: float | None
    step: float | None
    confirmed: bool
    skipped: tuple[Tried, ...]

    @property
    def worse(self) -> bool | None:
        """Whether the metric got worse; None where nobody said which way is better."""
        if self.direction not in ("lower", "higher") or not self.moved:
            return None
        good, bad = self.good.value or 0.0, self.bad.value or 0.0
        return (bad > good) is (self.direction == "lower")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "series": self.series.to_dict(),
            "unit": self.unit,
            "direction": self.direction,
            "experiment": self.experiment,
            "commits": self.commits,
            "moved": self.moved,
            "worse": self.worse,
            "change": self.change,
            "step": self.step,
            "confirmed": self.confirmed,
            "good": self.good.to_dict(),
            "bad": self.bad.to_dict(),
            "skipped": [each.to_dict() for each in self.skipped],
            "tried": [each.to_dict() for each in self.tried],
        }


OnTried = Callable[[Commit, "float | None", str], None]
"""Told after each measurement: the commit, its value (None: failed), the unit."""


def bisect_commits(
    store: Store,
    good: str,
    bad: str,
    wanted: Wanted,
    *,
    repo: str | Path = ".",
    threshold: float = DEFAULT_THRESHOLD,
    repeat: int | None = None,
    timeout: float | None = None,
    on_tried: OnTried = lambda commit, value, unit: None,
) -> BisectReport:
    """Find the commit between ``good`` and ``bad`` that moved a metric.

    Commits on the first-parent line are checked out in a folder of their own; the person's
    checkout is not touched. Every run is kept in the store, under the experiment
    ``bisect GOOD..BAD MARK`` and without a branch, MARK standing for the command, what is read
    from it, and the machine; those that are there already, of this series, are not measured
    again, so that a search that was broken off goes on.

    Args:
        store: where the runs go.
        good, bad: revisions of git, the older one first.
        wanted: command and series.
        repo: a git checkout; the command runs in the same folder of the other tree.
        threshold: relative change that counts as having moved.
        repeat: how often each commit is measured (3 with ``wanted.time``, else once).
        timeout: seconds after which a command counts as failed.
        on_tried: told how it goes.

    Raises:
        NotFound: git knows no such commit.
        InvalidInput: no repository; no way from one commit to the other; the command is
            missing, or fails at one of the two ends; it wrote no result; the series is not
            one but several.
        BackendUnavailable: git or the store failed. The runs so far are kept.
    """
    _check(wanted)
    folder = Path(repo)
    line = first_parent_line(folder, good, bad)
    with worktree(folder, line[0].sha) as tree:
        search = _Search(store, line, wanted, tree, timeout=timeout, on_tried=on_tried)
        times = repeat if repeat is not None else 3 if wanted.time else 1
        try:
            found = bisect(len(line), search.measure, threshold=threshold, repeat=times)
        except EndFailed as error:
            raise search.end_failed(error.index) from None
    return search.report(found)


def _check(wanted: Wanted) -> None:
    if not wanted.command:
        raise InvalidInput("no command is given", kind="usage", hint="put it behind --")
    for pattern in wanted.files:
        if not pattern or Path(pattern).is_absolute():
            raise InvalidInput(
                f"no pattern of files in the tree: {pattern!r}",
                kind="bad-pattern",
                hint="a relative one, such as 'out/*.json'; the command runs in each commit's tree",
                field="file",
            )


@dataclass(slots=True)
class _Known:
    """What was kept of one commit: runs, those not counted yet, and what went wrong."""

    runs: list[str] = field(default_factory=list)
    error: str | None = None


class _Search:
    def __init__(
        self,
        store: Store,
        line: Sequence[Commit],
        wanted: Wanted,
        tree: Worktree,
        *,
        timeout: float | None,
        on_tried: OnTried,
    ) -> None:
        self._store = store
        self._line = line
        self._wanted = wanted
        self._tree = tree
        self._timeout = timeout
        self._on_tried = on_tried
        self._series: SeriesInfo | None = None
        self._definition: MetricDef | None = None
        self._known: dict[int, _Known] = {}
        self._earlier: dict[str, list[Run]] | None = None
        ends = "..".join(commit.sha[:_LABEL] for commit in (line[0], line[-1]))
        # What another command measured of these commits, or another machine, is no answer to
        # this. Files of results often do not name the machine, so that runs cannot tell it.
        read = ["--time"] if wanted.time else list(wanted.files)
        told = [fingerprint(capture_environment()), tree.inside, read, list(wanted.command)]
        self.experiment = f"bisect {ends} {hash_bytes(json.dumps(told).encode()).hex()[:_MARK]}"

    def measure(self, index: int) -> list[float] | None:
        """New values of a commit: from a run that is kept already, else by the command."""
        commit = self._line[index]
        known = self._known.setdefault(index, _Known())
        runs = self._take_earlier(commit) or self._run(commit, known)
        known.runs += [run.id for run in runs]
        values = [value for run in runs for value in self._values(run)]
        if not values and known.error is None:
            known.error = self._say_what_is_missing(runs)
        self._on_tried(commit, values[-1] if values else None, self._unit())
        return values or None

    def _take_earlier(self, commit: Commit) -> list[Run]:
        if self._earlier is None:
            self._earlier = {}
            for run in self._store.iter_runs(experiment=self.experiment):
                if run.commit and self._values(run):
                    self._earlier.setdefault(run.commit, []).append(run)
        found = self._earlier.get(commit.sha)
        return [found.pop()] if found else []

    def _run(self, commit: Commit, known: _Known) -> list[Run]:
        self._tree.check_out(commit.sha)
        before = self._runs_of(commit) if self._reads_store else set()
        environment = {
            # Another folder is its own: a relative path would mean something else there.
            "GRAVEN_STORE": str(self._store.path.resolve())
            if self._store.path is not None
            else self._store.url,
            "GRAVEN_COMMIT": commit.sha,
            "GRAVEN_EXPERIMENT": self.experiment,
        }
        ran = self._tree.run(self._wanted.command, environment, self._timeout)
        if ran.error is not None:
            known.error = ran.error
            return [self._keep(commit, error=ran.error)]
        if self._wanted.time:
            return [self._keep(commit, seconds=ran.seconds)]
        if self._reads_store:
            # The same numbers again may be the run that is there: nothing new is saved then.
            runs = self._runs_of(commit) - before or self._runs_of(commit, self.experiment)
            return list(self._store.load_some(runs))
        return self._ingest(commit, known)

    @property
    def _reads_store(self) -> bool:
        return not self._wanted.time and not self._wanted.files

    def _runs_of(self, commit: Commit, experiment: str | None = None) -> set[str]:
        found = self._store.headers(commit=commit.sha, experiment=experiment)
        return {header.run_id for header in found}

    def _ingest(self, commit: Commit, known: _Known) -> list[Run]:
        folder = self._tree.folder
        paths = sorted({path for text in self._wanted.files for path in folder.glob(text)})
        overrides = Overrides(commit=commit.sha, experiment=self.experiment)
        report = ingest(self._store, paths, overrides=overrides)
        if report.failed:
            error = report.failed[0].error
            if not isinstance(error, InvalidInput):  # no other commit will change it
                raise error
            known.error = str(error)
            return []
        return list(self._store.load_some([run.run_id for run in report.runs]))

    def _keep(
        self, commit: Commit, *, seconds: float | None = None, error: str | None = None
    ) -> Run:
        """Save what the command itself told: the time it took, or that it failed."""
        name = os.path.basename(self._wanted.command[0])
        metrics = {} if seconds is None else {TIME: Metric(value=seconds)}
        status = PointStatus.OK if error is None else PointStatus.FAILED
        run = Run(
            points=(Point(name=name, scenario="command", metrics=metrics, status=status,
                          error=error),),
            commit=commit.sha,
            environment=capture_environment(),
            metric_defs={TIME: MetricDef(name=TIME, unit="s", direction=MetricDirection.LOWER)},
            experiment=self.experiment,
            status="ok" if error is None else "failed",
            error=error,
            provenance={"command": list(self._wanted.command), "by": "graven bisect"},
        )  # fmt: skip
        with self._store.batch() as batch:
            batch.save(run)
        return run

    def _values(self, run: Run) -> list[float]:
        """The value of the series in a run; the series itself is settled by the first run."""
        fitting = [
            (SeriesInfo(scenario=p.scenario, name=p.name, tags=dict(p.tags), metric=name), metric)
            for p in run.points
            if p.status is PointStatus.OK
            for name, metric in p.metrics.items()
            if self._fits(p, name)
        ]
        if self._series is None and fitting:
            self._settle([info for info, _ in fitting], run)
        known = self._series and run.metric_defs.get(self._series.metric)
        if known and self._definition and known.unit != self._definition.unit:
            return []  # a number of another unit would be a step that nobody made
        return [float(metric.value) for info, metric in fitting if info == self._series]

    def _fits(self, point: Point, metric: str) -> bool:
        wanted = self._wanted
        return (
            fits(metric, wanted.metric)
            and fits(point.name, wanted.point)
            and fits(point.scenario, wanted.scenario)
            and wanted.tags.items() <= point.tags.items()
        )

    def _settle(self, fitting: Sequence[SeriesInfo], run: Run) -> None:
        distinct = list(dict.fromkeys(map(_series_text, fitting)))
        if len(distinct) > 1:
            more = len(distinct) - _NAMED
            shown = ", ".join(distinct[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            raise InvalidInput(
                f"{len(distinct)} series fit, and one can be searched for: {shown}",
                kind="several-series",
                hint="name it with --metric, --point, --scenario, --tag",
                field="metric",
            )
        self._series = fitting[0]
        self._definition = run.metric_defs.get(fitting[0].metric)

    def _say_what_is_missing(self, runs: Sequence[Run]) -> str:
        if runs:
            return f"has no value of the series{f' in {self._unit()!r}' if self._unit() else ''}"
        if self._wanted.files:
            return f"wrote no file like {', '.join(self._wanted.files)}"
        return "saved no run of its commit"

    def _unit(self) -> str:
        return self._definition.unit if self._definition else ""

    def end_failed(self, index: int) -> InvalidInput:
        """Why there is nothing to search between."""
        commit, known = self._line[index], self._known[index]
        which = "good" if index == 0 else "bad"
        why = known.error or "could not be measured"
        hint = None
        if self._reads_store and why.startswith("saved"):
            hint = "--time measures the command itself, --file reads what it writes"
        return InvalidInput(
            f"the {which} commit {commit.sha[:SHORT]} cannot be measured: {why}",
            kind="end-failed",
            hint=hint,
            commit=commit.sha,
        )

    def report(self, found: Bisection) -> BisectReport:
        """The answer in terms of commits."""
        series = self._series
        if series is None:
            raise AssertionError("both ends were measured")
        known = self._definition
        return BisectReport(
            series=series,
            unit=self._unit(),
            direction=str(known.direction) if known else "info",
            experiment=self.experiment,
            commits=len(self._line),
            tried=tuple(map(self._tried, sorted(found.tried, key=lambda each: each.index))),
            good=self._tried(found.good),
            bad=self._tried(found.bad),
            moved=found.moved,
            change=found.change,
            step=found.step,
            confirmed=found.confirmed,
            skipped=tuple(map(self._tried, found.skipped)),
        )

    def _tried(self, candidate: Candidate) -> Tried:
        known = self._known[candidate.index]
        return Tried(
            commit=self._line[candidate.index],
            value=candidate.value if candidate.values else None,
            values=tuple(candidate.values),
            runs=tuple(known.runs),
            bad=candidate.bad,
            unclear=candidate.unclear,
            error=known.error if candidate.failed else None,
        )


def _series_text(info: SeriesInfo) -> str:
    tags = ",".join(f"{key}={value}" for key, value in sorted(info.tags.items()))
    words = [info.scenario, info.name] if info.scenario else [info.name]
    return f"{'/'.join(words)}{f'[{tags}]' if tags else ''} {info.metric}"

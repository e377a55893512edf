"""`export_asv`: the order of the steps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from graven.errors import InvalidInput
from graven.export.asv.benchmarks import (
    benchmark_json,
    benchmark_names,
    names_json,
)
from graven.export.asv.git import Repository
from graven.export.asv.matrix import make_matrix
from graven.export.asv.names import distinct, safe_name
from graven.export.asv.report import AsvExport, Loss, count, some
from graven.export.asv.rows import COLUMNS, Losses, RowMaker, row_json
from graven.export.asv.survey import FileKey, Survey, date_ms, order_of
from graven.export.asv.writer import (
    API_VERSION,
    BENCHMARKS_FILE,
    CONF_FILE,
    MACHINE_FILE,
    NAMES_FILE,
    Folder,
    read_json,
)
from graven.model import Run

Runs = Iterable[Run] | Callable[[], Iterable[Run]]

_SHORT_COMMIT = 8  # digits of a commit in asv's file names
_MACHINE_LIMIT = 80
_MACHINE_VERSION = 1
_CONF_VERSION = 1


def export_asv(
    runs: Runs,
    directory: Path | str,
    *,
    repo: Path | str | None = None,
    project: str = "graven",
    branches: Sequence[str] | None = None,
    write_conf: bool = True,
) -> AsvExport:
    """Write runs as a results folder that ``asv publish``, ``show`` and ``compare`` read.

    Every (scenario, point name, metric) is a benchmark, the tags are its parameters, and
    there is one result file for each machine, commit and environment. Of several runs
    in one file the newest (by timestamp, then id) stands in every cell. Files in the
    folder that graven did not write stay; result files of an earlier export that no
    longer apply are removed. Without any run to write, the folder is made and no more.

    Args:
        runs: in any order, read twice: a collection, or a function that gives a fresh
            iterable each time (for more runs than memory holds). A one-shot iterator
            works too and is kept in memory whole. Values are held only while the runs
            of one result file come in.
        directory: made where missing; asv's project folder.
        repo: git repository of the commits. With it, short commits are expanded, the
            commits' own dates are used, and runs that asv cannot see are named.
        project: asv's name for the project.
        branches: what asv follows; without it those of an existing asv.conf.json, else
            (with ``repo``) the branch checked out and what the runs' branches add.
        write_conf: write asv.conf.json where there is none.

    Raises:
        InvalidInput: ``repo`` is no git repository, or a branch is not in it;
            ``directory`` is a file. Nothing was written.
        BackendUnavailable: git or the disk failed; the files so far are whole.
    """
    repository = Repository(Path(repo)) if repo is not None else None
    _check_branches(branches, repository)
    folder = Folder(Path(directory))
    again = _reiterable(runs)
    survey = Survey(repository)
    for run in again():
        survey.observe(run)
    survey.finish()
    if not survey.files:
        folder.remove_stale()
        folder.remove_benchmarks()
        return AsvExport(folder.path, lost=tuple(survey.lost))
    return _Export(survey, folder, repository, branches).write(again, project, write_conf)


def _check_branches(branches: Sequence[str] | None, repository: Repository | None) -> None:
    for branch in branches or ():
        if repository is not None and not repository.has(branch):
            raise InvalidInput(
                f"branch {branch!r} is not in the repository",
                kind="bad-branch",
                hint="asv publish stops at a branch it does not find",
                field="branches",
            )


def _reiterable(runs: Runs) -> Callable[[], Iterable[Run]]:
    if callable(runs):
        return runs
    source = list(runs) if isinstance(runs, Iterator) else runs
    return lambda: source


class _Export:
    """The second half: everything that is written."""

    def __init__(
        self,
        survey: Survey,
        folder: Folder,
        repository: Repository | None,
        branches: Sequence[str] | None,
    ) -> None:
        self._survey = survey
        self._folder = folder
        self._repository = repository
        self._branches = self._choose_branches(branches)
        self._dates: dict[str, int] = {}
        self._foreign = folder.foreign_benchmarks()
        self._names = benchmark_names(survey.series, self._foreign)
        self._matrices = {
            key: make_matrix(series.combinations) for key, series in survey.series.items()
        }
        self._machines = distinct(survey.machines, safe_name, limit=_MACHINE_LIMIT, fold_case=True)
        self._stems = _file_stems(survey.files)
        self._losses = Losses()
        self._rows = RowMaker(survey, self._names, self._losses)
        self._points = 0

    def write(
        self, again: Callable[[], Iterable[Run]], project: str, write_conf: bool
    ) -> AsvExport:
        unseen = self._unseen()
        machine_files = self._write_machines()
        for key, runs in _by_file(again(), self._survey):
            self._write_results(key, runs)
        entries = {
            name: benchmark_json(key, name, self._survey.series[key], self._matrices[key])
            for key, name in sorted(self._names.items(), key=lambda item: item[1])
        }
        self._folder.write(
            self._folder.results / BENCHMARKS_FILE,
            {**self._foreign, **entries, "version": API_VERSION},
        )
        self._folder.write(
            self._folder.path / NAMES_FILE,
            names_json(
                self._names, self._survey.series, self._matrices, self._machines, machine_files
            ),
        )
        conf = self._folder.path / CONF_FILE
        new_conf = write_conf and not conf.exists()
        if new_conf:
            self._folder.write(conf, self._conf_json(project))
        self._folder.remove_stale()
        return AsvExport(
            directory=self._folder.path,
            files=tuple(self._folder.written),
            benchmarks=tuple(entries),
            points_written=self._points,
            lost=(*self._survey.lost, *unseen, *self._losses.report()),
            notes=tuple(self._notes(new_conf)),
        )

    def _choose_branches(self, branches: Sequence[str] | None) -> list[str]:
        if branches:
            return list(branches)
        given = read_json(self._folder.path / CONF_FILE).get("branches")
        if isinstance(given, list) and given and all(isinstance(b, str) for b in given):
            return given
        if self._repository is None:
            return ["HEAD"]
        wanted = [branch for branch, _ in self._survey.branches.most_common()]
        return self._repository.choose_branches(wanted, {c for _, c, _ in self._survey.files})

    def _unseen(self) -> list[Loss]:
        """Runs whose commit asv will not find, and the dates of those it will."""
        if self._repository is None:
            return []
        for branch in self._branches:
            if self._repository.has(branch):
                self._dates.update(self._repository.first_parent_line(branch))
        tagged = self._repository.tagged()
        why = (
            "asv does not see it: it is not on the first-parent line of "
            f"{', '.join(self._branches)}, and has no tag"
        )
        return [
            Loss(run_id, f"the run (commit {commit[:_SHORT_COMMIT]})", why)
            for run_id, (_, commit, _) in self._survey.by_run.items()
            if commit not in self._dates and commit not in tagged
        ]

    def _write_machines(self) -> list[str]:
        written = []
        for name, folder in self._machines.items():
            if not self._folder.has_foreign_machine(folder):
                facts = self._survey.machines[name].facts
                self._folder.write(
                    self._folder.results / folder / MACHINE_FILE,
                    {**facts, "machine": folder, "version": _MACHINE_VERSION},
                )
                written.append(folder)
        return written

    def _write_results(self, key: FileKey, runs: Sequence[Run]) -> None:
        machine, commit, environment_name = key
        newest_first = sorted(runs, key=order_of, reverse=True)
        environment = self._survey.environments[key]
        results: dict[str, Any] = {}
        for series, row in self._rows.rows(newest_first).items():
            results[self._names[series]] = row_json(row, self._matrices[series])
            self._points += sum(
                cell.value is not None and cell.value == cell.value for cell in row.cells.values()
            )
        folder = self._machines[machine]
        date = date_ms(newest_first[0], lambda: self._dates.get(commit))
        self._folder.write(
            self._folder.result_path(folder, f"{self._stems[key]}-{environment_name}"),
            {
                "graven": {"runs": [run.id for run in newest_first]},  # first: see writer.is_ours
                "commit_hash": commit,
                "env_name": environment_name,
                "date": date,
                "params": {"machine": folder, **dict(environment.params)},
                "python": environment.python,
                "requirements": {},
                "env_vars": {},
                "result_columns": COLUMNS,
                "results": results,
                "durations": {},
                "version": API_VERSION,
            },
            compact=True,
        )

    def _conf_json(self, project: str) -> dict[str, Any]:
        return {
            "version": _CONF_VERSION,
            "project": project,
            "project_url": "#",
            "show_commit_url": "#",
            "repo": str(self._repository.path) if self._repository else ".",
            "branches": self._branches,
            "environment_type": "virtualenv",
            "results_dir": "results",
            "html_dir": "html",
            # asv would report every gain of these as a regression; null turns its search off.
            "regressions_first_commits": {
                rf"{re.escape(name)}(?:[(@]|$)": None for name in self._higher_is_better()
            },
        }

    def _higher_is_better(self) -> list[str]:
        series = self._survey.series
        return sorted(name for key, name in self._names.items() if series[key].higher_is_better)

    def _notes(self, new_conf: bool) -> Iterator[str]:
        higher = self._higher_is_better()
        if higher:
            outcome = (
                "asv.conf.json tells it to look for no regressions there"
                if new_conf
                else "unless asv.conf.json says otherwise, it takes a rise as a regression"
            )
            yield (
                f"asv knows no direction, and higher is better in"
                f" {count(len(higher), 'benchmark')} ({some(higher)}): {outcome}"
            )
        if self._losses.intervals:
            yield (
                f"{count(self._losses.intervals, 'interval')} left out: asv reads one only"
                " beside quartiles, and there are no samples to make those from"
            )
        if self._repository is None:
            yield (
                'no repository given: set "repo" and "branches" in asv.conf.json before'
                " `asv publish`; which commits asv will find was not checked"
            )


def _file_stems(files: Iterable[FileKey]) -> dict[FileKey, str]:
    """The commit as file names begin: 8 digits, or all 40 where 8 would mean several.

    ``asv show`` and ``compare`` find a commit's files by that part of the name.
    """
    keys = list(files)
    commits = {(machine, commit) for machine, commit, _ in keys}
    shared = Counter((machine, commit[:_SHORT_COMMIT]) for machine, commit in commits)
    return {
        key: key[1] if shared[key[0], key[1][:_SHORT_COMMIT]] > 1 else key[1][:_SHORT_COMMIT]
        for key in keys
    }


def _by_file(runs: Iterable[Run], survey: Survey) -> Iterator[tuple[FileKey, list[Run]]]:
    """The runs of each result file, as soon as the last of them has come by."""
    waiting: dict[FileKey, dict[str, Run]] = {}
    missing: dict[FileKey, set[str]] = {key: set(ids) for key, ids in survey.files.items()}
    for run in runs:
        key = survey.by_run.get(run.id)
        if key is None or run.id not in missing[key]:
            continue  # cannot be exported, given twice, or new since the first pass
        missing[key].discard(run.id)
        waiting.setdefault(key, {})[run.id] = run
        if not missing[key]:
            yield key, list(waiting.pop(key).values())
    # A run that is gone since the first pass leaves the others of its file waiting.
    for key, held in waiting.items():
        yield key, list(held.values())

"""`export_asv`: the order of the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from graven.errors import InvalidInput
from graven.export.asv.benchmarks import (
    benchmark_json,
    benchmark_names,
    names_json,
)
from graven.export.asv.files import SHORT_COMMIT, Recipes, file_stems, runs_by_file
from graven.export.asv.git import Repository
from graven.export.asv.matrix import make_matrix
from graven.export.asv.names import distinct, safe_name
from graven.export.asv.report import AsvExport, Loss, count, some
from graven.export.asv.rows import COLUMNS, Losses, RowMaker, row_json
from graven.export.asv.source import Runs, RunSource, as_source
from graven.export.asv.survey import FileKey, Survey, date_ms, order_of
from graven.export.asv.synthetic import REPOSITORY, Synthetic, make_repository
from graven.export.asv.writer import (
    API_VERSION,
    BENCHMARKS_FILE,
    CONF_FILE,
    MACHINE_FILE,
    NAMES_FILE,
    Folder,
    read_json,
    read_marker,
)
from graven.model import Run

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
    synthetic_repo: bool = False,
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
            of one result file come in. Of a `RunSource` with versions, only the runs of
            files that change are read the second time.
        directory: made where missing; asv's project folder.
        repo: git repository of the commits. With it, short commits are expanded, the
            commits' own dates are used, and runs that asv cannot see are named.
        project: asv's name for the project.
        branches: what asv follows; without it those of an existing asv.conf.json, else
            (with ``repo``) the branch checked out and what the runs' branches add.
        write_conf: write asv.conf.json where there is none.
        synthetic_repo: make a repository beside the results whose commits stand for those
            that the runs name, or for the runs themselves: all of them can be published,
            in the order of time.

    Raises:
        InvalidInput: ``repo`` is no git repository, or a branch is not in it;
            ``directory`` is a file; ``synthetic_repo`` beside ``repo`` or ``branches``, or
            where another repository has its place. Nothing was written.
        BackendUnavailable: git or the disk failed; the files so far are whole.
    """
    if synthetic_repo and (repo is not None or branches):
        raise InvalidInput(
            "a synthetic repository stands in for the real one and makes its own branches",
            kind="usage",
            hint="leave the repository and the branches out",
            field="synthetic_repo",
        )
    repository = Repository(Path(repo)) if repo is not None else None
    _check_branches(branches, repository)
    folder = Folder(Path(directory))
    source = as_source(runs)
    survey = Survey(repository, synthetic=synthetic_repo)
    for run in source.every():
        survey.observe(run)
    survey.finish()
    if not survey.files:
        folder.remove_stale()
        folder.remove_benchmarks()
        return AsvExport(folder.path, lost=tuple(survey.lost))
    synthetic = None
    if synthetic_repo:
        synthetic = make_repository(folder.path, survey.moments())
        survey.rename_commits(synthetic.commits)
        repository, branches = Repository(synthetic.path), synthetic.branches
    export = _Export(survey, folder, repository, branches, synthetic)
    return export.write(source, project, write_conf)


def _check_branches(branches: Sequence[str] | None, repository: Repository | None) -> None:
    for branch in branches or ():
        if repository is not None and not repository.has(branch):
            raise InvalidInput(
                f"branch {branch!r} is not in the repository",
                kind="bad-branch",
                hint="asv publish stops at a branch it does not find",
                field="branches",
            )


class _Export:
    """The second half: everything that is written."""

    def __init__(
        self,
        survey: Survey,
        folder: Folder,
        repository: Repository | None,
        branches: Sequence[str] | None,
        synthetic: Synthetic | None,
    ) -> None:
        self._synthetic = synthetic
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
        self._stems = file_stems(survey.files)
        self._losses = Losses()
        self._rows = RowMaker(survey, self._names, self._losses)
        self._points = 0

    def write(self, source: RunSource, project: str, write_conf: bool) -> AsvExport:
        unseen = self._unseen()
        machine_files = self._write_machines()
        self._write_all_results(source)
        entries = {
            name: benchmark_json(key, name, self._survey.series[key], self._matrices[key])
            for key, name in sorted(self._names.items(), key=lambda item: item[1])
        }
        self._folder.write(
            self._folder.results / BENCHMARKS_FILE,
            {**self._foreign, **entries, "version": API_VERSION},
        )
        names = names_json(
            self._names, self._survey.series, self._matrices, self._machines, machine_files
        )
        if self._synthetic is not None:
            names["commits"] = {made: label for label, made in self._synthetic.commits.items()}
        self._folder.write(self._folder.path / NAMES_FILE, names)
        new_conf = self._write_conf(project, write_conf)
        self._folder.remove_stale()
        return AsvExport(
            directory=self._folder.path,
            files=tuple(self._folder.written),
            benchmarks=tuple(entries),
            points_written=self._points,
            lost=(*self._survey.lost, *unseen, *self._losses.report()),
            notes=tuple(self._notes(new_conf)),
            unchanged=len(self._folder.unchanged),
        )

    def _write_conf(self, project: str, write_conf: bool) -> bool:
        """Write asv.conf.json where there is none; True if it is new."""
        path = self._folder.path / CONF_FILE
        if write_conf and not path.exists():
            self._folder.write(path, self._conf_json(project))
            return True
        known = read_json(path)
        if self._synthetic is not None and known.get("repo") == REPOSITORY:
            # An earlier export's: a branch that is new since would not be published.
            self._folder.write(path, {**known, "branches": self._branches})
        return False

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
            Loss(run_id, f"the run (commit {commit[:SHORT_COMMIT]})", why)
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

    def _write_all_results(self, source: RunSource) -> None:
        """Write the files that are not there as they would be now."""
        recipes = Recipes(self._survey, self._names, self._matrices, source.versions)
        changed: dict[FileKey, tuple[Path, str | None]] = {}
        for key in self._survey.files:
            path = self._result_path(key)
            recipe = recipes.recipe(key, self._facts(key).values())
            if recipe is None or not self._stands(path, recipe):
                changed[key] = (path, recipe)
        if len(changed) == len(self._survey.files):
            runs = source.every()
        else:
            runs = source.some(set(chain.from_iterable(self._survey.files[k] for k in changed)))
        for key, found in runs_by_file(runs, self._survey):
            self._write_results(key, found, *changed[key])

    def _result_path(self, key: FileKey) -> Path:
        machine, _, environment_name = key
        return self._folder.result_path(
            self._machines[machine], f"{self._stems[key]}-{environment_name}"
        )

    def _stands(self, path: Path, recipe: str) -> bool:
        """True if a file is there that the same runs were made into by the same rules."""
        marker = read_marker(path)
        if marker.get("recipe") != recipe:
            return False
        try:
            points, intervals = int(marker["points"]), int(marker["intervals"])
            self._losses.restore(marker["lost"])
        except (KeyError, TypeError, ValueError):
            return False
        self._points += points
        self._losses.intervals += intervals
        self._folder.keep(path)
        return True

    def _facts(self, key: FileKey) -> dict[str, Any]:
        """What a result file says beside its rows."""
        machine, commit, environment_name = key
        environment = self._survey.environments[key]
        return {
            "commit_hash": commit,
            "env_name": environment_name,
            "date": date_ms(self._survey.newest[key], self._dates.get(commit)),
            "params": {"machine": self._machines[machine], **dict(environment.params)},
            "python": environment.python,
        }

    def _write_results(
        self, key: FileKey, runs: Sequence[Run], path: Path, recipe: str | None
    ) -> None:
        newest_first = sorted(runs, key=order_of, reverse=True)
        results: dict[str, Any] = {}
        points, intervals = 0, self._losses.intervals
        for series, row in self._rows.rows(newest_first).items():
            results[self._names[series]] = row_json(row, self._matrices[series])
            points += sum(
                cell.value is not None and cell.value == cell.value for cell in row.cells.values()
            )
        self._points += points
        marker: dict[str, Any] = {"runs": [run.id for run in newest_first]}
        if recipe is not None:
            marker |= {
                "recipe": recipe,
                "points": points,
                "intervals": self._losses.intervals - intervals,
                "lost": self._losses.take(),
            }
        self._folder.write_result(
            path,
            marker,
            {
                **self._facts(key),
                "requirements": {},
                "env_vars": {},
                "result_columns": COLUMNS,
                "results": results,
                "durations": {},
                "version": API_VERSION,
            },
        )

    def _conf_json(self, project: str) -> dict[str, Any]:
        return {
            "version": _CONF_VERSION,
            "project": project,
            "project_url": "#",
            "show_commit_url": "#",
            "repo": self._repository_text(),
            "branches": self._branches,
            "environment_type": "virtualenv",
            "results_dir": "results",
            "html_dir": "html",
            # asv would report every gain of these as a regression; null turns its search off.
            "regressions_first_commits": {
                rf"{re.escape(name)}(?:[(@]|$)": None for name in self._higher_is_better()
            },
        }

    def _repository_text(self) -> str:
        if self._synthetic is not None:
            return REPOSITORY  # beside the file, wherever the folder goes
        return str(self._repository.path) if self._repository else "."

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
        if self._synthetic is not None:
            made = count(len(self._synthetic.commits), "commit")
            yield f"{REPOSITORY} stands in for the real one: {made}, in the order of time"
            if not new_conf and read_json(self._folder.path / CONF_FILE).get("repo") != REPOSITORY:
                yield (
                    f'{CONF_FILE} names another repository: set "repo" to "{REPOSITORY}" and'
                    f' "branches" to {", ".join(self._branches)} before `asv publish`'
                )
        if self._repository is None:
            yield (
                'no repository given: set "repo" and "branches" in asv.conf.json before'
                " `asv publish`; which commits asv will find was not checked"
            )

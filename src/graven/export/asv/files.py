"""The result files of an export: their names, their runs, and which of them stand as they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graven import ids
from graven.export.asv.matrix import Matrix
from graven.export.asv.survey import FileKey, SeriesKey, Survey
from graven.model import Run

SHORT_COMMIT = 8  # digits of a commit in asv's file names
_RECIPE_HEX = 24
_RECIPE = 1  # raised when rows of the same runs come out otherwise


def file_stems(files: Iterable[FileKey]) -> dict[FileKey, str]:
    """The commit as file names begin: 8 digits, or all 40 where 8 would mean several.

    ``asv show`` and ``compare`` find a commit's files by that part of the name.
    """
    keys = list(files)
    commits = {(machine, commit) for machine, commit, _ in keys}
    shared = Counter((machine, commit[:SHORT_COMMIT]) for machine, commit in commits)
    return {
        key: key[1] if shared[key[0], key[1][:SHORT_COMMIT]] > 1 else key[1][:SHORT_COMMIT]
        for key in keys
    }


def runs_by_file(runs: Iterable[Run], survey: Survey) -> Iterator[tuple[FileKey, list[Run]]]:
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


class Recipes:
    """What a result file follows from, as a short hash: equal ones need not be written again.

    Args:
        survey: the finished first pass.
        names, matrices: of every benchmark.
        versions: run id to what changes with the run.
    """

    def __init__(
        self,
        survey: Survey,
        names: Mapping[SeriesKey, str],
        matrices: Mapping[SeriesKey, Matrix],
        versions: Mapping[str, str],
    ) -> None:
        self._survey = survey
        self._names = names
        self._matrices = matrices
        self._versions = versions
        self._metrics = survey.metrics_by_point()
        self._series: dict[SeriesKey, str] = {}
        self._shapes: dict[frozenset[SeriesKey], str] = {}

    def recipe(self, key: FileKey, facts: Iterable[Any]) -> str | None:
        """The hash for a file; None where a run of it has no version.

        Args:
            key: the file.
            facts: what else stands in it, JSON-ready.
        """
        run_ids = sorted(self._survey.files[key])
        if not all(run_id in self._versions for run_id in run_ids):
            return None
        runs = [[run_id, self._versions[run_id]] for run_id in run_ids]
        shapes = sorted(self._of_shape(shape) for shape in self._survey.shapes[key])
        return _digest([_RECIPE, key, runs, shapes, list(facts)])

    def _of_shape(self, shape: frozenset[SeriesKey]) -> str:
        found = self._shapes.get(shape)
        if found is None:
            keys: set[SeriesKey] = set()
            for scenario, name, metric in shape:
                named = self._metrics.get((scenario, name), ()) if metric is None else (metric,)
                keys.update((scenario, name, each) for each in named)
            found = _digest(sorted(self._of_series(key) for key in keys))
            self._shapes[shape] = found
        return found

    def _of_series(self, key: SeriesKey) -> str:
        found = self._series.get(key)
        if found is None:
            series, matrix, unit = (
                self._survey.series[key],
                self._matrices[key],
                self._survey.series[key].unit,
            )
            found = _digest(
                [
                    self._names[key],
                    [unit.type, unit.unit, unit.times, unit.over],
                    series.asv_version,
                    [matrix.names, matrix.values, matrix.tags],
                    sorted(matrix.places.items()),
                ]
            )
            self._series[key] = found
        return found


def _digest(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return ids.hash_bytes(text.encode("ascii")).hex()[:_RECIPE_HEX]

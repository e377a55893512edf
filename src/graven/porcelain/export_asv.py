"""Write runs as a result folder of airspeed velocity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from graven.export.asv import AsvExport
from graven.export.asv import export_asv as write_asv
from graven.model import Run
from graven.store import Store


def export_asv(
    store: Store,
    directory: str | Path,
    *,
    repo: str | Path | None = None,
    project: str = "graven",
    branches: Sequence[str] | None = None,
    only_branch: str | None = None,
) -> AsvExport:
    """Export all runs, or those of one branch; see `graven.export.asv.export_asv`.

    Args:
        store: whose runs.
        directory: asv's project folder, made where missing.
        repo: git repository of the commits.
        project: asv's name for the project.
        branches: what asv follows.
        only_branch: export only the runs of this branch.
    """

    def runs() -> Iterator[Run]:
        return store.iter_runs(only_branch)

    return write_asv(runs, directory, repo=repo, project=project, branches=branches)

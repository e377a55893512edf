"""Write runs as a result folder of airspeed velocity."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from graven.export.asv import AsvExport, RunSource
from graven.export.asv import export_asv as write_asv
from graven.store import Store


def export_asv(
    store: Store,
    directory: str | Path,
    *,
    repo: str | Path | None = None,
    project: str = "graven",
    branches: Sequence[str] | None = None,
    only_branch: str | None = None,
    synthetic_repo: bool = False,
) -> AsvExport:
    """Export all runs, or those of one branch; see `graven.export.asv.export_asv`.

    Again into the same folder, only the result files that change are made and written.

    Args:
        store: whose runs.
        directory: asv's project folder, made where missing.
        repo: git repository of the commits.
        project: asv's name for the project.
        branches: what asv follows.
        only_branch: export only the runs of this branch.
        synthetic_repo: make a repository whose commits stand for the real ones.
    """
    # Read before the runs: what changes meanwhile has another version the next time.
    versions = {header.run_id: header.object_id for header in store.iter_headers()}
    source = RunSource(partial(store.iter_runs, only_branch), store.load_some, versions)
    return write_asv(
        source,
        directory,
        repo=repo,
        project=project,
        branches=branches,
        synthetic_repo=synthetic_repo,
    )

"""The worker that runs calibrax; its interpreter has calibrax, not graven."""

from __future__ import annotations

import importlib.util
import sys
import types
from importlib import metadata
from pathlib import Path
from typing import Any

import workload
from peers.protocol import Stopwatch, serve


def _skip_core_init() -> None:
    """Let ``calibrax.core.models`` load without ``calibrax.core``'s own imports.

    Releases before lazy loading (those that run on Python 3.11) import JAX and Flax
    there, hundreds of megabytes that the Store never touches.
    """
    found = importlib.util.find_spec("calibrax")
    if found is None or not found.submodule_search_locations:
        return
    bare = types.ModuleType("calibrax.core")
    bare.__path__ = [str(Path(found.submodule_search_locations[0], "core"))]
    sys.modules["calibrax.core"] = bare


_skip_core_init()

from calibrax.core.models import Run  # noqa: E402  after the shortcut above
from calibrax.storage.store import Store  # noqa: E402  after the shortcut above

_runs: list[Any] = []


def version() -> dict[str, Any]:
    import platform

    return {"calibrax": metadata.version("calibrax"), "python": platform.python_version()}


def prepare(**arguments: Any) -> dict[str, Any]:
    """Build Run objects of the workload, untimed; the next `save` saves them."""
    _runs[:] = [Run.from_dict(record) for record in workload.records(**arguments)]
    return {"runs": len(_runs)}


def save(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        for run in _runs:
            store.save(run)
    return watch.answer(done=len(_runs))


def disk(path: str) -> dict[str, Any]:
    files = list(Path(path, "runs").iterdir())
    return {"bytes": sum(f.stat().st_size for f in files), "files": len(files)}


def latest(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        store.latest()
    return watch.answer(rows=1)


def query(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        found = store.query(**workload.RARE_TAG)
    return watch.answer(rows=len(found))


def branch(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        found = store.list_runs(branch=workload.RARE_BRANCH)
    return watch.answer(rows=len(found))


def trend(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        found = store.extract_trend(**workload.TREND, n_runs=100)
    return watch.answer(rows=len(found.points))


def list_runs(path: str) -> dict[str, Any]:
    store = Store(path)
    with Stopwatch() as watch:
        found = store.list_runs()
    return watch.answer(rows=len(found))


if __name__ == "__main__":
    serve(
        {
            "version": version,
            "prepare": prepare,
            "save": save,
            "disk": disk,
            "latest": latest,
            "query": query,
            "branch": branch,
            "trend": trend,
            "list_runs": list_runs,
        }
    )

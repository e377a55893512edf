"""The worker that runs mi_crow's store; its interpreter has mi_crow, not graven."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from mi_crow.store import LocalStore

from peers.protocol import Stopwatch, serve

RUN = "run"


def version() -> dict[str, Any]:
    return {"mi_crow": metadata.version("mi-crow"), "torch": torch.__version__}


def put(path: str, count: int, length: int) -> dict[str, Any]:
    """Batches of one tensor each."""
    tensors = [torch.full((length,), float(n)) for n in range(count)]
    store = LocalStore(path)
    with Stopwatch() as watch:
        for n, tensor in enumerate(tensors):
            store.put_run_batch(RUN, n, {"layer": tensor})
    return watch.answer(done=count)


def list_(path: str) -> dict[str, Any]:
    store = LocalStore(path)
    with Stopwatch() as watch:
        found = store.list_run_batches(RUN)
    return watch.answer(done=len(found))


def iterate(path: str) -> dict[str, Any]:
    store = LocalStore(path)
    with Stopwatch() as watch:
        count = sum(1 for _ in store.iter_run_batches(RUN))
    return watch.answer(done=count)


def append(path: str, count: int, length: int) -> dict[str, Any]:
    """Tensors of a whole run, one call each."""
    tensors = [torch.rand(length) for _ in range(count)]
    store = LocalStore(path)
    with Stopwatch() as watch:
        for n, tensor in enumerate(tensors):
            store.put_run_detector_metadata(RUN, {"n": n}, {"layer": {"key": tensor}})
    return watch.answer(done=count)


def put_large(path: str, count: int, length: int) -> dict[str, Any]:
    """The same tensors, a batch each."""
    tensors = [torch.rand(length) for _ in range(count)]
    store = LocalStore(path)
    with Stopwatch() as watch:
        for n, tensor in enumerate(tensors):
            store.put_detector_metadata(RUN, n, {"n": n}, {"layer": {"key": tensor}})
    return watch.answer(done=count)


def disk(path: str) -> dict[str, Any]:
    files = [file for file in Path(path).rglob("*") if file.is_file()]
    return {"bytes": sum(file.stat().st_size for file in files), "files": len(files)}


if __name__ == "__main__":
    serve(
        {
            "version": version,
            "put": put,
            "list": list_,
            "iterate": iterate,
            "append": append,
            "put_large": put_large,
            "disk": disk,
        }
    )

"""The worker that keeps tensors in a graven store: the same work as `peers.mi_crow_worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import graven
from graven.testing.runs import sample_run
from peers.protocol import Stopwatch, serve

RUN = "run"


def _made(path: str) -> graven.Store:
    store = graven.init(path)
    store.save(sample_run(RUN))
    return store


def _small(count: int, length: int) -> list[Any]:
    return [np.full(length, n, "f4") for n in range(count)]


def _large(count: int, length: int) -> list[Any]:
    chance = np.random.default_rng(count)
    return [chance.random(length, "f4") for _ in range(count)]


def put(path: str, count: int, length: int) -> dict[str, Any]:
    """Batches of one tensor each, in one transaction."""
    arrays, store = _small(count, length), _made(path)
    with Stopwatch() as watch, store.tensors.writer(RUN) as writer:
        for n, array in enumerate(arrays):
            writer.put_batch(n, {"layer": array})
    store.close()
    return watch.answer(done=count)


def put_alone(path: str, count: int, length: int) -> dict[str, Any]:
    """The same, each durable on its own."""
    arrays, store = _small(count, length), _made(path)
    with Stopwatch() as watch:
        for n, array in enumerate(arrays):
            store.tensors.put_batch(RUN, n, {"layer": array})
    store.close()
    return watch.answer(done=count)


def list_(path: str) -> dict[str, Any]:
    store = graven.open(path)
    with Stopwatch() as watch:
        found = store.tensors.batches(RUN)
    store.close()
    return watch.answer(done=len(found))


def iterate(path: str) -> dict[str, Any]:
    store = graven.open(path)
    with Stopwatch() as watch:
        count = sum(1 for _ in store.tensors.iter_batches(RUN))
    store.close()
    return watch.answer(done=count)


def append(path: str, count: int, length: int) -> dict[str, Any]:
    """Tensors of a whole run, one call each."""
    arrays, store = _large(count, length), _made(path)
    with Stopwatch() as watch:
        for n, array in enumerate(arrays):
            store.tensors.append(RUN, {"n": n}, {"layer": {"key": array}})
    store.close()
    return watch.answer(done=count)


def put_large(path: str, count: int, length: int) -> dict[str, Any]:
    """The same arrays, a batch each."""
    arrays, store = _large(count, length), _made(path)
    with Stopwatch() as watch:
        for n, array in enumerate(arrays):
            store.tensors.put_batch(RUN, n, {"layer": {"key": array}}, {"n": n})
    store.close()
    return watch.answer(done=count)


def disk(path: str) -> dict[str, Any]:
    files = [file for file in Path(path, "packs").iterdir() if file.is_file()]
    return {"bytes": sum(file.stat().st_size for file in files), "files": len(files)}


if __name__ == "__main__":
    serve(
        {
            "put": put,
            "put_alone": put_alone,
            "list": list_,
            "iterate": iterate,
            "append": append,
            "put_large": put_large,
            "disk": disk,
        }
    )

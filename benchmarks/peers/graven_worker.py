"""The worker that runs graven: the same operations as the calibrax worker, and more."""

from __future__ import annotations

import platform
import statistics
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import graven
import workload
from graven import Run
from peers.protocol import Stopwatch, serve

_runs: list[Run] = []


def version() -> dict[str, Any]:
    return {"graven": graven.__version__, "python": platform.python_version()}


def prepare(**arguments: Any) -> dict[str, Any]:
    """Build Run objects of the workload, untimed; the next `save` or `batch` saves them."""
    _runs[:] = [Run.from_dict(record) for record in workload.records(**arguments)]
    return {"runs": len(_runs)}


def save(path: str, fsync: bool = True, views: bool = True) -> dict[str, Any]:
    """Save one at a time; the first save of a session is part of it."""
    store = _open(path, fsync=fsync, views=views)
    with Stopwatch() as watch:
        for run in _runs:
            store.save(run)
    return watch.answer(done=len(_runs))


def save_threads(path: str, threads: int) -> dict[str, Any]:
    """Save the prepared runs from several threads of one store."""
    store = _open(path)
    shares = [_runs[start::threads] for start in range(threads)]

    def work(share: list[Run]) -> None:
        for run in share:
            store.save(run)

    workers = [threading.Thread(target=work, args=(share,)) for share in shares]
    with Stopwatch() as watch:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return watch.answer(done=len(_runs))


def batch(path: str, views: bool = True) -> dict[str, Any]:
    """Save all prepared runs as one commit; with ``views`` also views and catalog."""
    store = _open(path, views=views)
    with Stopwatch() as watch:
        with store.batch() as batch:
            for run in _runs:
                batch.save(run)
        if views:
            _catch_up(store)
    return watch.answer(done=len(_runs))


def fill(path: str, n: int, rounded: bool = False) -> dict[str, Any]:
    """A store of ``n`` runs without views, in batches of 10,000; untimed."""
    store = _open(path, views=False)
    for first in range(0, n, 10_000):
        with store.batch() as batch:
            for record in workload.records(n, first=first, count=10_000, rounded=rounded):
                batch.save(Run.from_dict(record))
    _catch_up(store)
    store.close()
    return {"runs": n}


def latest(path: str) -> dict[str, Any]:
    return _ask(path, lambda store: [store.latest()])


def query(path: str) -> dict[str, Any]:
    return _ask(path, lambda store: store.query(**workload.RARE_TAG))


def branch(path: str) -> dict[str, Any]:
    return _ask(path, lambda store: store.headers(branch=workload.RARE_BRANCH))


def trend(path: str) -> dict[str, Any]:
    return _ask(path, lambda store: store.extract_trend(**workload.TREND, n_runs=100).points)


def list_runs(path: str) -> dict[str, Any]:
    return _ask(path, lambda store: store.list_runs())


def _ask(path: str, question: Callable[[graven.Store], Sequence[Any]]) -> dict[str, Any]:
    """Open the store and ask; then ask again on the open store.

    A quick question is asked up to nine times, each time of a new handle, and the median is
    the answer: a single one of a few milliseconds tells of the machine's mood.
    """
    answers: list[dict[str, Any]] = []
    while len(answers) < 9 and sum(answer["wall"] for answer in answers) < 0.2:
        with Stopwatch() as watch:
            store = graven.open(path)
            rows = len(question(store))
        with Stopwatch() as again:
            question(store)
        answers.append(watch.answer(rows=rows, again=again.wall))
        store.close()
    middle = sorted(answers, key=lambda answer: answer["wall"])[len(answers) // 2]
    return {**middle, "again": statistics.median(answer["again"] for answer in answers)}


def reindex(path: str) -> dict[str, Any]:
    """Build the catalog anew from the packs alone."""
    store = graven.open(path)
    with Stopwatch() as watch:
        store.reindex()
    done = store.count()
    store.close()  # SQLite's log is part of the catalog until then
    return watch.answer(done=done)


def disk(path: str) -> dict[str, Any]:
    """Bytes by part of the store."""
    root = Path(path)
    parts = {
        part: sum(f.stat().st_size for f in (root / part).rglob("*") if f.is_file())
        for part in ("packs", "cache", "runs")
    }
    everything = sum(f.stat().st_size for f in root.rglob("*") if f.is_file())
    return {**parts, "rest": everything - sum(parts.values())}


def records(path: str, count: int, size: int) -> dict[str, Any]:
    """A store of ``count`` blobs of ``size`` bytes that do not compress; untimed."""
    import random

    draw = random.Random(11)
    store = _open(path, views=False)
    for first in range(0, count, 50_000):
        with store.batch() as batch:
            for _ in range(first, min(count, first + 50_000)):
                batch.put_object(draw.randbytes(size))
    return {"done": count}


def fsck(path: str, count: int) -> dict[str, Any]:
    store = graven.open(path)
    with Stopwatch() as watch:
        report = store.fsck(level="full")
    return watch.answer(done=count, ok=report.ok)


def _catch_up(store: graven.Store) -> None:
    """Bring the whole catalog up to date: runs by their headers, values by a trend."""
    store.headers(limit=1)
    store.extract_trend(**workload.TREND, n_runs=1)


def _open(path: str, *, fsync: bool = True, views: bool = True) -> graven.Store:
    store = graven.Store(path, durable=fsync)
    if not views and store.config.get("views", "all") != "none":
        store.config.set("views", "none")
    return store


if __name__ == "__main__":
    serve(
        {
            operation.__name__: operation
            for operation in (
                version,
                prepare,
                save,
                save_threads,
                batch,
                fill,
                latest,
                query,
                branch,
                trend,
                list_runs,
                reindex,
                disk,
                records,
                fsck,
            )
        }
    )

"""The worker that runs graven on a bucket. How to reach it stands in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import graven
import workload
from graven import Run
from graven.sync.cloning import clone as clone_store
from graven.sync.transfer import transfer
from peers.at_once import write_at_once
from peers.protocol import Stopwatch, serve

_open: dict[str, graven.Store] = {}
_files: list[BinaryIO] = []


def version() -> dict[str, Any]:
    return {"graven": graven.__version__}


def client(url: str) -> dict[str, Any]:
    """The class that talks to a bucket."""
    from graven.backends import open_backend

    return {"client": type(getattr(open_backend(url), "driver", None)).__name__}


def init(url: str) -> dict[str, Any]:
    with Stopwatch() as watch:
        graven.init(url).close()
    return watch.answer()


def save(
    url: str, first: int = 0, count: int = 1, views: str | None = None, keep: bool = False
) -> dict[str, Any]:
    """Save one by one; with ``keep`` on the handle that an earlier call kept."""
    runs = _runs(first + count)[first:]
    with Stopwatch() as watch:
        store = _store(url, keep, views=views)
        for run in runs:
            store.save(run)
    return watch.answer(done=count)


def batch(url: str, n: int, views: str | None = None) -> dict[str, Any]:
    """Save ``n`` runs as one commit."""
    runs = _runs(n)
    with Stopwatch() as watch:
        store = graven.open(url, views=views)
        with store.batch() as batch:
            for run in runs:
                batch.save(run)
    return watch.answer(done=n)


def fill_local(path: str, n: int) -> dict[str, Any]:
    """A store of ``n`` runs on the local disk; untimed."""
    store = graven.open(path, create=True, views="none")
    with store.batch() as batch:
        for run in _runs(n):
            batch.save(run)
    store.headers(limit=1)
    store.close()
    return {"done": n}


def push(path: str, url: str, keep: bool = False) -> dict[str, Any]:
    """Send what a local store has and the bucket lacks."""
    with Stopwatch() as watch:
        source = graven.open(path, views="none")
        report = transfer(source, _store(url, keep, views="none"))
    return watch.answer(done=len(report.runs), packs=report.packs, conflicts=len(report.conflicts))


def clone(url: str, path: str, views: str) -> dict[str, Any]:
    """A new local store with all runs of the bucket."""
    with Stopwatch() as watch:
        _, report = clone_store(url, path, views=views)
    return watch.answer(done=len(report.runs))


def set_baseline(url: str, run: int, keep: bool = True) -> dict[str, Any]:
    """Let a baseline stand for a run of the workload."""
    run_id = _runs(run + 1)[run].id
    with Stopwatch() as watch:
        _store(url, keep, views="none").baselines.set("main", run_id)
    return watch.answer()


def write(url: str, writers: int, each: int, folder: str) -> dict[str, Any]:
    """Save from cold clients at once, one by one."""
    runs = _runs(writers * each)

    def open_client(number: int) -> Any:
        return graven.open(url, views="none", cache_dir=f"{folder}/{number}").save

    answer: dict[str, Any] = write_at_once(runs, writers, open_client)
    return answer


def kept(url: str, folder: str) -> dict[str, Any]:
    """How many runs a client that knew nothing sees."""
    return {"done": graven.open(url, readonly=True, cache_dir=f"{folder}/reader").count()}


def attach_file(url: str, path: str) -> dict[str, Any]:
    """Make a store with one run, and keep a file beside it."""
    store = graven.init(url)
    store.save(_runs(1)[0])
    with Stopwatch() as watch:
        store.attach(_runs(1)[0].id, "artifacts/x", Path(path))
    return watch.answer()


def open_file(url: str) -> dict[str, Any]:
    """Open that file, and keep it open."""
    with Stopwatch() as watch:
        _files.append(graven.open(url).open_attachment(_runs(1)[0].id, "artifacts/x"))
    return watch.answer()


def read_file(offset: int, size: int) -> dict[str, Any]:
    """Read somewhere in the file that was opened."""
    with Stopwatch() as watch:
        _files[-1].seek(offset)
        piece = _files[-1].read(size)
    return watch.answer(done=len(piece))


def _store(url: str, keep: bool, **options: Any) -> graven.Store:
    """A new handle; with ``keep`` that of an earlier call, if there was one."""
    if not keep:
        return graven.open(url, **options)
    if url not in _open:
        _open[url] = graven.open(url, **options)
    return _open[url]


_made: list[Run] = []


def _runs(n: int) -> list[Run]:
    """The first runs of the workload, the same whatever ``n`` is."""
    size = 10_000
    if len(_made) < n:
        more = workload.records(max(size, n), first=len(_made), count=n - len(_made))
        _made.extend(Run.from_dict(record) for record in more)
    return _made[:n]


if __name__ == "__main__":
    serve(
        {
            operation.__name__: operation
            for operation in (
                version,
                client,
                init,
                save,
                batch,
                fill_local,
                push,
                clone,
                set_baseline,
                write,
                kept,
                attach_file,
                open_file,
                read_file,
            )
        }
    )

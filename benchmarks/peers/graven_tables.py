"""The worker that scans tables of a graven store: the same work as `peers.tiered_worker`.

Each answer is that of a new handle: the store is opened, its catalog brought up to date.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import graven
from graven.testing.runs import sample_run
from peers import snapshots
from peers.protocol import Stopwatch, serve


def fill(path: str, count: int, rows: int) -> dict[str, Any]:
    """Runs, and their tables in one transaction."""
    store = graven.init(path, views="none")
    found = list(snapshots.tables(count, rows))
    with store.batch() as batch:
        for number, (run_id, _) in enumerate(found):
            batch.save(sample_run(run_id, branch="main", experiment=f"e{number % 10}"))
    with Stopwatch() as watch, store.batch() as batch:
        for run_id, table in found:
            batch.put_table(run_id, snapshots.NAME, table)
    store.close()
    return watch.answer(done=count)


def put_alone(path: str, count: int, rows: int) -> dict[str, Any]:
    """Tables of another name, each durable on its own."""
    store = graven.open(path, views="none")
    found = list(snapshots.tables(count, rows))
    with Stopwatch() as watch:
        for run_id, table in found:
            store.put_table(run_id, "alone", table.slice(1))
    store.close()
    return watch.answer(done=count)


def scan(path: str, count: int, rows: int) -> dict[str, Any]:
    with Stopwatch() as watch:
        store = graven.open(path)
        table = store.scan(snapshots.NAME).to_table()
    store.close()
    return watch.answer(rows=snapshots.checked(table, count, rows))


def cold(path: str, count: int, rows: int) -> dict[str, Any]:
    """With no segments: as the first scan of all."""
    shutil.rmtree(Path(path, "cache", "tables"), ignore_errors=True)
    return scan(path, count, rows)


def column(path: str, count: int, rows: int) -> dict[str, Any]:
    with Stopwatch() as watch:
        store = graven.open(path)
        dataset = store.scan(snapshots.NAME, columns=["total_value"])
        table = dataset.to_table(columns=["run_id", "total_value"])
    store.close()
    return watch.answer(rows=snapshots.checked(table, count, rows))


def one(path: str, count: int, rows: int) -> dict[str, Any]:
    wanted = snapshots.run_ids(count)[count // 2]
    with Stopwatch() as watch:
        store = graven.open(path)
        table = store.scan(snapshots.NAME, {"run_id": wanted}).to_table()
    store.close()
    assert table.num_rows == rows
    return watch.answer(rows=table.num_rows)


if __name__ == "__main__":
    serve(
        {
            "fill": fill,
            "put_alone": put_alone,
            "scan": scan,
            "cold": cold,
            "column": column,
            "one": one,
        }
    )

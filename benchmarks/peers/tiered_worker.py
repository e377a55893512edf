"""The worker that scans with investing-algorithm-framework's LocalTieredStore.

Its interpreter has that, not graven. The files are laid out as its ``write`` lays them out
(one Parquet file a run and table, zstd), without the bundles beside them, which its scan does
not open; the scan is its own.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from investing_algorithm_framework.services.backtest_store.local_tiered_store import (
    LocalTieredStore,
)

from peers import snapshots
from peers.protocol import Stopwatch, serve


def version() -> dict[str, Any]:
    return {
        "investing-algorithm-framework": metadata.version("investing-algorithm-framework"),
        "its pyarrow": metadata.version("pyarrow"),
    }


def fill(path: str, count: int, rows: int) -> dict[str, Any]:
    store = LocalTieredStore(path)
    found = list(snapshots.tables(count, rows))
    with Stopwatch() as watch:
        for run_id, table in found:
            folder = store.root / "parquet" / snapshots.NAME / f"run_id={run_id}"
            folder.mkdir(parents=True)
            pq.write_table(table, folder / "part-0.parquet", compression="zstd")
    return watch.answer(done=count)


def scan(path: str, count: int, rows: int) -> dict[str, Any]:
    with Stopwatch() as watch:
        table = LocalTieredStore(path).scan(snapshots.NAME).to_table()
    return watch.answer(rows=snapshots.checked(table, count, rows))


def column(path: str, count: int, rows: int) -> dict[str, Any]:
    with Stopwatch() as watch:
        dataset = LocalTieredStore(path).scan(snapshots.NAME)
        table = dataset.to_table(columns=["run_id", "total_value"])
    return watch.answer(rows=snapshots.checked(table, count, rows))


def one(path: str, count: int, rows: int) -> dict[str, Any]:
    wanted = snapshots.run_ids(count)[count // 2]
    with Stopwatch() as watch:
        dataset = LocalTieredStore(path).scan(snapshots.NAME)
        table = dataset.to_table(filter=ds.field("run_id") == wanted)
    assert table.num_rows == rows
    return watch.answer(rows=table.num_rows)


if __name__ == "__main__":
    serve({"version": version, "fill": fill, "scan": scan, "column": column, "one": one})

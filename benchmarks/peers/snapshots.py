"""The tables that both scan: snapshots of a portfolio, as a backtest leaves them."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

NAME = "portfolio_snapshots"
VALUES = ("total_value", "net_size", "unallocated", "total_net_gain", "cash_flow", "pending_value")


def run_ids(count: int) -> list[str]:
    return [f"backtest-{number:05}" for number in range(count)]


def tables(count: int, rows: int) -> Any:
    """``(run id, table)`` of each run; the same in every process."""
    chance = random.Random(20261121)
    for run_id in run_ids(count):
        start = 1_700_000_000_000 + chance.randrange(10**9)
        columns: dict[str, Any] = {
            "created_at": pa.array([start + 3_600_000 * n for n in range(rows)], pa.timestamp("ms"))
        }
        for name in VALUES:
            columns[name] = [chance.gauss(1000.0, 50.0) for _ in range(rows)]
        columns["window_name"] = [f"window-{n * 4 // rows}" for n in range(rows)]
        yield run_id, pa.table(columns)


def checked(table: pa.Table, count: int, rows: int) -> int:
    """The number of rows of a whole scan; whoever answers less has not done the work."""
    assert table.num_rows == count * rows, table.num_rows
    assert len(set(table.column("run_id").to_pylist())) == count
    return int(table.num_rows)

"""The worker that indexes, lists and ranks backtests with investing-algorithm-framework.

Its interpreter has that, not graven. Its own functions write the bundles, build the index,
list and rank. Two things are ours, so that filling takes minutes instead of hours: of a toy
bundle, written by it once, the numbers are exchanged and the rest packed again (zstd level 3
in place of 19, which no reader is slower for); and real-shape bundles are copies of a few.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgpack
import zstandard
from investing_algorithm_framework.cli.index_command import build_index, list_index, rank_index
from investing_algorithm_framework.domain.backtesting.backtest import Backtest
from investing_algorithm_framework.domain.backtesting.backtest_index_row import BacktestIndexRow
from investing_algorithm_framework.domain.backtesting.backtest_metrics import BacktestMetrics
from investing_algorithm_framework.domain.backtesting.backtest_run import BacktestRun
from investing_algorithm_framework.domain.backtesting.backtest_summary_metrics import (
    BacktestSummaryMetrics,
)
from investing_algorithm_framework.domain.models.portfolio import PortfolioSnapshot
from investing_algorithm_framework.services.backtest_index import SqliteBacktestIndex

from peers import backtests
from peers.protocol import Stopwatch, serve

_HEAD = 8  # bytes before the packed part of a bundle
_REAL = 3  # bundles of real shape that are written; the others are copies


def version() -> dict[str, Any]:
    from importlib import metadata

    assert tuple(f.name for f in fields(BacktestSummaryMetrics)) == backtests.METRICS
    return {"investing-algorithm-framework": metadata.version("investing-algorithm-framework")}


def fill_toy(path: str, count: int) -> dict[str, Any]:
    """Bundles of 2 runs with 2 snapshots each, as in the peer's own benchmark."""
    folder = Path(path)
    folder.mkdir()
    model = _write(folder / "model.iafbt", 0, 4)
    head, body = model[:_HEAD], model[_HEAD:]
    document = msgpack.unpackb(zstandard.decompress(body), raw=False, strict_map_key=False)
    (folder / "model.iafbt").unlink()
    summary = next(key for key in ("backtest_summary", "vector_metrics") if document.get(key))
    packer = zstandard.ZstdCompressor(level=3)
    for number in range(count):
        name = backtests.name_of(number)
        document["algorithm_id"] = name
        document[summary].update(backtests.numbers_of(number))
        packed = packer.compress(msgpack.packb(document, use_bin_type=True))
        (folder / f"{name}.iafbt").write_bytes(head + packed)
    return {"bytes": len(model)}


def fill_real(path: str, count: int, snapshots: int) -> dict[str, Any]:
    """Bundles with so many hourly snapshots, in two runs, and the series that go with them."""
    folder = Path(path)
    folder.mkdir()
    size = 0
    for number in range(count):
        target = folder / f"{backtests.name_of(number)}.iafbt"
        if number < _REAL:
            size = len(_write(target, number, snapshots))
        else:
            shutil.copyfile(folder / f"{backtests.name_of(number % _REAL)}.iafbt", target)
    return {"bytes": size}


def _write(path: Path, number: int, snapshots: int) -> bytes:
    found = backtests.snapshots_of(number, snapshots)
    half = snapshots // 2
    backtest = Backtest(
        algorithm_id=backtests.name_of(number),
        backtest_runs=[_run(found[:half]), _run(found[half:])],
        backtest_summary=BacktestSummaryMetrics(**backtests.numbers_of(number)),
        risk_free_rate=0.02,
    )
    backtest.save_bundle(str(path))
    return path.read_bytes()


def _run(found: list[Any]) -> BacktestRun:
    curve = [(value, when) for when, value, _ in found]
    ends = {"backtest_start_date": found[0][0], "backtest_end_date": found[-1][0]}
    return BacktestRun(
        **ends,
        trading_symbol="EUR",
        initial_unallocated=1000.0,
        created_at=backtests.BEGIN,
        portfolio_snapshots=[
            PortfolioSnapshot(
                portfolio_id="1",
                trading_symbol="EUR",
                pending_value=0.0,
                unallocated=cash,
                net_size=1000.0,
                total_net_gain=0.0,
                total_revenue=0.0,
                total_cost=0.0,
                total_value=value,
                cash_flow=0.0,
                created_at=when,
            )
            for when, value, cash in found
        ],
        backtest_metrics=BacktestMetrics(
            **ends,
            equity_curve=curve,
            drawdown_series=curve,
            cumulative_return_series=curve,
            rolling_sharpe_ratio=curve,
        ),
    )


def cold(path: str) -> dict[str, Any]:
    Path(path, "index.sqlite").unlink(missing_ok=True)
    return refresh(path)


def refresh(path: str) -> dict[str, Any]:
    with Stopwatch() as watch:
        build_index(path)
    return watch.answer()


def fill_index(path: str, count: int) -> dict[str, Any]:
    """An index without bundles, for questions that read nothing else."""
    folder = Path(path)
    folder.mkdir()

    def rows() -> Iterator[BacktestIndexRow]:
        for number in range(count):
            name = backtests.name_of(number)
            summary = BacktestSummaryMetrics(**backtests.numbers_of(number))
            yield BacktestIndexRow(
                algorithm_id=name, bundle_path=f"{name}.iafbt", summary_metrics=summary
            )

    with SqliteBacktestIndex.create(folder / "index.sqlite") as index:
        index.upsert_many(rows())
    return {"done": count}


def top(path: str) -> dict[str, Any]:
    with Stopwatch() as watch:
        rows = list_index(path, sort_by=backtests.BEST_BY, limit=20)
    return watch.answer(names=[row["algorithm_id"] for row in rows])


def rank(path: str) -> dict[str, Any]:
    weights = {k: -w if k in backtests.LOWER else w for k, w in backtests.WEIGHTS.items()}
    with Stopwatch() as watch:
        rows = rank_index(path, weights=weights, limit=20)
    return watch.answer(names=[row["algorithm_id"] for row in rows])


if __name__ == "__main__":
    operations = (version, fill_toy, fill_real, fill_index, cold, refresh, top, rank)
    serve({operation.__name__: operation for operation in operations})

"""The worker that does with graven what `peers.backtests_worker` does with its peer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import graven
from graven import Run
from graven.porcelain.rank import rank_runs
from peers import backtests
from peers.protocol import Stopwatch, serve

_AT_ONCE = 10_000
_ROW = 60  # seconds between runs
_QUICK = 9  # questions of a turn, of which the median counts


def fill(path: str, count: int, snapshots: int = 0) -> dict[str, Any]:
    """Runs of one point with 55 metrics; with ``snapshots`` a table beside each."""
    store = graven.init(path, views="none")
    for first in range(0, count, _AT_ONCE):
        with store.batch() as batch:
            for number in range(first, min(count, first + _AT_ONCE)):
                run = Run.from_dict(_record(number))
                batch.save(run)
                if snapshots:
                    batch.put_table(run.id, "snapshots", _table(number, snapshots))
    store.top(backtests.BEST_BY, 1)
    store.close()
    return {"bytes": sum(f.stat().st_size for f in Path(path).rglob("*") if f.is_file()) // count}


def _record(number: int) -> dict[str, Any]:
    values = backtests.numbers_of(number)
    return {
        "id": backtests.name_of(number),
        "timestamp": (backtests.BEGIN + timedelta(seconds=_ROW * number)).isoformat(),
        "environment": {},
        "metric_defs": {
            name: {"name": name, "unit": "", "direction": _direction(name)} for name in values
        },
        "points": [
            {
                "name": "summary",
                "scenario": "backtest",
                "tags": {},
                "metrics": {name: {"value": value} for name, value in values.items()},
            }
        ],
    }


def _direction(name: str) -> str:
    return "lower" if name in backtests.LOWER else "higher"


def _table(number: int, snapshots: int) -> dict[str, list[Any]]:
    found = backtests.snapshots_of(number, snapshots)
    return {
        "created_at": [when for when, _, _ in found],
        "total_value": [value for _, value, _ in found],
        "unallocated": [cash for _, _, cash in found],
    }


def cold(path: str) -> dict[str, Any]:
    """The catalog built from the packs, labels and values, by a new handle."""
    shutil.rmtree(Path(path, "cache"))
    with Stopwatch() as watch:
        store = graven.open(path)
        store.extract_trend(metric=backtests.BEST_BY, point_name="summary", tags={}, n_runs=1)
    store.close()
    return watch.answer()


def refresh(path: str) -> dict[str, Any]:
    """Nothing is new: a new handle finds that out and has its first answer ready."""
    return _often(path, lambda store: store.latest() and [])


def top(path: str) -> dict[str, Any]:
    def ask(store: graven.Store) -> list[str]:
        return [row.header.run_id for row in store.top(backtests.BEST_BY, 20)]

    return _often(path, ask)


def rank(path: str) -> dict[str, Any]:
    def ask(store: graven.Store) -> list[str]:
        ranked = rank_runs(store, backtests.WEIGHTS, top=20)
        return [row.header.run_id for row in ranked.runs]

    return _often(path, ask)


def _often(path: str, ask: Callable[[graven.Store], Any]) -> dict[str, Any]:
    """Each time of a new handle, and then again on the open store; medians."""
    answers: list[dict[str, Any]] = []
    again: list[float] = []
    while len(answers) < _QUICK and sum(answer["wall"] for answer in answers) < 0.5:
        with Stopwatch() as watch:
            store = graven.open(path)
            names = ask(store)
        with Stopwatch() as second:
            ask(store)
        store.close()
        answers.append(watch.answer(names=names))
        again.append(second.wall)
    middle = sorted(answers, key=lambda answer: answer["wall"])[len(answers) // 2]
    return {**middle, "again": sorted(again)[len(again) // 2]}


if __name__ == "__main__":
    operations = (fill, cold, refresh, top, rank)
    serve({operation.__name__: operation for operation in operations})

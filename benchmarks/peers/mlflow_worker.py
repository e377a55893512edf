"""The worker that asks MLflow's SQLite store; its interpreter has that, not graven.

Saving a run through its API takes 40 ms here, 400 s for the store. So the API saves one, and
its rows are copied with the labels and numbers of the others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.tracking import MlflowClient

import workload
from peers import mlflow_question as question
from peers.protocol import Stopwatch, serve


def version() -> dict[str, Any]:
    return {"mlflow": mlflow.__version__}


def fill(path: str, n: int) -> dict[str, Any]:
    """The runs of the workload: a metric for each of each point, labels as tags."""
    client = MlflowClient(f"sqlite:///{path}")
    made = client.create_run("0", run_name="model")
    client.set_terminated(made.info.run_id)
    database = sqlite3.connect(path)
    fields = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
    model = dict(zip(fields, database.execute("SELECT * FROM runs").fetchone(), strict=True))
    database.execute("DELETE FROM tags")
    database.execute("DELETE FROM runs")
    for record in workload.records(n):
        at = int(datetime.fromisoformat(record["timestamp"]).timestamp() * 1000)
        run = {**model, "run_uuid": record["id"].ljust(32, "0"), "name": record["id"]}
        _insert(database, "runs", {**run, "start_time": at, "end_time": at})
        for key, value in question.tags_of(record).items():
            _insert(database, "tags", {"key": key, "value": value, "run_uuid": run["run_uuid"]})
        for key, value in question.metrics_of(record).items():
            row = {"key": key, "value": value, "timestamp": at, "step": 0, "is_nan": 0}
            for table in ("metrics", "latest_metrics"):
                _insert(database, table, {**row, "run_uuid": run["run_uuid"]})
    database.commit()
    database.close()
    return {"bytes": Path(path).stat().st_size}


def _insert(database: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    names = ", ".join(row)
    database.execute(f"INSERT INTO {table}({names}) VALUES({marks})", list(row.values()))


def ask(path: str) -> dict[str, Any]:
    """The median of three on an open client."""
    client = MlflowClient(f"sqlite:///{path}")
    client.search_runs(["0"], max_results=1)
    answers: list[dict[str, Any]] = []
    for _ in range(3):
        with Stopwatch() as watch:
            found: Sequence[Any] = client.search_runs(
                ["0"],
                filter_string=question.MLFLOW_FILTER,
                order_by=[question.MLFLOW_ORDER],
                max_results=question.LIMIT,
            )
        answers.append(watch.answer(names=[run.info.run_name for run in found]))
    return sorted(answers, key=lambda answer: answer["wall"])[1]


if __name__ == "__main__":
    serve({"version": version, "fill": fill, "ask": ask})

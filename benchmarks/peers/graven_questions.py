"""The worker that asks graven in-process, on stores that stay open between questions."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import graven
import workload
from graven import Run
from graven.analysis.statistics.changepoints import change_points
from graven.porcelain.check import check as run_check
from graven.porcelain.log import log
from graven.porcelain.report import gather_report
from graven.report.html import render
from peers import graven_worker, mlflow_question
from peers.protocol import Stopwatch, serve

_QUICK = 15  # questions of a turn, of which the median counts
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
fill = graven_worker.fill


@cache
def _open(path: str) -> graven.Store:
    return graven.open(path)


QUESTIONS: dict[str, Callable[[graven.Store], Any]] = {
    "log": lambda store: list(log(store, limit=20).entries),
    "latest": lambda store: [store.latest()],
    "filter": lambda store: store.select(
        "branch = develop and metric.latency > 0.0036 and tag.device = gpu", limit=20
    ),
    "series": lambda store: store.extract_trend(**workload.TREND, n_runs=100).points,
    "top": lambda store: store.top("latency", 20, ascending=True),
    "mlflow": lambda store: store.select(
        mlflow_question.GRAVEN_FILTER,
        sort=mlflow_question.GRAVEN_ORDER,
        limit=mlflow_question.LIMIT,
    ),
}


def ask(path: str, question: str) -> dict[str, Any]:
    """The median of several on an open store that was asked the same before."""
    store, put = _open(path), QUESTIONS[question]
    put(store)
    answers: list[dict[str, Any]] = []
    while len(answers) < _QUICK and sum(answer["wall"] for answer in answers) < 0.5:
        with Stopwatch() as watch:
            found = put(store)
        answers.append(watch.answer(rows=len(found)))
    middle = sorted(answers, key=lambda answer: answer["wall"])[len(answers) // 2]
    middle["cpu"] = statistics.median(answer["cpu"] for answer in answers)
    if question == "mlflow":
        middle["names"] = [header.run_id for header in found]
    return middle


def whole(path: str) -> dict[str, Any]:
    """As the question of MLflow, and the runs themselves read as well: all their numbers."""
    store = _open(path)
    with Stopwatch() as watch:
        names = [header.run_id for header in QUESTIONS["mlflow"](store)]
        found = list(store.load_some(names))
    return watch.answer(rows=len(found))


def first(path: str, metric: str) -> dict[str, Any]:
    """The first question that orders by a metric: its ranking is made."""
    store = _open(path)
    with Stopwatch() as watch:
        found = store.top(metric, 20)
    return watch.answer(rows=len(found))


def steps(values: int, every: int = 0) -> dict[str, Any]:
    """Change points of noise, or of noise with a step every so many values."""
    draw = random.Random(5)
    level, series = 1.0, []
    for at in range(values):
        if every and at % every == 0:
            level = draw.uniform(1, 3)
        series.append(level * draw.lognormvariate(0, 0.1))
    with Stopwatch() as watch:
        found = change_points(series)
    return watch.answer(rows=len(found))


def fill_suite(path: str, runs: int, points: int, metrics: int, samples: int = 0) -> dict[str, Any]:
    """A history of one suite on one machine: noise of 3%, the baseline five runs back."""
    store = graven.init(path, views="none")
    with store.batch() as batch:
        for record in _suite(runs, points, metrics, samples):
            batch.save(Run.from_dict(record))
    store.baselines.set("main", f"suite-{runs - 5:05d}")
    store.top("metric-0", 1)
    store.close()
    return {"done": runs}


def _suite(runs: int, points: int, metrics: int, samples: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(17)
    names = [f"metric-{number}" for number in range(metrics)]

    def measured() -> dict[str, Any]:
        values = [draw.lognormvariate(0, 0.03) for _ in range(max(1, samples))]
        value = statistics.median(values)
        if samples:
            return {"value": value, "samples": values}
        return {"value": value, "lower": value * 0.98, "upper": value * 1.02}

    for number in range(runs):
        yield {
            "id": f"suite-{number:05d}",
            "timestamp": (_BEGIN + timedelta(hours=number)).isoformat(),
            "branch": "main",
            "environment": {"machine": "ci-1", "cpu": "EPYC", "cores": 4, "os": "Linux"},
            "metric_defs": {
                name: {"name": name, "unit": "s", "direction": "lower"} for name in names
            },
            "points": [
                {
                    "name": f"p{point}",
                    "scenario": "suite",
                    "tags": {"size": str(10 ** (point % 4))},
                    "metrics": {name: measured() for name in names},
                }
                for point in range(points)
            ],
        }


def check(path: str) -> dict[str, Any]:
    """The gate, on a new handle."""
    with Stopwatch() as watch:
        store = graven.open(path)
        found = run_check(store)
    store.close()
    assert found.result is not None
    return watch.answer(rows=len(found.result.comparison.rows))


def report(path: str, target: str) -> dict[str, Any]:
    """Gathered and rendered, on a new handle."""
    with Stopwatch() as watch:
        store = graven.open(path)
        gathered = gather_report(store)
        with Stopwatch() as drawing:
            page = render(gathered)
        with open(target, "w", encoding="utf-8") as out:
            out.write(page)
    store.close()
    shape = f"{len(gathered.runs):,} runs x {len(gathered.series)} series"
    return watch.answer(size=len(page.encode()), rendering=drawing.wall, shape=shape)


if __name__ == "__main__":
    operations = (fill, ask, whole, first, steps, fill_suite, check, report)
    serve({operation.__name__: operation for operation in operations})

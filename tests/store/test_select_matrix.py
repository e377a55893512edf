"""`Store.select_matrix`: held against medians taken from the runs themselves."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from graven import Store
from graven.errors import InvalidInput
from graven.model import Metric, Point, Run

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
METRICS = ["time", "memory", "loss", "rate"]


def make_run(number: int, draw: random.Random) -> Run:
    """Some metrics of some points, in an order of chance; at times none at all."""
    points = []
    for name in draw.sample(["a", "b", "c"], draw.randrange(4)):
        metrics = draw.sample(METRICS, draw.randrange(1, 5))
        values = {
            metric: Metric(value=draw.choice([draw.gauss(0, 1), math.nan])) for metric in metrics
        }
        points.append(Point(name=name, scenario="s", tags={}, metrics=values))
    branch = "few" if number % 20 == 7 else "main"
    return Run(
        id=f"run-{number:03d}",
        points=tuple(points),
        timestamp=BEGIN + timedelta(hours=draw.randrange(40)),
        branch=branch,
    )


def value_of(run: Run, wanted: str) -> float:
    """The median over points, as the documentation says it."""
    *path, metric = wanted.split("/")
    values = [
        point.metrics[metric].value
        for point in run.points
        if metric in point.metrics and path in ([], [point.name], [point.scenario, point.name])
    ]
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Run]]:
    draw = random.Random(11)
    runs = [make_run(number, draw) for number in range(120)]
    path = tmp_path_factory.mktemp("matrix") / "store"
    with closing(Store(path, views="none")) as store, store.batch() as batch:
        for run in runs:
            batch.save(run)
    return path, runs


@pytest.mark.parametrize("where", ["", "branch = few", "branch = main", "branch = none"])
@pytest.mark.parametrize(
    "metrics",
    [["time"], METRICS, ["rate", "loss", "memory", "time"], ["a/time", "s/b/loss", "rate"]],
)
def test_a_matrix_holds_the_medians(
    filled: tuple[Path, list[Run]], metrics: Sequence[str], where: str
) -> None:
    path, runs = filled
    by_id = {run.id: run for run in runs}
    with closing(Store(path)) as store:
        found = store.select_matrix(metrics, where)
        assert found.run_ids == store.select_ids(where)
        expected = [[value_of(by_id[one], metric) for metric in metrics] for one in found.run_ids]
    np.testing.assert_array_equal(found.values, np.array(expected).reshape(-1, len(metrics)))


def test_a_matrix_follows_sort_and_limit(filled: tuple[Path, list[Run]]) -> None:
    path, runs = filled
    by_id = {run.id: run for run in runs}
    with closing(Store(path)) as store:
        found = store.select_matrix(["loss"], sort="metric.loss", limit=9)
        assert found.run_ids == store.select_ids(sort="metric.loss", limit=9)
    assert found.values[:, 0].tolist() == [value_of(by_id[one], "loss") for one in found.run_ids]


def test_an_unknown_metric_is_named_with_the_nearest(filled: tuple[Path, list[Run]]) -> None:
    with closing(Store(filled[0])) as store:
        with pytest.raises(InvalidInput, match="no run has a metric 'lost'") as caught:
            store.select_matrix(["time", "lost"])
        assert "loss" in (caught.value.hint or "")
        with pytest.raises(InvalidInput, match="'s/d/time'"):
            store.select_matrix(["s/d/time"])


def test_of_a_store_without_runs_a_matrix_is_empty(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "store")) as store:
        found = store.select_matrix(["time"])
    assert found.run_ids == []
    assert found.values.shape == (0, 1)

"""Comparable runs, and their values by series."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import graven
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.model.machine import fingerprint
from graven.store.histories import Kin, comparable_runs, runs_of_commits, series_values

START = datetime(2026, 1, 1, tzinfo=UTC)
BOX = {"cpu": "Box", "cores": 4}
KEY = ("s", "p", (("n", "1"),), "time")


def make_run(number, value=1.0, *, unit="s", points=None, **fields):
    point = Point(
        name="p", scenario="s", tags={"n": "1"}, metrics={"time": Metric(value=float(value))}
    )
    given = {
        "id": f"r{number}",
        "timestamp": START + timedelta(hours=number),
        "branch": "main",
        "commit": f"{number:040x}",
        "environment": BOX,
        "metric_defs": {"time": MetricDef(name="time", unit=unit, direction=MetricDirection.LOWER)},
        "points": (point,) if points is None else points,
    }
    return Run(**{**given, **fields})


@pytest.fixture
def store(tmp_path):
    return graven.init(tmp_path / "store", durable=False)


def ids(runs):
    return [run.run_id for run in runs]


KIN = Kin(fingerprint(BOX))


def test_only_runs_that_share_all_are_comparable(store):
    with store.batch() as batch:
        batch.save(make_run(1))
        batch.save(make_run(2, branch="dev"))
        batch.save(make_run(3, branch=None))
        batch.save(make_run(4, environment={"cpu": "Other", "cores": 4}))
        batch.save(make_run(5, environment={}))
        batch.save(make_run(6, experiment="e"))
        batch.save(make_run(7, origin="simulated"))
        batch.save(make_run(8, status="failed"))
        batch.save(make_run(9))
        batch.save(make_run(10))
    store.delete("r10")
    assert ids(comparable_runs(store, KIN, branch="main", limit=99)) == ["r9", "r1"]
    assert ids(comparable_runs(store, KIN, branch="dev", limit=99)) == ["r2"]
    assert ids(comparable_runs(store, KIN, branch=None, limit=99)) == ["r3"]
    assert ids(comparable_runs(store, Kin(None), branch="main", limit=99)) == ["r5"]
    other = KIN._replace(experiment="e")
    assert ids(comparable_runs(store, other, branch="main", limit=99)) == ["r6"]
    other = KIN._replace(origin="simulated")
    assert ids(comparable_runs(store, other, branch="main", limit=99)) == ["r7"]


def test_spans_limits_and_order(store):
    with store.batch() as batch:
        for number in range(6):
            batch.save(make_run(number))

    def asked(**span):
        return ids(comparable_runs(store, KIN, branch="main", **{"limit": 99, **span}))

    hours = [START + timedelta(hours=number) for number in range(6)]
    assert asked(until=hours[3]) == ["r3", "r2", "r1", "r0"]
    assert asked(since=hours[3]) == ["r5", "r4", "r3"]
    assert asked(since=hours[3], oldest=True, limit=2) == ["r3", "r4"]
    assert asked(limit=2) == ["r5", "r4"]


def test_runs_of_commits_are_found_on_any_branch(store):
    with store.batch() as batch:
        batch.save(make_run(1))
        batch.save(make_run(2, branch="dev"))
        batch.save(make_run(3, commit=f"{1:040x}", branch="dev"))
        batch.save(make_run(4, commit="v1"))
    wanted = [f"{1:040x}", "v1", "ff" * 20]
    assert ids(runs_of_commits(store, KIN, wanted)) == ["r4", "r3", "r1"]
    assert runs_of_commits(store, KIN, []) == []


def test_values_of_all_series_come_in_the_order_asked(store):
    more = Point(name="q", scenario="s", metrics={"a": Metric(value=7.0), "time": Metric(value=8)})
    twice = make_run(3).points + make_run(3, 99.0).points
    with store.batch() as batch:
        batch.save(make_run(1, 1.5))
        batch.save(make_run(2, 2.5, unit="ms"))
        batch.save(make_run(3, points=(*twice, more)))
        batch.save(make_run(4, points=()))
    runs = comparable_runs(store, KIN, branch="main", limit=99, oldest=True)
    units = {("s", "q", (), "a"): None, KEY: "s", ("s", "nope", (), "x"): "s"}
    nan = np.nan
    assert series_values(store, runs, units) == pytest.approx(
        np.array([[nan, 1.5, nan], [nan, nan, nan], [7.0, 1.0, nan], [nan, nan, nan]]),
        nan_ok=True,
    )
    assert series_values(store, runs, {KEY: None})[1, 0] == 2.5
    assert series_values(store, [], units).shape == (0, 3)
    assert series_values(store, runs, {}).shape == (4, 0)

"""``graven rank``, presets and the Pareto front."""

from __future__ import annotations

import pytest

from graven.model import Metric, MetricDef, MetricDirection, Point


@pytest.fixture
def several(store, a_run):
    with store.batch() as batch:
        for number, time, rate in ((4, 0.5, 50.0), (5, 0.5, 50.0), (6, float("nan"), 500.0)):
            batch.save(a_run(number, time=time, rate=rate))
    return store


def order(answer):
    return [row[2] for row in answer.rows()[1:]]


def test_runs_in_order(call, several):
    assert order(call("rank", "time")) == ["r5", "r4", "r1", "r2", "r3", "r6"]
    assert order(call("rank", "rate", "-n", "2")) == ["r6", "r3"]
    assert order(call("rank", "time", "--direction", "time=higher"))[0] == "r3"


def test_a_run_without_a_value_has_no_score(call, several):
    answer = call("rank", "time")
    assert answer.rows()[-1][:3] == ["", "", "r6"]
    assert answer.err == "without a score, since time is no number there: r6\n"


def test_a_query_chooses(call, several):
    assert order(call("rank", "time", "-w", "metric.time < 1.2")) == ["r5", "r4", "r1", "r2"]
    answer = call("rank", "time", "-w", "branch = mian")
    assert (answer.code, answer.rows()) == (0, [])
    assert "mian" in answer.err
    assert call("rank", "time", "-w", "brunch = 1").code == 2


def test_the_front(call, several):
    answer = call("rank", "time", "rate", "--pareto")
    assert order(answer) == ["r5", "r4", "r1"]
    assert "not on the front, since time is no number there: r6" in answer.err


def test_presets_are_the_users_own(call, several):
    missing = call("rank", "--preset", "fast")
    assert missing.code == 3
    assert "graven config rank.fast" in missing.err
    assert call("config", "rank.fast", '{"time": 1, "rate": 0.5}').code == 0
    (record,) = call("rank", "--preset", "fast", "--json").records()
    assert [(m["name"], m["weight"]) for m in record["metrics"]] == [("time", 1.0), ("rate", 0.5)]
    assert record["metrics"][0]["direction"] == "lower"
    assert record["runs"][-1]["score"] is None
    assert "fast" in call("rank", "--preset", "fats").err


@pytest.mark.parametrize("value", ["5", '{"time": -1}', '{"time": "x"}', "{}"])
def test_presets_that_are_none_are_refused(call, store, value):
    assert call("config", "rank.bad", value).code == 2


@pytest.mark.parametrize(
    "words",
    [[], ["time=x"], ["time=0"], ["time", "time"], ["tiem"], ["time", "--direction", "rate=lower"],
     ["time", "--direction", "time=up"]],
)  # fmt: skip
def test_bad_words(call, store, words):
    assert call("rank", *words).code == 2


def test_nobody_said_which_way_is_better(call, store, a_run):
    known = MetricDef(
        name="size", unit="B", direction=MetricDirection.LOWER, direction_source="unknown"
    )
    point = Point(name="p", scenario="s", metrics={"size": Metric(value=3.0)})
    store.save(a_run(9, points=(point,), metric_defs={"size": known}))
    answer = call("rank", "size")
    assert answer.code == 2
    assert "--direction size=lower" in answer.err
    assert order(call("rank", "size", "--direction", "size=lower", "-w", "metric.size > 0")) == [
        "r9"
    ]


def test_units_and_opinions_that_differ_are_told(call, store, a_run):
    known = MetricDef(name="time", unit="ms", direction=MetricDirection.HIGHER)
    point = Point(name="p", scenario="s", metrics={"time": Metric(value=3.0)})
    store.save(a_run(9, points=(point,), metric_defs={"time": known}))
    err = call("rank", "time").err
    assert "several units ('s', 'ms')" in err
    assert "disagree on which way of time is better (lower, higher)" in err

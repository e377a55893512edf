"""``graven aggregate``."""

from __future__ import annotations

import pytest

from graven.model import Metric, Point


def test_a_comparison_summed_up(call, store):
    header, whole, *groups = call("aggregate", "r1", "r3", "--by", "metric").rows()
    assert header == ["group", "rows", "ratio", "gain", "rated", "directed", "excluded", "verdicts"]
    assert whole[:2] == ["", "2"]
    assert [group[0] for group in groups] == ["rate", "time"]
    assert float(groups[1][2]) == pytest.approx(1.5)
    assert float(groups[1][3]) == pytest.approx(1 / 1.5)


def test_against_the_baseline_unless_said_otherwise(call, store):
    missing = call("aggregate")
    assert missing.code == 3
    assert "baseline" in missing.err
    call("baseline", "set", "r1")
    (record,) = call("aggregate", "--json").records()
    assert (record["baseline"], record["current"]) == ("r1", "r3")
    assert record["shares"][0]["rows"] == 2


def test_what_has_no_ratio_is_told(call, store, a_run):
    store.save(a_run(4, time=0.0, rate=-1.0))
    row = call("aggregate", "r1", "r4").rows()[1]
    assert row[6] == "negative=1,zero=1"


def test_runs_by_branch(call, store, a_run):
    store.save(a_run(4, time=9.0, branch="dev"))
    header, first, second = call("aggregate", "--metric", "time").rows()
    assert header[:3] == ["group", "count", "median"]
    assert first[:3] == ["main", "3", "1.04"]
    assert second[:3] == ["dev", "1", "9.0"]
    assert len(call("aggregate", "--metric", "time", "-w", "branch = dev").rows()) == 2


def test_runs_by_what_their_points_and_parameters_say(call, store, a_run):
    points = tuple(
        Point(name="p", scenario="s", tags={"n": n}, metrics={"time": Metric(value=value)})
        for n, value in (("10", 2.0), ("10", 2.0), ("20", 5.0))
    )
    store.save(a_run(4, points=points, params={"lr": 0.1}))
    rows = call("aggregate", "--metric", "time", "--by", "tag.n").rows()[1:]
    assert [(row[0], row[1]) for row in rows] == [("10", "4"), ("20", "1")]
    rows = call("aggregate", "--metric", "time", "--by", "param.lr").rows()[1:]
    assert [(row[0], row[1]) for row in rows] == [("(none)", "3"), ("0.1", "1")]
    (record,) = call("aggregate", "--metric", "time", "--by", "commit", "--json").records()
    assert record["unit"] == "s"
    assert len(record["groups"]) == 4


@pytest.mark.parametrize(
    "words",
    [["--metric", "tiem"], ["--metric", "time", "--by", "x"], ["r1", "r2", "--by", "branch"],
     ["r1", "--metric", "time"], ["r1", "r2", "-w", "branch = main"],
     ["--metric", "time", "-w", "nonsense"], ["--metric", "time", "--by", "tag.nn"]],
)  # fmt: skip
def test_bad_usage(call, store, words):
    assert call("aggregate", *words).code == 2


def test_a_tag_of_a_metric_that_is_not_there(call, store):
    assert call("aggregate", "--metric", "tiem", "--by", "tag.n").code == 3


def test_no_run_fits(call, store):
    answer = call("aggregate", "--metric", "time", "-w", "branch = mian")
    assert (answer.code, answer.rows()) == (0, [])
    assert "mian" in answer.err

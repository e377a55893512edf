"""Geometric means, counts and buckets, and what has no place in them."""

import math

import pytest
from scipy import stats

from graven.analysis.aggregate import (
    BUCKETS,
    NO_GROUP,
    aggregate_rows,
    aggregate_values,
    geometric_mean,
    unusable,
)
from graven.analysis.comparison import Row, Verdict
from graven.errors import InvalidInput
from graven.model import MetricDirection

LOWER, HIGHER, INFO = MetricDirection.LOWER, MetricDirection.HIGHER, MetricDirection.INFO


def row(baseline, current, metric="time", direction=LOWER, source="declared", **more):
    facts = {"scenario": "s", "name": "p", "tags": {}, "verdict": Verdict.NO_CHANGE, **more}
    return Row(
        **facts, metric=metric, direction=direction, direction_source=source,
        baseline=baseline, current=current,
    )  # fmt: skip


def test_the_geometric_mean_is_that_of_scipy():
    values = [0.5, 3.0, 1e-200, 1e200]
    assert geometric_mean(values) == pytest.approx(stats.gmean(values))
    assert geometric_mean([1e308] * 5) == pytest.approx(1e308)
    assert geometric_mean([]) is None


def test_ratio_and_gain():
    (whole,) = aggregate_rows([row(1, 2), row(8, 4), row(1, 4)])
    assert whole.ratio == pytest.approx(4 ** (1 / 3))
    assert whole.gain == pytest.approx(4 ** (-1 / 3))
    assert (whole.rows, whole.rated, whole.directed) == (3, 3, 3)


def test_metrics_of_both_directions_have_a_gain_and_no_ratio():
    (whole,) = aggregate_rows([row(1, 2), row(1, 2, "rate", HIGHER)])
    assert whole.ratio is None
    assert whole.gain == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("direction", "source"), [(INFO, "declared"), (LOWER, "unknown"), (None, "unknown")]
)
def test_without_a_direction_there_is_no_gain(direction, source):
    (whole,) = aggregate_rows([row(1, 2, direction=direction, source=source)])
    assert (whole.ratio, whole.gain, whole.directed) == (pytest.approx(2.0), None, 0)
    assert sum(whole.better) + sum(whole.worse) == 0


def test_what_has_no_ratio_is_counted_by_its_reason():
    rows = [
        row(0, 1), row(1, 0), row(-1, 1), row(1, math.nan), row(math.inf, 1), row(None, 1),
        row(1, 1, verdict=Verdict.INCOMPARABLE), row(0, math.nan), row(1e-308, 1e308),
        Row(scenario="s", name="p", tags={}, verdict=Verdict.FAILED), row(1, 1),
    ]  # fmt: skip
    (whole,) = aggregate_rows(rows)
    assert whole.excluded == {
        "incomparable": 1, "infinite": 2, "missing": 1, "negative": 1, "no metric": 1,
        "not a number": 2, "zero": 2,
    }  # fmt: skip
    assert (whole.ratio, whole.rated, whole.rows) == (1.0, 1, 11)
    assert whole.verdicts == {"no-change": 9, "incomparable": 1, "failed": 1}


def test_changes_by_size():
    (whole,) = aggregate_rows([row(100, now) for now in (100, 100.5, 96, 110, 120, 180, 300)])
    assert len(whole.worse) == len(BUCKETS) + 1
    assert whole.worse == (1, 0, 1, 1, 1, 1)
    assert whole.better == (0, 1, 0, 0, 0, 0)
    assert whole.to_dict()["worse"][-1] == {"above": 1.0, "count": 1}


def test_groups():
    rows = [
        row(1, 2, scenario="b", tags={"k": "x"}),
        row(1, 3, scenario="a"),
        row(1, 4, scenario="b"),
    ]
    assert [(s.group, s.rows) for s in aggregate_rows(rows, "scenario")] == [
        ("", 3),
        ("a", 1),
        ("b", 2),
    ]
    assert [s.group for s in aggregate_rows(rows, "tag.k")] == ["", NO_GROUP, "x"]
    assert [s.group for s in aggregate_rows(rows, "metric")] == ["", "time"]
    assert [s.group for s in aggregate_rows(rows, "verdict")] == ["", "no-change"]
    for by in ("", "tag", "tag.", "branch"):
        with pytest.raises(InvalidInput, match="grouped"):
            aggregate_rows(rows, by)


def test_nothing_to_sum_up():
    (whole,) = aggregate_rows([])
    assert (whole.rows, whole.ratio, whole.gain) == (0, None, None)
    assert aggregate_values({}) == []


def test_values_by_group():
    found = aggregate_values({"a": [1.0, 4.0, math.nan, None, 0.0, -1.0, math.inf], "b": []})
    first, second = found
    assert (first.count, first.median, first.geometric_mean) == (4, 0.5, 2.0)
    assert (first.least, first.most) == (-1.0, 4.0)
    assert first.excluded == {
        "infinite": 1, "missing": 1, "negative": 1, "not a number": 1, "zero": 1,
    }  # fmt: skip
    assert (second.count, second.median, second.geometric_mean) == (0, None, None)
    assert aggregate_values({"a": [1.7e308, 1.7e308]})[0].median == 1.7e308


def test_reasons():
    assert unusable(1.0) is None
    assert unusable(-math.inf) == "infinite"

"""The shared half of a run."""

import pytest

from graven.errors import Corrupt
from graven.formats.definitions import (
    decode_definitions,
    decode_metric_defs,
    encode_definitions,
)
from graven.formats.envelope import seal
from graven.model import Metric, MetricDef, MetricDirection, Point

TIME = MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)


def body(**changes):
    point = {"metrics": ["a", "b"], "name": "p", "scenario": "s", "tags": {"k": "v"}}
    return {"metrics": {}, "points": [point | changes]}


def test_columns_are_counted_over_all_points():
    points = [
        Point(name="p", scenario="s", metrics={"b": Metric(value=1.0), "a": Metric(value=2.0)}),
        Point(name="q", scenario="s"),
        Point(name="r", scenario="s", metrics={"a": Metric(value=3.0)}),
    ]
    found = decode_definitions(encode_definitions(points, {"time": TIME}))
    assert [shape.metrics for shape in found.shapes] == [("a", "b"), (), ("a",)]
    assert found.width == 3
    assert found.metric_defs == {"time": TIME}


def test_the_metrics_are_read_without_the_points():
    data = encode_definitions([Point(name="p", scenario="s")], {"time": TIME})
    assert decode_metric_defs(data) == decode_definitions(data).metric_defs
    with pytest.raises(Corrupt):
        decode_metric_defs(seal("definitions", {"metrics": {"a": 5}, "points": []}))


def test_a_definition_under_another_name_keeps_its_own():
    found = decode_definitions(encode_definitions([], {"key": TIME}))
    assert found.metric_defs == {"key": TIME}


def test_a_well_formed_body_is_read():
    shape = decode_definitions(seal("definitions", body(estimators={"a": "min"}))).shapes[0]
    assert (shape.name, shape.estimators) == ("p", {"a": "min"})


@pytest.mark.parametrize(
    "bad",
    [
        body(metrics=["a", "a"]),
        body(metrics=[1]),
        body(metrics="ab"),
        body(metrics=None),
        body(tags={"k": 1}),
        body(tags=[["k", "v"]]),
        body(name=1),
        body(version=1),
        body(estimators={"z": "min"}),
        body(estimators={"a": 1}),
        {"metrics": {}, "points": [{}]},
        {"metrics": {}, "points": {"a": 1}},
        {"metrics": {}, "points": [1]},
        {"metrics": {"t": {"unit": "s"}}, "points": []},
        {"metrics": {"t": {"unit": "s", "direction": "up"}}, "points": []},
        {"metrics": [], "points": []},
        {"points": []},
        [],
        None,
    ],
    ids=repr,
)
def test_a_malformed_body_is_corrupt(bad):
    with pytest.raises(Corrupt):
        decode_definitions(seal("definitions", bad))

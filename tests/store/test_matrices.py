"""All series at once, against what single questions answer; what metrics mean."""

import math

import pytest

from graven.formats.columns import pack_floats, to_planes
from graven.model import Metric, MetricDef, MetricDirection, Point
from graven.store.matrices import unpack
from graven.testing.runs import sample_run


def points(*values, name="p"):
    return tuple(
        Point(name=name, scenario="s", tags={"k": str(at)}, metrics={"time": Metric(value=value)})
        for at, value in enumerate(values)
    )


def test_every_series_is_what_a_trend_says(store):
    for at in range(6):
        store.save(sample_run(f"r{at}", 1.0 + at, minute=at, branch="dev" if at == 3 else "main"))
    table = store.series_table()
    assert list(table.names()) == store.series()
    for name in table.names():
        found = table.series(name)
        trend = store.extract_trend(name.metric, name.name, name.tags, scenario=name.scenario)
        assert [table.runs[row].run_id for row in found.rows] == [p.run_id for p in trend.points]
        assert found.values.tolist() == [p.value for p in trend.points]
    assert len(store.series_table(branch="main").runs) == 5


def test_runs_of_other_suites_are_joined_in_time(store):
    for at in range(8):
        more = points(*range(1, 2 + at % 3))
        store.save(sample_run(f"r{at}", minute=at, points=more))
    table = store.series_table()
    first = next(name for name in table.names() if name.tags == {"k": "0"})
    assert table.series(first).rows.tolist() == list(range(8))
    third = next(name for name in table.names() if name.tags == {"k": "2"})
    assert table.series(third).rows.tolist() == [2, 5]


def test_values_in_another_unit_are_another_series(store):
    for at in range(4):
        unit = "ms" if at < 1 else "s"
        known = MetricDef(name="time", unit=unit, direction=MetricDirection.LOWER)
        store.save(sample_run(f"r{at}", minute=at, points=points(1.0), metric_defs={"time": known}))
    table = store.series_table()
    (name,) = table.names()
    found = table.series(name)
    assert found.rows.tolist() == [1, 2, 3]
    assert found.other_units == {"ms": 1}
    assert found.definition.unit == "s"


def test_two_opinions_on_what_is_better_are_told(store):
    for at, way in enumerate((MetricDirection.LOWER, MetricDirection.HIGHER)):
        known = MetricDef(name="time", unit="s", direction=way)
        store.save(sample_run(f"r{at}", minute=at, points=points(1.0), metric_defs={"time": known}))
    table = store.series_table()
    (name,) = table.names()
    assert table.series(name).directions == ("higher", "lower")
    assert table.series(name).definition.direction is MetricDirection.HIGHER
    meaning = store.metric_meanings(["time", "none"])["time"]
    assert (meaning.units, meaning.directions) == (("s",), ("lower", "higher"))
    assert meaning.definition.direction is MetricDirection.HIGHER


def test_an_empty_store(store):
    table = store.series_table()
    assert (len(table), table.runs, list(table.names())) == (0, [], [])
    assert store.metric_meanings(["time"]) == {}


@pytest.mark.parametrize("values", [[1.5], [0.1, -2.0, math.inf, 1e-310]])
def test_planes_are_unpacked(values):
    planes = to_planes(pack_floats(values))
    assert unpack([planes, planes]).tolist() == [values, values]

"""Values of one series over runs that disagree on its unit."""

from datetime import UTC, datetime, timedelta

from graven import Store
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.trend import trend

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(at, value, unit, branch="main"):
    time = MetricDef(name="time", unit=unit, direction=MetricDirection.LOWER)
    point = Point(name="p", scenario="s", metrics={"time": Metric(value=value)})
    return Run(
        id=f"r{at}", timestamp=START + timedelta(days=at), points=(point,), branch=branch,
        metric_defs={"time": time},
    )  # fmt: skip


def test_values_in_another_unit_are_left_out_and_counted(tmp_path):
    store = Store(tmp_path / "store", durable=False)
    with store.batch() as batch:
        for at in range(3):
            batch.save(run(at, 1.5, "s"))
        batch.save(run(3, 1500.0, "ms", branch="dev"))
        batch.save(run(4, 1600.0, "ms", branch="dev"))
    (mixed,) = trend(store, "time").trends
    assert [point.value for point in mixed.series.points] == [1500.0, 1600.0]
    assert mixed.definition is not None
    assert (mixed.definition.unit, mixed.other_units) == ("ms", {"s": 3})
    assert mixed.summary.count == 2
    (main,) = trend(store, "time", branch="main").trends
    assert (len(main.series.points), main.other_units) == (3, {})
    (newest,) = trend(store, "time", limit=3).trends
    assert (len(newest.series.points), newest.other_units) == (2, {"s": 1})

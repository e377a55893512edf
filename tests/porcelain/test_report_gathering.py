"""What a report gathers: of which series, of which runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from graven import Store
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.report import ReportRequest, gather_report
from graven.porcelain.steps import Selection, list_steps

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)


def stored(tmp_path, series=1, runs=40, step=20):
    """Runs whose series named b0 is twice as slow from ``step`` on; the others stay."""
    store, noise = Store(tmp_path / "s", durable=False), Random(5)
    with store.batch() as batch:
        for at in range(runs):
            values = [2.0 if not n and at >= step else 1.0 for n in range(series)]
            points = [
                Point(
                    name=f"b{n}",
                    scenario="s",
                    metrics={"time": Metric(value=value * noise.gauss(1, 0.01))},
                )
                for n, value in enumerate(values)
            ]
            batch.save(
                Run(
                    id=f"r{at:03d}",
                    timestamp=START + timedelta(days=at),
                    branch="main",
                    points=tuple(points),
                    metric_defs={"time": TIME},
                )
            )
    return store


def test_a_step_is_told_of_the_series_that_are_shown(tmp_path):
    store = stored(tmp_path, series=3)
    report = gather_report(store)
    assert [len(one.steps) for one in report.series] == [1, 0, 0]
    assert report.series[0].steps[0].run_id == "r020"
    few = gather_report(store, ReportRequest(max_series=1))
    assert [(one.name, len(one.steps)) for one in few.series] == [("b0", 1)]
    assert few.series_left_out == 2


def test_a_step_is_seen_by_what_lay_before_the_runs_that_are_shown(tmp_path):
    report = gather_report(stored(tmp_path), ReportRequest(max_runs=20))
    assert report.runs[0].id == "r020"
    assert [step.run_id for step in report.series[0].steps] == ["r020"]
    assert report.runs_left_out == 20


def test_a_series_that_no_run_shown_has_is_none(tmp_path):
    store = stored(tmp_path, runs=3)
    store.save(Run(id="new", timestamp=START + timedelta(days=9), branch="main", points=()))
    report = gather_report(store, ReportRequest(max_runs=1, compared=False))
    assert ([run.id for run in report.runs], report.series) == (["new"], ())


def test_series_of_other_runs_take_no_room(tmp_path):
    store = stored(tmp_path, runs=3)
    many = tuple(
        Point(name=f"a{n}", scenario="s", metrics={"time": Metric(value=1.0)}) for n in range(5)
    )
    store.save(Run(id="other", timestamp=START, branch="dev", points=many))
    report = gather_report(store, ReportRequest(where="branch = main", max_series=2))
    assert [(one.name, len(one.values)) for one in report.series] == [("b0", 3)]
    assert report.series_left_out == 0
    tagged = gather_report(store, ReportRequest(tags={"n": "1"}))
    assert tagged.series == ()


def test_the_unit_is_that_of_the_newest_run_shown(tmp_path):
    store = stored(tmp_path)  # 40 runs in seconds, with a step
    milli = MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)
    point = Point(name="b0", scenario="s", metrics={"time": Metric(value=2000.0)})
    store.save(
        Run(
            id="late",
            timestamp=START + timedelta(days=50),
            branch="dev",
            points=(point,),
            metric_defs={"time": milli},
        )
    )
    everything = gather_report(store)
    assert everything.series[0].unit == "ms"
    assert everything.series[0].left_out == {"s": 40}
    only = gather_report(store, ReportRequest(where="branch = main"))
    assert (only.series[0].unit, len(only.series[0].values)) == ("s", 40)
    assert only.series[0].left_out == {}


def test_a_point_is_found_by_the_name_that_it_is_shown_with(tmp_path):
    store = stored(tmp_path, series=3)
    report = gather_report(store, ReportRequest(point="s/b1"))
    assert [one.name for one in report.series] == ["b1"]
    assert [step.name for step in list_steps(store, Selection(point="s/b0")).steps] == ["b0"]

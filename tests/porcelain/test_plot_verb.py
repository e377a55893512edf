"""What is drawn, out of a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven.errors import InvalidInput, NotFound
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.plot import PlotRequest, gather_plot

START = datetime(2026, 1, 2, tzinfo=UTC)
DEFS = {
    name: MetricDef(name=name, unit=unit, direction=MetricDirection.LOWER)
    for name, unit in (("time", "s"), ("memory", "B"))
}


@pytest.fixture
def store(tmp_path):
    store = graven.init(tmp_path / "s")
    for number in range(3):
        points = tuple(
            Point(name="sort", scenario="cpu", tags={"n": n},
                  metrics={"time": Metric(value=1.0), "memory": Metric(value=2.0)})
            for n in ("1", "2")
        )  # fmt: skip
        store.save(Run(id=f"r{number}", timestamp=START + timedelta(hours=number), points=points,
                       metric_defs=DEFS, branch="dev" if number == 2 else "main"))  # fmt: skip
    return store


def test_series_of_one_metric(store):
    report = gather_plot(store, PlotRequest(metric="time"))
    assert [one.tags for one in report.series] == [{"n": "1"}, {"n": "2"}]
    assert len(report.runs) == 3


def test_tags_branches_and_queries_choose(store):
    request = PlotRequest(metric="time", tags={"n": "2"}, branch="main", where="since 2026-01-02")
    report = gather_plot(store, request)
    assert [one.tags for one in report.series] == [{"n": "2"}]
    assert [run.id for run in report.runs] == ["r0", "r1"]


def test_what_has_no_room_is_counted(store):
    report = gather_plot(store, PlotRequest(metric="time", max_series=1))
    assert (len(report.series), report.series_left_out) == (1, 1)


def test_mistakes(store):
    with pytest.raises(InvalidInput, match="several units: 'B', 's'"):
        gather_plot(store, PlotRequest(metric="*"))
    for request, hint in (
        (PlotRequest(metric="tim"), "time"),
        (PlotRequest(metric="time", tags={"m": "1"}), "there is n"),
        (PlotRequest(metric="time", group_by="hw"), "there is n"),
        (PlotRequest(metric="time", branch="mian"), "did you mean 'main'?"),
    ):
        with pytest.raises(NotFound) as caught:
            gather_plot(store, request)
        assert hint in caught.value.hint


def test_a_series_is_found_by_tag_among_very_many(store, monkeypatch):
    monkeypatch.setattr("graven.porcelain.plot._MOST", 1)
    report = gather_plot(store, PlotRequest(metric="time", tags={"n": "2"}))
    assert [one.tags for one in report.series] == [{"n": "2"}]

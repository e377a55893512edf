"""Groups of runs, out of a store."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven.errors import InvalidInput, NotFound
from graven.model import Metric, MetricDef, MetricDirection, Origin, Point, Run
from graven.porcelain.report_groups import GroupRequest, compare_groups

START = datetime(2026, 1, 2, tzinfo=UTC)
DEFS = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)}


def point(value, **tags):
    return Point(name="infer", scenario="text", tags=tags, metrics={"time": Metric(value=value)})


def a_run(number, *points, **fields):
    known = {"branch": "main", "metric_defs": DEFS, "params": {"lr": number % 2}}
    return Run(id=f"r{number}", timestamp=START + timedelta(hours=number), points=points,
               **{**known, **fields})  # fmt: skip


@pytest.fixture
def store(tmp_path):
    """cuda and cpu by tag, two models; rocm is simulated; the newest run has cuda alone."""
    store = graven.init(tmp_path / "s")
    store.save(a_run(0, point(1.0, hw="cuda", model="bert"), point(6.0, hw="cpu", model="bert"),
                     point(2.0, hw="cuda", model="vit")))  # fmt: skip
    store.save(a_run(1, point(0.5, hw="rocm", model="bert"), origin=Origin.SIMULATED))
    store.save(a_run(2, point(1.2, hw="cuda", model="bert"), branch="dev",
                     environment={"cpu": "Other"}))  # fmt: skip
    return store


def matrix(store, field, **asked):
    found = compare_groups(store, GroupRequest(field=field, **asked))
    return found, {
        row.name: {
            label: cell and cell.value for label, cell in zip(found.labels, row.cells, strict=True)
        }
        for one in found.matrices
        for row in one.rows
    }


def test_a_tag_tells_series_apart(store):
    found, rows = matrix(store, "tag.hw")
    assert found.labels == ["cpu", "cuda", "rocm"]
    assert rows == {
        ("text", "infer", "model=bert"): {"cpu": 6.0, "cuda": 1.2, "rocm": 0.5},
        ("text", "infer", "model=vit"): {"cpu": None, "cuda": 2.0, "rocm": None},
    }
    assert [group.runs for group in found.groups] == [1, 2, 1]
    cells = found.matrices[0].rows[0].cells
    assert [cell.origin for cell in cells] == ["measured", "measured", "simulated"]
    assert [cell.best for cell in cells] == [False, True, False]


def test_the_newest_or_all(store):
    assert matrix(store, "tag.hw", over="all")[1]["text", "infer", "model=bert"]["cuda"] == 1.1


def test_rows_by_another_field(store):
    _, rows = matrix(store, "tag.hw", by="tag.model")
    assert rows == {
        ("bert",): {"cpu": 6.0, "cuda": 1.2, "rocm": 0.5},
        ("vit",): {"cpu": None, "cuda": 2.0, "rocm": None},
    }


def test_what_runs_are_told_apart_by(store):
    assert matrix(store, "branch", point="infer")[0].labels == ["dev", "main"]
    assert matrix(store, "param.lr")[0].labels == ["0", "1"]
    found, _ = matrix(store, "machine")
    assert len(found.labels) == 1
    assert "4 values without machine" in found.left_out


def test_one_model_by_tag_or_by_parameter(store):
    assert set(matrix(store, "tag.hw", model="vit")[1]) == {("text", "infer", "model=vit")}
    store.save(a_run(3, point(7.0, hw="cpu"), params={"model": "gpt"}))
    _, rows = matrix(store, "tag.hw", model="gpt")
    assert rows == {("text", "infer", ""): {"cpu": 7.0}}
    with pytest.raises(NotFound, match="'gtp'") as caught:
        matrix(store, "tag.hw", model="gtp")
    assert "gpt" in caught.value.hint


def test_a_query_chooses_the_runs(store):
    assert matrix(store, "tag.hw", where="branch = dev")[0].runs == 1
    with pytest.raises(InvalidInput, match="unknown field 'brnch'"):
        matrix(store, "tag.hw", where="brnch = dev")
    found, rows = matrix(store, "tag.hw", where="branch = nobody")
    assert rows == {}
    assert found.runs == 0


def test_what_cannot_be_told_apart(store):
    for field, kind in (("foo", "bad-group"), ("tag.", "bad-group"), ("tag.hv", "name-unknown"),
                        ("param.rl", "name-unknown")):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            compare_groups(store, GroupRequest(field=field))
        assert caught.value.kind == kind
        assert caught.value.hint
    with pytest.raises(NotFound, match="no run has a metric 'tim'"):
        compare_groups(store, GroupRequest(field="tag.hw", metric="tim"))


def test_no_number_is_no_cell(store):
    store.save(a_run(3, point(math.nan, hw="tpu", model="vit"), point(3.0, hw="cpu")))
    found, _ = matrix(store, "tag.hw")
    assert found.labels == ["cpu", "cuda", "rocm"]
    assert "1 values that are no number" in found.left_out


def test_other_units_are_told_and_not_mixed(store):
    ms = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    store.save(a_run(3, point(900.0, hw="cuda", model="bert"), metric_defs=ms))
    found = compare_groups(store, GroupRequest(field="tag.hw"))
    assert [one.unit for one in found.matrices] == ["ms", "s"]
    assert "2 older values in 's'" in found.left_out


def test_two_directions_are_told_and_nothing_is_best(store):
    up = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.HIGHER)}
    store.save(a_run(3, point(9.0, hw="cuda", model="bert"), metric_defs=up))
    found = compare_groups(store, GroupRequest(field="tag.hw"))
    assert not any(cell and cell.best for row in found.matrices[0].rows for cell in row.cells)
    assert any("both directions" in text for text in found.left_out)


def test_too_many_groups_and_rows_are_counted(store):
    found, rows = matrix(store, "tag.hw", max_groups=2, max_rows=1)
    assert found.labels == ["cpu", "cuda"]
    assert len(rows) == 1
    assert "1 groups beyond 2" in found.left_out
    assert any("rows beyond the first 1" in text for text in found.left_out)
    newest, _ = matrix(store, "branch", max_groups=1)
    assert newest.labels == ["dev"]


def test_numbers_are_ordered_as_numbers(store):
    for number, size in enumerate(("8", "16", "128"), 3):
        store.save(a_run(number, point(1.0, size=size), params={}))
    assert matrix(store, "tag.size")[0].labels == ["8", "16", "128"]


def test_groups_of_other_runs_take_no_room(store):
    milli = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    others = [point(5.0, hw=f"a{n}", model="bert") for n in range(4)]
    store.save(a_run(9, *others, point(900.0, hw="cuda", model="bert"), branch="late",
                     metric_defs=milli))  # fmt: skip
    request = GroupRequest(field="tag.hw", where="branch = main", max_groups=3)
    found = compare_groups(store, request)
    assert [group.label for group in found.groups] == ["cpu", "cuda", "rocm"]
    assert found.left_out == ()
    assert [matrix.unit for matrix in found.matrices] == ["s"]
    assert compare_groups(store, GroupRequest(field="tag.hw", where="branch = none")).groups == ()

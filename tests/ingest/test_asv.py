from __future__ import annotations

import json
import math
import shutil
from datetime import UTC, datetime

import pytest

from graven.errors import FormatTooNew, InvalidInput
from graven.ingest import Failure, detect, expand, iter_path, read_path
from graven.model import PointStatus

RESULT = "asv-project/measured/demo-box/e9cf4504-existing-python.json"
OLD = "asv-v1/cheetah/05d283b9-py2.7.json"


@pytest.fixture
def project(data, tmp_path):
    """A copy of the asv project, to be damaged."""
    return shutil.copytree(data / "asv-project", tmp_path / "project")


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def points(run, name):
    return [p for p in run.points if p.name == name]


def test_each_combination_is_a_point(data):
    given = json.loads((data / RESULT).read_text())
    (item,) = read_path(data / RESULT)
    row = given["results"]["bench.Suite.time_work"]
    found = points(item.run, "bench.Suite.time_work")
    assert [p.tags for p in found] == [
        {"n": "10", "mode": "'a'"},
        {"n": "10", "mode": "'b'"},
        {"n": "100", "mode": "'a'"},
        {"n": "100", "mode": "'b'"},
    ]
    assert [p.status for p in found] == [PointStatus.OK] * 3 + [PointStatus.SKIPPED]
    metric = found[2].metrics["time"]
    assert (metric.value, metric.samples) == (row[0][2], tuple(row[11][2]))
    assert (metric.lower, metric.upper) == (row[5][2], row[6][2])
    assert metric.estimator == "median"
    assert found[0].version == row[2]


def test_null_is_a_failure(data):
    (found,) = points(read_path(data / RESULT)[0].run, "bench.time_broken")
    assert (found.status, found.metrics) == (PointStatus.FAILED, {})


def test_units_come_from_the_definitions(data):
    defs = read_path(data / RESULT)[0].run.metric_defs
    assert {n: (d.unit, d.unit_given, d.direction_source) for n, d in defs.items()} == {
        "time": ("s", "seconds", "tool"),
        "memory": ("B", "bytes", "tool"),
        "peakmemory": ("B", "bytes", "tool"),
        "track_items": ("items", None, "unknown"),
    }


def test_commit_times_and_machine(data):
    run = read_path(data / RESULT)[0].run
    assert run.commit.startswith("e9cf4504")
    assert run.commit_time == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert run.timestamp.date().isoformat() == "2026-11-21"
    assert run.environment["machine"] == "demo-box"
    assert run.environment["asv"]["env_name"] == "existing-python"
    assert run.guessed == ()


@pytest.mark.parametrize(
    "place", ["asv-project", "asv-project/measured", "asv-project/measured/demo-box", RESULT]
)
def test_a_project_its_results_a_machine_and_a_file_give_the_same(data, place):
    assert detect(data / place).name == "asv"
    assert [found.path for found in expand([data / place])] == [data / place]
    (item,) = read_path(data / place)
    assert item.run == read_path(data / RESULT)[0].run
    assert item.source.endswith("e9cf4504-existing-python.json")
    assert item.raw == (data / RESULT).read_bytes()


def test_files_of_version_one(data):
    (item,) = read_path(data / "asv-v1")
    run = item.run
    assert run.timestamp == run.commit_time == datetime(2013, 12, 10, 15, 20, 1, tzinfo=UTC)
    assert run.guessed == ("timestamp",)
    first, second = points(run, "suite.time_param")
    assert first.metrics["time"].value == 0.5
    assert first.metrics["time"].samples == (0.25, 0.5, 0.75)
    assert (first.metrics["time"].lower, first.metrics["time"].upper) == (0.25, 0.75)
    assert first.tags == {"n": "1", "mode": "'a'"}
    assert first.version == "1"
    assert second.status is PointStatus.FAILED
    assert points(run, "suite.time_skipped")[0].status is PointStatus.SKIPPED
    assert points(run, "suite.time_failed")[0].status is PointStatus.FAILED
    assert points(run, "suite.mem_list")[0].metrics["memory"].value == 728
    assert points(run, "suite.track_count")[0].metrics["track"].value == 42
    assert run.environment["ram"] == round(8.2 * 2**30)
    assert item.notes == (
        "not in benchmarks.json, so the names tell the units:"
        " suite.time_failed, suite.time_skipped",
    )


def test_infinite_bounds_are_kept(project):
    path = project.parent / "project" / RESULT.removeprefix("asv-project/")
    record = json.loads(path.read_text())
    record["results"]["bench.mem_list"] = [[1], [], None, None, None, [-math.inf], [math.inf]]
    change(path, results=record["results"])
    metric = points(read_path(path)[0].run, "bench.mem_list")[0].metrics["memory"]
    assert (metric.lower, metric.upper) == (-math.inf, math.inf)


def test_without_definitions_names_tell_the_units(project):
    (project / "measured" / "benchmarks.json").unlink()
    (item,) = read_path(project)
    assert item.run.metric_defs["time"].unit == "s"
    assert item.run.metric_defs["track"].unit == "1"
    assert any("no benchmarks.json" in note for note in item.notes)


def test_damaged_definitions_stop_and_are_named(project):
    (project / "measured" / "benchmarks.json").write_text('{"bench.mem_list": 5')
    with pytest.raises(InvalidInput, match=r"benchmarks\.json: is not JSON"):
        read_path(project)
    (project / "measured" / "benchmarks.json").write_text('{"bench.mem_list": 5}')
    with pytest.raises(InvalidInput, match=r"benchmarks\.json: bench\.mem_list"):
        read_path(project)


def test_one_bad_file_does_not_stop_the_others(project):
    machine = project / "measured" / "demo-box"
    good = next(machine.glob("e9cf*"))
    (machine / "aaaaaaaa-broken.json").write_text(good.read_text()[:200])
    (machine / "bbbbbbbb-foreign.json").write_text("{}")
    failures, fine = [], []
    for item in iter_path(project):
        (failures if isinstance(item, Failure) else fine).append(item)
    assert [f.source.rpartition("/")[2][:8] for f in failures] == ["aaaaaaaa", "bbbbbbbb"]
    assert "commit_hash" in str(failures[1].error) or "results" in str(failures[1].error)
    assert len(fine) == 1


def test_another_commit_is_another_run(project):
    machine = project / "measured" / "demo-box"
    good = next(machine.glob("e9cf*"))
    shutil.copy(good, machine / "cccccccc-other.json")
    change(machine / "cccccccc-other.json", commit_hash="c" * 40)
    assert len({item.run.id for item in read_path(project)}) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"date": None}, "date"),
        ({"date": 1e300}, "date"),
        ({"commit_hash": ""}, "commit_hash"),
        ({"result_columns": None}, "result_columns"),
        ({"results": {"a": 5}}, "results.a"),
        ({"results": {"a": [[1, 2], [["1"]]]}}, "results.a.result"),
        ({"results": {"a": [[1], 7]}}, "results.a.params"),
        ({"results": {"a": [["x"], []]}}, "results.a.result[0]"),
        ({"results": {"a": [None, [["1"] * 1001] * 2]}}, "results.a.params"),
        ({"results": {"a": [None] * 20}}, "results.a"),
    ],
)
def test_a_wrong_field_is_named(read, document, values, field):
    with pytest.raises(InvalidInput) as caught:
        read(document(RESULT) | values, "asv")
    assert caught.value.fields["field"] == field


def test_a_newer_version_is_refused(read, document):
    with pytest.raises(FormatTooNew, match="version"):
        read(document(RESULT) | {"version": 3})


def test_a_placeholder_for_the_start_is_not_a_time(read, document):
    given = document(RESULT)
    for row in given["results"].values():
        row[3] = 1
    run = read(given).run
    assert (run.timestamp, run.guessed) == (run.commit_time, ("timestamp",))


def test_secrets_in_environment_variables_are_removed(read, document):
    item = read(document(RESULT) | {"env_vars": {"API_TOKEN": "abc", "THREADS": "2"}})
    assert item.run.environment["asv"]["env_vars"] == {
        "API_TOKEN": "[removed by graven]",
        "THREADS": "2",
    }
    assert item.raw is None
    assert any("API_TOKEN" in note for note in item.notes)

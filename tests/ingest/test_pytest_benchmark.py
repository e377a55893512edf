from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graven.errors import InvalidInput
from graven.ingest import fields
from graven.model import MetricDirection


def by_name(run, name, **tags):
    return next(p for p in run.points if p.name == name and tags.items() <= p.tags.items())


def test_values_are_the_medians_with_quartiles_and_samples(read, document):
    given = document("pytest-benchmark.json")
    run = read(given).run
    stats = given["benchmarks"][0]["stats"]
    metric = run.points[0].metrics["time"]
    assert (metric.value, metric.lower, metric.upper) == (stats["median"], stats["q1"], stats["q3"])
    assert metric.samples == tuple(stats["data"])
    assert metric.estimator == "median"
    definition = run.metric_defs["time"]
    assert (definition.unit, definition.direction) == ("s", MetricDirection.LOWER)
    assert definition.direction_source == "tool"


def test_parameters_become_tags_and_leave_the_name(read, document):
    run = read(document("pytest-benchmark.json")).run
    assert by_name(run, "test_b.py::test_params", size="2.5", kind="a[b]").scenario == "test_b.py"
    assert by_name(run, "test_b.py::test_params", size="1", kind="null")
    assert by_name(run, "test_b.py::test_opaque").tags == {"thing": "UNSERIALIZABLE[Opaque()]"}
    assert by_name(run, "test_b.py::test_grouped").scenario == "strings"


def test_an_address_in_a_parameter_does_not_make_a_new_series(read, document):
    given = document("pytest-benchmark.json")
    given["benchmarks"][0]["params"] = {"thing": "UNSERIALIZABLE[<x.Y object at 0x7f0001>]"}
    assert read(given).run.points[0].tags == {"thing": "UNSERIALIZABLE[<x.Y object>]"}


def test_commit_time_and_machine(read, document):
    given = document("pytest-benchmark.json")
    run = read(given).run
    assert run.commit == given["commit_info"]["id"]
    assert (run.branch, run.dirty, run.guessed) == ("main", False, ())
    assert run.commit_time == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert run.timestamp == datetime.fromisoformat(given["datetime"])
    assert run.environment["machine"] == "demo-box"
    assert run.environment["cores"] == given["machine_info"]["cpu"]["count"]
    assert "flags" not in run.environment["pytest-benchmark"]["cpu"]
    assert run.metadata["pytest-benchmark"]["extra_info"]


def test_placeholders_of_a_folder_without_git_mean_none(read, document):
    given = document("pytest-benchmark-no-commit.json")
    assert given["commit_info"]["id"] == "unversioned"
    run = read(given).run
    assert (run.commit, run.branch, run.commit_time, run.dirty) == (None, None, None, None)
    given = document("pytest-benchmark.json")
    given["commit_info"]["branch"] = "(detached head)"
    assert read(given).run.branch is None


def test_a_saved_file_has_no_samples(read, document):
    metric = read(document("pytest-benchmark-saved.json")).run.points[0].metrics["time"]
    assert metric.samples is None
    assert metric.value > 0


def test_many_samples_are_thinned_evenly_and_said_so(read, document):
    given = document("pytest-benchmark.json")
    many = 3 * fields.MAX_SAMPLES
    given["benchmarks"][0]["stats"]["data"] = list(range(many))
    item = read(given)
    samples = item.run.points[0].metrics["time"].samples
    assert samples == tuple(float(i) for i in range(0, many, 3))
    assert item.notes == (
        f"1 of the metrics have up to {many} samples; {fields.MAX_SAMPLES} of each are kept",
    )
    assert item.run.metadata["ingest"]["notes"] == list(item.notes)


def test_a_time_without_offset_is_utc(read, document):
    given = document("pytest-benchmark.json")
    given["datetime"] = "2015-08-11T00:42:07.834765"
    assert read(given).run.timestamp == datetime(2015, 8, 11, 0, 42, 7, 834765, tzinfo=UTC)


def test_old_files_name_their_parameters_in_one_text(read, document):
    given = document("pytest-benchmark.json")
    entry = given["benchmarks"][0]
    del entry["params"]
    point = read(given).run.points[0]
    assert (point.name, point.tags) == ("test_b.py::test_params", {"param": entry["param"]})
    del entry["param"]
    assert read(given).run.points[0].name == entry["fullname"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d["benchmarks"][3]["stats"].pop("median"), "benchmarks[3].stats.median"),
        (lambda d: d["benchmarks"][1].pop("stats"), "benchmarks[1].stats"),
        (lambda d: d["benchmarks"][1].update(stats=[1]), "benchmarks[1].stats"),
        (lambda d: d["benchmarks"][2]["stats"].update(q1="x"), "benchmarks[2].stats.q1"),
        (
            lambda d: d["benchmarks"][2]["stats"].update(median=2**53 + 1),
            "benchmarks[2].stats.median",
        ),
        (
            lambda d: d["benchmarks"][0]["stats"]["data"].insert(1, True),
            "benchmarks[0].stats.data[1]",
        ),
        (lambda d: d["benchmarks"][0].update(name=None), "benchmarks[0].name"),
        (lambda d: d.update(datetime="soon"), "datetime"),
        (lambda d: d["commit_info"].update(dirty="yes"), "commit_info.dirty"),
        (lambda d: d.update(benchmarks=[]), "benchmarks"),
    ],
)
def test_a_wrong_field_is_named(read, document, change, field):
    given = document("pytest-benchmark.json")
    change(given)
    with pytest.raises(InvalidInput) as caught:
        read(given, "pytest-benchmark")
    assert caught.value.fields["field"] == field
    assert field in caught.value.message

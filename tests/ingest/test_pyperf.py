from __future__ import annotations

import statistics

import pytest

from graven.errors import InvalidInput
from graven.ingest import read_path
from graven.model import MetricDirection, PointStatus


def test_samples_come_in_two_levels_and_the_value_is_the_mean(read, document):
    given = document("pyperf-suite.json")
    run = read(given).run
    values = [r["values"] for r in given["benchmarks"][0]["runs"] if "values" in r]
    metric = run.points[0].metrics["time"]
    flat = [value for group in values for value in group]
    assert metric.samples == tuple(flat)
    assert metric.sample_groups == tuple(len(group) for group in values)
    assert metric.value == statistics.mean(flat)
    assert metric.estimator == "mean"
    assert [p.name for p in run.points] == ["sum", "len"]


def test_calibration_is_no_sample(document, read):
    given = document("pyperf-suite.json")
    assert "values" not in given["benchmarks"][0]["runs"][0]
    runs = given["benchmarks"][0]["runs"]
    given["benchmarks"][0]["runs"] = runs[:1]
    point = read(given).run.points[0]
    assert point.status is PointStatus.FAILED
    assert point.metrics == {}


def test_metadata_hoisted_to_the_top_is_found(read, document):
    given = document("pyperf-one.json")
    assert "metadata" not in given["benchmarks"][0]
    run = read(given).run
    assert run.points[0].name == given["metadata"]["name"] == "one"
    assert run.environment["machine"] == "demo-box"
    assert run.environment["cpu"] == given["metadata"]["cpu_model_name"]
    assert run.environment["os"].startswith("Linux")
    assert run.environment["arch"] == "x86_64"


def test_units_become_base_units(read, document):
    run = read(document("pyperf-memory.json")).run
    definition = run.metric_defs["memory"]
    assert (definition.unit, definition.unit_given) == ("B", "byte")
    given = document("pyperf-one.json")
    given["metadata"]["unit"] = "integer"
    definition = read(given).run.metric_defs["value"]
    assert (definition.unit, definition.direction_source) == ("1", "unknown")
    assert definition.direction is MetricDirection.LOWER
    given["metadata"]["unit"] = "furlong"
    with pytest.raises(InvalidInput, match=r"benchmarks\[0\]\.metadata\.unit"):
        read(given)


def test_a_commit_is_taken_where_the_runner_set_it(read, document):
    given = document("pyperf-suite.json")
    assert read(given).run.commit is None
    given["metadata"] |= {
        "commit_id": "a" * 40,
        "commit_branch": "main",
        "commit_date": "2026-11-01T10:00:00+00:00",
    }
    run = read(given).run
    assert (run.commit, run.branch) == ("a" * 40, "main")
    assert run.commit_time.isoformat() == "2026-11-01T10:00:00+00:00"


def test_dates_without_a_zone_are_guessed_times(read, document):
    given = document("pyperf-suite.json")
    assert read(given).run.guessed == ("timestamp",)
    for bench in given["benchmarks"]:
        for run in bench["runs"]:
            run["metadata"]["date"] += "+00:00"
    assert read(given).run.guessed == ()


def test_a_compressed_file_is_the_same_run_as_the_plain_one(data, tmp_path):
    import gzip

    packed = data / "pyperf-fast.json.gz"
    plain = tmp_path / "plain.json"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    (one,), (other,) = read_path(packed), read_path(plain)
    assert one.run == other.run
    assert one.raw == packed.read_bytes()
    assert one.raw_name == "pyperf-fast.json.gz"

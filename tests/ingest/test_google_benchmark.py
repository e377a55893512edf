from __future__ import annotations

import statistics

import pytest

from graven.errors import InvalidInput
from graven.model import MetricDirection, PointStatus


def rows(given, name, kind="iteration"):
    return [r for r in given["benchmarks"] if r["run_name"] == name and r["run_type"] == kind]


def point(run, name):
    return next(p for p in run.points if p.name == name)


def test_repetitions_are_samples_in_seconds(read, document):
    given = document("google-benchmark.json")
    run = read(given).run
    metric = point(run, "sort_list/8").metrics["cpu_time"]
    expected = tuple(row["cpu_time"] / 1e6 for row in rows(given, "sort_list/8"))
    assert metric.samples == expected
    assert (metric.value, metric.estimator) == (statistics.median(expected), "median")
    assert run.metric_defs["cpu_time"].unit_given == "ns, us"
    assert run.metric_defs["cpu_time"].unit == "s"


def test_counters_and_rates(read, document):
    run = read(document("google-benchmark.json")).run
    defs = run.metric_defs
    assert (defs["bytes_per_second"].unit, defs["bytes_per_second"].direction) == (
        "B/s",
        MetricDirection.HIGHER,
    )
    assert defs["items_per_second"].direction is MetricDirection.HIGHER
    assert defs["hits"].direction_source == "unknown"
    assert point(run, "threaded/real_time").metrics["hits"].value == 7
    assert run.metadata["google-benchmark"]["labels"]["sort_list/8"] == "ints"


def test_an_error_is_a_failed_point_without_its_zeros(read, document):
    found = point(read(document("google-benchmark.json")).run, "fails")
    assert (found.status, found.error, found.metrics) == (PointStatus.FAILED, "no such device", {})


def test_a_skipped_benchmark_is_skipped(read, document):
    given = document("google-benchmark.json")
    for row in rows(given, "fails"):
        row |= {"skipped": True, "skip_message": "not here"}
        del row["error_occurred"], row["error_message"]
    found = point(read(given).run, "fails")
    assert (found.status, found.error) == (PointStatus.SKIPPED, "not here")


def test_complexity_rows_are_no_times(read, document):
    assert [p.name for p in read(document("google-benchmark.json")).run.points] == [
        "sort_list/8",
        "sort_list/64",
        "fails",
        "threaded/real_time",
    ]


def test_aggregates_speak_where_there_is_nothing_else(read, document):
    given = document("google-benchmark-aggregates.json")
    (found,) = read(given).run.points
    median = next(r for r in given["benchmarks"] if r.get("aggregate_name") == "median")
    metric = found.metrics["real_time"]
    assert (metric.value, metric.samples) == (median["real_time"] / 1e6, None)
    assert metric.estimator == "median"


def test_old_files_tell_aggregates_by_their_endings(read, document):
    given = document("google-benchmark.json")
    for row in given["benchmarks"]:
        for key in ("run_type", "run_name", "aggregate_name", "repetition_index"):
            row.pop(key, None)
    given["benchmarks"].append({**given["benchmarks"][0], "name": "arithmetic_mean"})
    names = [p.name for p in read(given).run.points]
    assert names == [
        "sort_list/8",
        "sort_list/64",
        "fails",
        "threaded/real_time",
        "arithmetic_mean",
    ]


def test_threads_in_the_name_are_a_tag(read, document):
    given = document("google-benchmark.json")
    for row in rows(given, "threaded/real_time"):
        row |= {"run_name": "threaded/real_time/threads:2", "threads": 2}
    found = point(read(given).run, "threaded/real_time/threads:2")
    assert found.tags == {"threads": "2"}


def test_machine_time_and_suite(read, document):
    given = document("google-benchmark.json")
    run = read(given).run
    assert run.environment["machine"] == "demo-box"
    assert run.environment["cores"] == given["context"]["num_cpus"]
    assert run.timestamp.isoformat() == given["context"]["date"]
    assert run.points[0].scenario == "gb.py"
    assert "load_avg" not in run.environment["google-benchmark"]


@pytest.mark.parametrize("date", ["2016/08/02 17:05:55", "02/28/19 10:11:12"])
def test_a_date_of_an_old_version_is_not_trusted(read, document, date):
    given = document("google-benchmark.json")
    given["context"]["date"] = date
    item = read(given)
    assert item.run.guessed == ("timestamp",)
    assert item.notes


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda rows: rows[0].update(time_unit="days"), "benchmarks[0].time_unit"),
        (lambda rows: rows[1].pop("cpu_time"), "benchmarks[1].cpu_time"),
        (lambda rows: rows[1].update(items_per_second="x"), "benchmarks[1].items_per_second"),
        (lambda rows: rows[2].pop("name"), "benchmarks[2].name"),
        (lambda rows: rows.insert(0, 5), "benchmarks[0]"),
    ],
)
def test_a_wrong_field_is_named(read, document, change, field):
    given = document("google-benchmark.json")
    change(given["benchmarks"])
    with pytest.raises(InvalidInput) as caught:
        read(given)
    assert caught.value.fields["field"] == field

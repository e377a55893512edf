from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graven.errors import InvalidInput
from graven.model import PointStatus


def test_times_are_samples_and_the_median_is_the_value(read, document):
    given = document("hyperfine.json")
    point = read(given).run.points[0]
    entry = given["results"][0]
    assert (point.scenario, point.name) == ("hyperfine", entry["command"])
    assert point.tags == {"code": "0"}
    assert point.metrics["time"].value == entry["median"]
    assert point.metrics["time"].samples == tuple(entry["times"])
    assert point.metrics["user"].value == entry["user"]
    assert point.metrics["user"].estimator == "mean"


def test_a_command_that_failed_keeps_its_values(read, document):
    point = read(document("hyperfine.json")).run.points[1]
    assert point.status is PointStatus.FAILED
    assert point.error == "exit code 3 in 4 of 4 runs"
    assert point.metrics["time"].value > 0


def test_a_killed_command_failed(read, document):
    given = document("hyperfine-one.json")
    given["results"][0]["exit_codes"][1] = None
    point = read(given).run.points[0]
    assert point.error == "killed by a signal in 1 of 2 runs"


def test_the_time_is_the_files_and_guessed(read, document):
    run = read(document("hyperfine-one.json")).run
    assert run.timestamp == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert run.guessed == ("timestamp",)
    assert run.commit is None


def test_memory_is_in_bytes(read, document):
    given = document("hyperfine-one.json")
    given["results"][0]["memory_usage_byte"] = [3 << 20, 1 << 20, 2 << 20]
    run = read(given).run
    assert run.points[0].metrics["memory"].value == 2 << 20
    assert run.metric_defs["memory"].unit == "B"


def test_one_run_has_no_spread_and_old_files_no_median(read, document):
    given = document("hyperfine-one.json")
    given["results"][0] |= {"stddev": None}
    del given["results"][0]["median"], given["results"][0]["exit_codes"]
    metric = read(given).run.points[0].metrics["time"]
    assert (metric.value, metric.estimator) == (given["results"][0]["mean"], "mean")


def test_credentials_of_a_command_line_are_not_kept(read, document):
    given = document("hyperfine-one.json")
    given["results"][0]["command"] = "curl -H 'Authorization: Bearer abcdef0123456789abcdef' x"
    item = read(given)
    assert "abcdef0123456789" not in item.run.points[0].name
    assert item.raw is None
    assert any("secret" in note for note in item.notes)


def test_equal_commands_are_kept_and_said_so(read, document):
    given = document("hyperfine-one.json")
    given["results"] *= 2
    item = read(given)
    assert len(item.run.points) == 2
    assert any("equal tags" in note for note in item.notes)


def test_no_results_are_an_error(read):
    with pytest.raises(InvalidInput, match=r"results\.json: results: is empty"):
        read({"results": []})

"""Folders, many paths, and the real files that may lie beside the checkout."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from graven.errors import InvalidInput, NotFound
from graven.ingest import (
    Failure,
    Ingested,
    Overrides,
    Place,
    Skipped,
    detect,
    expand,
    iter_path,
    read_path,
)
from graven.ingest import source as source_module

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
EXAMPLES = Path(__file__).parents[2] / "examples" / "results"


def test_a_folder_is_read_and_what_is_no_result_is_named(data, tmp_path):
    shutil.copytree(data / "asv-project", tmp_path / "a" / "asv")
    shutil.copy(data / "hyperfine.json", tmp_path / "a" / "h.json")
    (tmp_path / "a" / "notes.txt").write_text("nothing")
    (tmp_path / "a" / "list.json").write_text("[1, 2]")
    (tmp_path / "a" / "empty").touch()
    (tmp_path / "a" / "gone.json").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a" / "pipe.json")
    (tmp_path / ".hidden").mkdir()
    shutil.copy(data / "hyperfine.json", tmp_path / ".hidden" / "h.json")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    items = [item for place in expand([tmp_path]) for item in iter_path(place)]
    assert [Path(item.source).name for item in items if isinstance(item, Ingested)] == [
        "e9cf4504-existing-python.json",
        "h.json",
    ]
    assert {i.path.name: i.reason for i in items if isinstance(i, Skipped)} == {
        "notes.txt": "no known format",
        "list.json": "no known format",
        "gone.json": "is no file",
        "pipe.json": "is no file",
        "empty": f"{tmp_path}/a/empty: is empty",
    }
    assert len(items) == 7


@pytest.mark.parametrize("content", [b"", b'{"benchmarks": [', b'{"a": "\xff"}', b"\xff\xfe{\0"])
def test_a_broken_json_file_in_a_folder_is_no_file_to_skip(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    (failure,) = [item for place in expand([tmp_path]) for item in iter_path(place)]
    assert isinstance(failure, Failure)
    assert str(failure.error).startswith(f"{tmp_path}/result.json: ")


def test_a_file_of_a_folder_is_read_once(data, tmp_path, monkeypatch):
    shutil.copy(data / "hyperfine.json", tmp_path)
    reads = []
    decode = source_module.decode_json
    monkeypatch.setattr(source_module, "decode_json", lambda b: reads.append(1) or decode(b))
    (place,) = expand([tmp_path])
    (item,) = iter_path(place)
    assert isinstance(item, Ingested)
    assert reads == [1]


def test_a_file_that_is_named_is_always_tried(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    assert list(expand([path])) == [Place(path=path)]
    (failure,) = iter_path(path)
    assert isinstance(failure, Failure)
    assert str(path) in str(failure.error)


def test_a_missing_path_is_an_error():
    with pytest.raises(NotFound):
        list(expand(["no/such/place"]))


def test_a_folder_of_no_format_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="no known kind of results folder"):
        detect(tmp_path)
    with pytest.raises(InvalidInput, match="is a folder"):
        read_path(tmp_path, format="hyperfine")
    with pytest.raises(InvalidInput, match="holds no asv"):
        read_path(tmp_path, format="asv")


def test_one_id_is_not_given_to_many_runs(data, tmp_path):
    folder = shutil.copytree(data / "asv-project", tmp_path / "p") / "measured" / "demo-box"
    (first,) = folder.glob("e9cf*")
    assert read_path(tmp_path / "p", overrides=Overrides(run_id="x"))[0].run.id == "x"
    shutil.copy(first, folder / "e9cf4504-other.json")
    with pytest.raises(InvalidInput, match="2 runs"):
        read_path(tmp_path / "p", overrides=Overrides(run_id="x"))


def test_every_example_ingests_and_the_last_commit_is_slower():
    times: dict[str, dict[str, float]] = {}
    for place in expand([EXAMPLES]):
        assert isinstance(place, Place), place
        for item in read_path(place.path):
            assert "demo-box" in (item.run.environment.get("machine"), "demo-box")
            if item.format in ("pytest-benchmark", "pyperf", "asv", "calibrax"):
                value = item.run.points[0].metrics["time"].value
                times.setdefault(item.format, {})[item.run.commit] = value
    assert len(times) == 4
    for series in times.values():
        assert len(series) == 6
        slow = [commit for commit, value in series.items() if value > 3 * min(series.values())]
        assert [commit[:8] for commit in slow] == ["04ea6ee8"]


needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="shared/samples is not beside the checkout: real files not tried"
)


@needs_samples
@pytest.mark.parametrize(
    ("folder", "runs"),
    [
        ("pytest-benchmark", 3),
        ("pytest-benchmark/dot-benchmarks", 2),
        ("pyperf", 3),
        ("hyperfine", 2),
        ("google-benchmark", 2),
        ("asv", 6),
        ("asv-v1", 11),
        ("asv-real", 126),
    ],
)
def test_every_real_file_ingests(folder, runs):
    items = [
        item
        for place in expand([SAMPLES / folder])
        if isinstance(place, Place)
        for item in iter_path(place)
    ]
    items = [item for item in items if not isinstance(item, Skipped)]
    assert [item for item in items if isinstance(item, Failure)] == []
    assert len(items) == runs
    for item in items:
        run = item.run
        measured = [m for point in run.points for m in point.metrics.values()]
        assert measured or all(point.status != "ok" for point in run.points)
        assert all(
            d.unit in ("s", "B", "B/s", "1", "entries", "speedup") for d in run.metric_defs.values()
        )
        assert (run.commit is not None) == (
            folder.startswith(("asv", "pytest"))
            or item.source.endswith(("suite.json", "suite.json.gz"))
        )
        assert (run.environment.get("machine") is None) == (folder == "hyperfine")
        assert (run.branch == "main") == (run.commit is not None and not folder.startswith("asv"))
        if not folder.startswith("asv") and "0001_" not in item.source:  # autosaved: no samples
            assert any(metric.samples for metric in measured)
    if folder != "asv-v1":
        points = [point for item in items for point in item.run.points]
        assert any(m.samples for point in points for m in point.metrics.values())


@needs_samples
def test_values_of_real_files_by_hand():
    (item,) = read_path(SAMPLES / "asv/results/demo-box/115a85db-virtualenv-py3.11-DEMO_FLAG1.json")
    table = next(p for p in item.run.points if p.name == "bench_core.time_table")
    metric = table.metrics["time"]
    assert (metric.value, metric.lower, metric.upper) == (
        0.0016957971562518992,
        0.00058806,
        0.0038336,
    )
    assert len(metric.samples) == 10
    (item,) = read_path(SAMPLES / "google-benchmark/plain.json")
    copy = item.run.points[0]
    assert copy.metrics["real_time"].value == 29.381681328906058 / 1e9
    assert copy.metrics["bytes_per_second"].value == 4.3581254617537508e09
    (item,) = read_path(SAMPLES / "hyperfine/params.json")
    assert item.run.points[0].metrics["time"].value == 0.14285698200000002
    assert item.run.points[0].tags == {"n": "100"}
    (item,) = read_path(SAMPLES / "pyperf/suite.json")
    assert item.run.points[0].metrics["time"].sample_groups == (4, 4, 4, 4)

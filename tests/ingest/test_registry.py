from __future__ import annotations

import importlib.metadata
import sys
import types

import pytest

from graven.errors import InvalidInput
from graven.ingest import Format, broken_formats, detect, formats, read_path, registry
from graven.model import Metric, Point, Run

OURS = ["calibrax", "pytest-benchmark", "pyperf", "hyperfine", "google-benchmark", "asv"]


def read_lines(source):
    points = []
    for line in source.data.decode().splitlines()[1:]:
        name, value = line.split("=")
        points.append(Point(name=name, scenario="s", metrics={"v": Metric(value=float(value))}))
    return Run(id=source.run_id, timestamp=source.modified, points=tuple(points))


LINES = Format(
    name="lines",
    description="name=value",
    recognises=lambda source: source.head.startswith(b"lines\n"),
    read=read_lines,
)


@pytest.fixture
def install(monkeypatch):
    """Put entry points beside ours; each is (name, value)."""

    def put(*entries, **attributes):
        module = types.ModuleType("stranger")
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, "stranger", module)
        found = importlib.metadata.EntryPoints(
            importlib.metadata.EntryPoint(name, value, registry.GROUP) for name, value in entries
        )
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found)
        registry.forget()

    yield put
    monkeypatch.undo()
    registry.forget()


def test_ours_are_there_without_any_package_metadata(install):
    install()
    assert list(formats()) == OURS
    assert broken_formats() == {}
    assert all(formats()[name].name == name for name in OURS)


def test_our_own_entry_points_are_not_loaded_twice(install):
    install(("asv", "graven.ingest.asv:FORMAT"))
    assert list(formats()) == OURS
    assert broken_formats() == {}


def test_another_packages_format_reads_its_files(install, tmp_path):
    install(("lines", "stranger:FORMAT"), FORMAT=LINES)
    path = tmp_path / "results.txt"
    path.write_text("lines\na=1.5\n")
    assert detect(path) is LINES
    (item,) = read_path(path)
    assert item.run.points[0].metrics["v"].value == 1.5
    assert (item.format, item.raw) == ("lines", path.read_bytes())


def test_a_broken_format_is_reported_and_stops_nobody(install, data):
    install(
        ("gone", "no_such_module:FORMAT"),
        ("none", "stranger:missing"),
        ("wrong", "stranger:WRONG"),
        ("asv", "stranger:FORMAT"),
        WRONG=5,
        FORMAT=LINES,
    )
    assert list(formats()) == OURS
    broken = broken_formats()
    assert set(broken) == {"gone", "none", "wrong", "stranger:FORMAT"}
    assert detect(data / "hyperfine.json").name == "hyperfine"
    with pytest.raises(InvalidInput, match="'gone' cannot be loaded"):
        read_path(data / "hyperfine.json", format="gone")


def test_a_format_that_fails_to_look_is_passed_over(install, tmp_path):
    def fall(source):
        raise RuntimeError("boom")

    failing = Format(name="failing", description="", recognises=fall, read=read_lines)
    install(("failing", "stranger:A"), ("lines", "stranger:B"), A=failing, B=LINES)
    path = tmp_path / "results.txt"
    path.write_text("lines\na=1\n")
    (item,) = read_path(path)
    assert item.format == "lines"
    assert any("boom" in note for note in item.notes)


def test_a_format_that_fails_to_read_is_an_error_of_the_file(install, tmp_path):
    install(("lines", "stranger:FORMAT"), FORMAT=LINES)
    path = tmp_path / "results.txt"
    path.write_text("lines\nno value\n")
    with pytest.raises(InvalidInput, match=r"results\.txt.*'lines' failed"):
        read_path(path)


def test_an_unknown_name_lists_the_known(data):
    with pytest.raises(InvalidInput) as caught:
        read_path(data / "hyperfine.json", format="junit")
    assert "hyperfine" in caught.value.hint


def test_a_named_format_reads_or_says_what_is_missing(data):
    (item,) = read_path(data / "hyperfine.json", format="hyperfine")
    assert item.format == "hyperfine"
    with pytest.raises(InvalidInput, match=r"hyperfine\.json: benchmarks: is missing"):
        read_path(data / "hyperfine.json", format="pytest-benchmark")

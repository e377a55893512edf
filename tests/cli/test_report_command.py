"""``graven report``."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import openpyxl
import pytest

from graven.model import Metric, Origin, Point


@pytest.fixture
def hardware(store, a_run):
    """Two more runs: of cpu and gpu by tag, the gpu simulated."""
    for number, device, time, origin in (
        (4, "cpu", 2.0, Origin.MEASURED),
        (5, "gpu", 0.5, Origin.SIMULATED),
    ):
        point = Point(
            name="infer", scenario="", tags={"device": device, "model": "bert"},
            metrics={"time": Metric(value=time)},
        )  # fmt: skip
        store.save(a_run(number, points=(point,), origin=origin))
    return store


@pytest.mark.parametrize("form", ["html", "md", "csv", "json", "xlsx"])
def test_the_ending_says_the_form(call, store, tmp_path, form):
    answer = call("report", "-o", f"r.{form}")
    assert (answer.code, answer.out) == (0, "")
    assert f"r.{form}: 3 runs, 2 series, " in answer.err
    head = (tmp_path / f"r.{form}").read_bytes()[:15]
    begins = {"html": b"<!doctype html>", "md": b"# <code>", "csv": b"run,time,branch",
              "json": b'{"schema": "gra', "xlsx": b"PK"}  # fmt: skip
    assert head.startswith(begins[form])


def test_the_page_holds_the_runs(call, store, tmp_path):
    call("report", "-o", "r.html", "--title", "A <title>")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "A &lt;title&gt;" in page
    assert "<title>A <title>" not in page


def opened(folder, browser, *words):
    """The command in a process of its own: `webbrowser` reads its variable once."""
    environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    return subprocess.run(
        [sys.executable, "-m", "graven", "report", *words, "--open"],
        cwd=folder, text=True, capture_output=True, check=False,
        env={**environment, "BROWSER": browser, "PATH": "/nowhere"},
    )  # fmt: skip


def test_a_page_is_opened_once_it_is_written(call, store, tmp_path):
    fake = tmp_path / "browser.py"
    fake.write_text(
        "import sys, urllib.request as net\n"
        "page = net.urlopen(sys.argv[1]).read()\n"
        "open('seen', 'w').write(f'{sys.argv[1]} {page[:15].decode()}')\n"
    )
    done = opened(tmp_path, f"{sys.executable} {fake} %s", "-o", "it's 1#.html")
    assert (done.returncode, done.stdout) == (0, "")
    page = (tmp_path.resolve() / "it's 1#.html").as_uri()
    assert (tmp_path / "seen").read_text() == f"{page} <!doctype html>"
    none = opened(tmp_path, "no-such-browser", "-o", "r.html")
    assert none.returncode == 0
    assert "no browser opens r.html" in none.stderr
    assert (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    "words",
    [
        (), ("-o", "-", "--format", "html"), ("-o", "r.md"), ("-o", "r.html", "--format", "csv"),
        ("-o", "r.html", "--compare", "branch"),
    ],
)  # fmt: skip
def test_only_a_page_in_a_file_is_opened(call, store, tmp_path, words):
    answer = call("report", *words, "--open")
    assert (answer.code, answer.out) == (2, "")
    assert "--open" in answer.err
    assert not list(tmp_path.glob("r.*"))


def test_standard_output_has_markdown_unless_said_otherwise(call, store):
    assert call("report").out.startswith("# <code>")
    rows = list(csv.DictReader(io.StringIO(call("report", "-o", "-", "--format", "csv").out)))
    assert len(rows) == 6
    assert json.loads(call("report", "--json").out)["schema"] == "graven.report/1"


def test_what_is_misspelt_is_told(call, store):
    assert "no series of these runs fits" in call("report", "--metric", "tiem", "-o", "r.csv").err
    answer = call("report", "--baseline", "nosuch", "-o", "r.md")
    assert answer.code == 3
    assert "no baseline 'nosuch' is set" in answer.err
    assert "--allow-missing" not in answer.err  # an option of check


def test_json_says_what_was_written(call, store, tmp_path):
    answer = call("report", "-o", "r.csv", "-n", "2", "--json")
    (record,) = answer.records()
    assert record == {
        "schema": "graven.report-written/1", "path": "r.csv", "format": "csv",
        "bytes": (tmp_path / "r.csv").stat().st_size, "runs": 2, "series": 2,
        "left_out": ["1 older runs"],
    }  # fmt: skip
    assert answer.err == ""


def test_it_says_what_is_left_out(call, store):
    answer = call("report", "-o", "r.csv", "-n", "1", "--max-series", "1")
    assert "left out: 2 older runs; 1 series" in answer.err
    assert call("report", "-o", "r.csv", "-n", "1", "--quiet").err == ""


def test_a_query_a_branch_and_patterns_choose(call, store, a_run):
    store.save(a_run(4, branch="dev"))
    rows = list(csv.DictReader(io.StringIO(
        call("report", "--format", "csv", "--branch", "main", "-w", "metric.time > 1.01",
             "--metric", "ti*").out)))  # fmt: skip
    assert [row["run"] for row in rows] == ["r2", "r3"]
    assert {row["metric"] for row in rows} == {"time"}


def test_the_comparison_is_of_what_was_asked_for(call, store):
    call("baseline", "set", "r1")
    everything = json.loads(call("report", "--json").out)["comparison"]["rows"]
    assert {row["metric"] for row in everything} == {"time", "rate"}
    some = json.loads(call("report", "--metric", "ti*", "--json").out)["comparison"]["rows"]
    assert [row["metric"] for row in some] == ["time"]


def test_mistakes_are_told(call, store):
    for words, code, text in (
        (("-o", "r.txt"), 2, "no form of a report ends in '.txt'"),
        (("-o", "."), 2, "no form"),
        (("-o", "no/r.md"), 3, "no folder"),
        (("-w", "brnch = x"), 2, "did you mean 'branch'?"),
        (("-w", "brnch = x", "-b", "main"), 2, "(column 1)"),
        (("--model", "x"), 2, "--model goes with --compare"),
        (("--json", "--format", "csv"), 2, "exclude each other"),
        (("--compare", "foo"), 2, "tag.KEY"),
        (("--compare", "branch", "-o", "r.html"), 2, "one of md, csv, json, xlsx"),
        (("--baseline", "nobody"), 3, "nobody"),
    ):
        answer = call("report", *words)
        assert (answer.code, text in answer.err) == (code, True), (words, answer.err)


def test_a_page_is_not_for_a_terminal(call, store, monkeypatch):
    monkeypatch.setattr("graven.cli.commands.report.is_terminal", lambda stream: True)
    for form in ("html", "xlsx"):
        answer = call("report", "--format", form)
        assert answer.code == 2
        assert f"-o report.{form}" in answer.err


def test_nothing_fits(call, store):
    answer = call("report", "-w", "branch = mian")
    assert answer.code == 0
    assert "did you mean 'main'?" in answer.err
    assert "| runs | 0 |" in answer.out


def test_groups_side_by_side(call, hardware):
    titles, cpu, gpu = call("report", "--compare", "tag.device", "--model", "bert").rows()
    at = titles.index
    assert [row[at("group")] for row in (cpu, gpu)] == ["cpu", "gpu"]
    assert (cpu[at("best")], gpu[at("best")]) == ("true", "false")
    assert gpu[at("origin")] == "simulated"


def test_groups_for_people(call, hardware):
    answer = call("--color", "always", "report", "--compare", "tag.device")
    assert "time [s], lower is better" in answer.out
    assert "simulated" in answer.out
    assert "values without tag.device" in answer.err


@pytest.mark.parametrize("form", ["md", "csv", "json", "xlsx"])
def test_groups_as_a_file(call, hardware, tmp_path, form):
    answer = call("report", "--compare", "tag.device", "-o", f"g.{form}")
    assert f"g.{form}: 2 groups, " in answer.err
    if form == "xlsx":
        assert "Values" in openpyxl.load_workbook(tmp_path / "g.xlsx").sheetnames
    else:
        assert "simulated" in (tmp_path / f"g.{form}").read_text()


def test_groups_as_json(call, hardware):
    (record,) = call("report", "--compare", "tag.device", "--json").records()
    assert record["schema"] == "graven.report-groups/1"
    assert [group["label"] for group in record["groups"]] == ["cpu", "gpu"]

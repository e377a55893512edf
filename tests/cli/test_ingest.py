"""``graven ingest``: many files, the bad ones named, the good ones in."""

from __future__ import annotations

import json

import pytest

HYPERFINE = {
    "results": [
        {"command": "sleep 0.1", "mean": 0.1, "stddev": 0.01, "median": 0.1, "user": 0.0,
         "system": 0.0, "min": 0.09, "max": 0.11, "times": [0.09, 0.1, 0.11],
         "exit_codes": [0, 0, 0]},
    ]
}  # fmt: skip


@pytest.fixture
def result(tmp_path):
    """A result file of hyperfine."""
    file = tmp_path / "result.json"
    file.write_text(json.dumps(HYPERFINE))
    return file


@pytest.fixture
def run_file(tmp_path, store):
    """A run of calibrax's form, which has its own id."""
    record = store.load("r1").to_dict()
    record["id"] = "mine"
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(record))
    return file


def test_a_file_is_saved_once(call, store, result):
    first = call("ingest", "result.json", "-b", "main", "--commit", "c0ffee00")
    assert first.code == 0
    ((outcome, run_id, format_name, source),) = first.rows()
    assert (outcome, format_name, source) == ("saved", "hyperfine", "result.json")
    again = call("ingest", "result.json", "-b", "main", "--commit", "c0ffee00")
    assert again.rows() == [["unchanged", run_id, "hyperfine", "result.json"]]
    run = store.load(run_id)
    assert (run.branch, run.commit) == ("main", "c0ffee00")


def test_the_raw_file_is_kept_unless_the_setting_says_no(call, store, result):
    call("ingest", "result.json")
    run_id = store.headers(limit=1)[0].run_id
    (kept,) = store.attachments(run_id)
    assert kept.name == "artifacts/raw/result.json"
    assert store.read_attachment(run_id, kept.name) == result.read_bytes()
    call("config", "ingest.keep_raw", "false")
    call("ingest", "result.json", "--branch", "other")
    assert store.attachments(store.headers(limit=1, branch="other")[0].run_id) == []


def test_a_bad_file_is_named_and_the_good_ones_are_in(call, store, result, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    answer = call("ingest", "bad.json", "result.json", "missing.json")
    assert answer.code == 2
    assert [row[0] for row in answer.rows()] == ["saved"]
    assert "graven: bad.json" in answer.err
    assert "graven: missing.json: no such file" in answer.err
    assert answer.err.endswith("1 saved, 2 failed\n")
    record = call("ingest", "bad.json", "result.json", "--json").records()[0]
    assert record["schema"] == "graven.ingest/1"
    assert [run["outcome"] for run in record["runs"]] == ["unchanged"]
    assert [failed["source"] for failed in record["failed"]] == ["bad.json"]


def test_the_code_is_the_failures_own_where_nothing_else_happened(call, store):
    assert call("ingest", "missing.json").code == 3


def test_an_id_that_stands_for_other_results_is_a_conflict(call, store, run_file):
    assert call("ingest", "mine.json").rows()[0][0] == "saved"
    assert call("ingest", "mine.json").rows()[0][0] == "unchanged"
    record = json.loads(run_file.read_text())
    record["points"][0]["metrics"]["time"]["value"] = 7.0
    run_file.write_text(json.dumps(record))
    refused = call("ingest", "mine.json")
    assert refused.code == 4
    assert "run 'mine' is in the store with other results" in refused.err
    assert store.load("mine").points[0].metrics["time"].value == 1.0
    assert call("ingest", "mine.json", "--replace").rows()[0][0] == "replaced"
    assert store.load("mine").points[0].metrics["time"].value == 7.0


def test_the_same_run_twice_in_one_call(call, store, run_file, tmp_path):
    (tmp_path / "copy.json").write_bytes(run_file.read_bytes())
    outcomes = [row[0] for row in call("ingest", "mine.json", "copy.json").rows()]
    assert sorted(outcomes) == ["saved", "unchanged"]


def test_words_that_no_run_could_carry_are_refused_before_anything_is_read(call, store, result):
    for words in (
        ("--tag", "novalue"),
        ("--tag", "a=1", "--tag", "a=2"),
        ("--time", "soon"),
        ("--direction", "time=sideways"),
        ("--format", "nope"),
        ("--id", "a/b"),
    ):
        assert call("ingest", "result.json", *words).code == 2, words
    assert len(call("log").rows()) == 3
    assert call("ingest", "result.json", "result.json", "--id", "one").code == 2


def test_folders_and_strangers(call, store, result, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    result.rename(folder / "result.json")
    (folder / "notes.txt").write_text("hello")
    answer = call("ingest", "results")
    assert answer.code == 0
    assert "skipped results/notes.txt: no known format" in answer.err


def test_many_files_go_in_batches(call, store, tmp_path, monkeypatch):
    monkeypatch.setattr("graven.porcelain.ingest.BATCH_RUNS", 3)
    packs = len(store.packs())
    for number in range(7):
        record = json.loads(json.dumps(HYPERFINE))
        record["results"][0]["command"] = f"sleep {number}"
        (tmp_path / f"f{number}.json").write_text(json.dumps(record))
    answer = call("ingest", *(f"f{number}.json" for number in range(7)))
    assert [row[0] for row in answer.rows()] == ["saved"] * 7
    assert len(store.packs()) - packs == 3


def test_where_nothing_is_found_it_is_a_mistake(call, store, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("words")
    for folder, said in (("empty", "no file"), ("other", "no file that a format knows")):
        answer = call("ingest", folder, "-q")
        assert (answer.code, answer.out) == (2, "")
        assert f"nothing to ingest: {said}\n" in answer.err
        assert call("ingest", folder, "--json").code == 2

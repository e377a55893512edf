"""What a person may hand in by mistake: each gets its name, a hint, its code, and no half run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from graven.ingest import source as source_module

HYPERFINE = Path(__file__).parents[1] / "ingest" / "data" / "hyperfine.json"


def run_json(*, run_id="x", value="1", tags="{}"):
    return (
        f'{{"id": "{run_id}", "timestamp": "2026-01-01T00:00:00Z", "points": [{{"name": "p",'
        f' "scenario": "s", "tags": {tags}, "metrics": {{"m": {{"value": {value}}}}}}}]}}'
    ).encode()


BAD_FILES = {
    "truncated": (HYPERFINE.read_bytes()[:400], "looks cut off"),
    "empty": (b"", "did the benchmark finish"),
    "foreign": (b"\x7fELF\x02\x01\x01" + bytes(99), "known formats"),
    "other JSON": (b'{"name": "left-pad", "version": "1.3.0"}', "known formats"),
    "deep lists": (b"[" * 100_000, "no benchmark tool"),
    "deep maps": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "no benchmark tool"),
    "not UTF-8": (b'{"a": "\xff\xfe"}', "UTF-8"),
    "UTF-16": (HYPERFINE.read_text().encode("utf-16"), "UTF-8"),
    "a number of 5000 digits": (run_json(value="9" * 5000), "no benchmark tool"),
    "beyond 2^53": (run_json(value="9007199254740993"), "round it"),
    "id with ..": (run_json(run_id="../x"), "use letters"),
    "id with /": (run_json(run_id="a/b"), "use letters"),
    "id with NUL": (run_json(run_id="a\\u0000b"), "use letters"),
    "id of 300": (run_json(run_id="a" * 300), "at most 200"),
    "device of Windows": (run_json(run_id="CON"), "use letters"),
    "word of revisions": (run_json(run_id="latest"), "another id"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_with_a_hint_and_changes_nothing(call, store, tmp_path, name):
    content, hint = BAD_FILES[name]
    (tmp_path / "bad.json").write_bytes(content)
    answer = call("ingest", "bad.json", "--no-git", "--json")
    assert answer.code == 2
    (failed,) = json.loads(answer.out)["failed"]
    assert failed["message"].startswith("bad.json: ")
    assert failed["file"] == "bad.json"
    assert hint in failed["hint"]
    assert sorted(run.id for run in store.list_runs()) == ["r1", "r2", "r3"]
    assert store.fsck("full").ok


def test_a_tag_that_is_no_text_is_named_with_its_field(call, store, tmp_path):
    (tmp_path / "bad.json").write_bytes(run_json(tags='{"n": 5}'))
    answer = call("ingest", "bad.json", "--json")
    assert answer.code == 2
    (failed,) = json.loads(answer.out)["failed"]
    assert failed["field"] == "points[0].tags.n"


def test_a_huge_file_is_refused_before_it_is_read(call, store, tmp_path, monkeypatch):
    with (tmp_path / "huge.json").open("wb") as file:
        file.write(b"{")
        file.truncate(source_module.MAX_BYTES + 1)  # sparse: takes no room
    monkeypatch.setattr(source_module, "decode_json", pytest.fail)
    answer = call("ingest", "huge.json")
    assert answer.code == 2
    assert answer.err.startswith("graven: huge.json: is larger than 512 MiB\nhint: ")


def test_ids_that_differ_in_case_are_two_runs_on_every_system(call, store, tmp_path):
    for name in ("Abc", "abc"):
        (tmp_path / f"{name}.json").write_bytes(run_json(run_id=name))
        assert call("ingest", f"{name}.json").code == 0
    views = [path.name.casefold() for path in (tmp_path / ".graven" / "runs").iterdir()]
    assert len(set(views)) == len(views) == 5


@pytest.mark.parametrize(("word", "shown"), [("NaN", "NaN"), ("-Infinity", "-Infinity")])
def test_values_that_are_no_numbers_go_in_and_out(call, store, tmp_path, word, shown):
    (tmp_path / "odd.json").write_bytes(run_json(value=word))
    assert call("ingest", "odd.json").code == 0
    run = json.loads(call("show", "x", "--json").out)["run"]
    assert run["points"][0]["metrics"]["m"]["value"] == shown


def test_a_folder_of_good_and_bad_takes_the_good_and_names_the_bad(call, store, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(HYPERFINE, folder / "good.json")
    (folder / "cut.json").write_bytes(HYPERFINE.read_bytes()[:400])
    (folder / "notes.txt").write_text("nothing")
    answer = call("ingest", "results", "--no-git")
    assert answer.code == 2
    assert "graven: results/cut.json: is not JSON" in answer.err
    assert "skipped results/notes.txt: no known format" in answer.err
    assert answer.out.startswith("saved\t")
    assert len(store.headers()) == 4


def test_a_run_under_a_baseline_goes_only_by_force_and_the_baseline_keeps_it(call, store):
    store.set_baseline("r1")
    answer = call("rm", "r1")
    assert answer.code == 4
    assert "baselines/main" in answer.err
    assert "--force" in answer.err
    assert call("rm", "r1", "--force").code == 0
    assert call("show", "r1").code == 3
    assert store.get_baseline().id == "r1"
    assert call("check", "--run", "r2").code == 0
    assert store.fsck("full").ok


def test_secrets_of_an_environment_stay_out(call, store, tmp_path):
    record = json.loads(run_json())
    record["environment"] = {"env": {"API_TOKEN": "hunter2hunter2"}, "cpu": "x"}
    (tmp_path / "run.json").write_text(json.dumps(record))
    answer = call("ingest", "run.json", "--no-git")
    assert answer.code == 0
    assert "run.json: environment.env.API_TOKEN: looks like a secret" in answer.err
    assert store.load("x").environment["cpu"] == "x"
    assert "hunter2" not in str(store.load("x").to_dict())
    for path in (tmp_path / ".graven").rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes()


def test_a_store_of_a_newer_format_is_left_alone(call, store, tmp_path):
    place = tmp_path / ".graven" / "store.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"format": 99}))
    for words in (["log"], ["status"], ["ingest", "x.json"], ["fsck"]):
        answer = call(*words)
        assert answer.code == 7, words
        assert "store.json" in answer.err
        assert "newer graven" in answer.err


def test_a_missing_store_is_not_made(call, tmp_path):
    for words in (["log"], ["ingest", "x.json"], ["rm", "x"]):
        answer = call("-C", "gone", *words)
        assert answer.code == 3, words
        assert "graven init" in answer.err
    assert list(tmp_path.iterdir()) == []

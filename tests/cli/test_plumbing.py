"""Plumbing: records a program reads."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace

import pytest


@pytest.fixture
def stdin(monkeypatch):
    """``stdin(b"...")`` is what the next call reads."""

    def give(data):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    return give


def test_hash_object_and_cat_object(call, store, tmp_path, stdin):
    (tmp_path / "file").write_bytes(b"hello")
    (object_id,) = call("hash-object", "file").out.split()
    assert object_id == "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
    assert call("cat-object", object_id).code == 3
    stdin(b"hello")
    assert call("hash-object", "-w", "--stdin").out == object_id + "\n"
    assert call("cat-object", object_id[:8]).out == "hello"
    assert call("cat-object", object_id, "--kind").out == "blob\n"
    assert call("cat-object", object_id, "--size").out == "5\n"
    assert call("cat-object", object_id, "--json").records()[0]["kind"] == "blob"
    assert call("hash-object").code == 2
    pretty = json.loads(call("cat-object", "--pretty", store.resolve("r1").object_id).out)
    assert pretty[0] == "run"


def test_a_loose_object_is_a_file_of_its_own(call, store, tmp_path):
    (tmp_path / "file").write_bytes(bytes(2_000_000))
    assert call("hash-object", "file", "--loose").code == 2
    (plain,) = call("hash-object", "file").out.split()
    (object_id,) = call("hash-object", "-w", "--loose", "file").out.split()
    assert object_id == plain
    assert call("cat-object", object_id[:10], "--size").out == "2000000\n"
    (row,) = [row for row in call("ls-objects", "--kind", "blob").rows() if row[0] == object_id]
    assert row[3].startswith(f"objects/{object_id[:2]}/{object_id[2:]}-")
    assert (store.path / row[3]).read_bytes() == bytes(2_000_000)
    assert call("hash-object", "-w", "--loose", "--kind", "run", "file").code == 2


def test_rev_parse(call, store):
    objects = {name: store.resolve(name).object_id for name in ("r1", "r3")}
    assert call("rev-parse", "latest", "latest~2").rows() == [
        ["r3", objects["r3"], "latest"],
        ["r1", objects["r1"], "latest"],
    ]
    assert call("rev-parse", "--object", "r1").out == objects["r1"] + "\n"
    assert call("rev-parse", "nope").code == 3


def test_refs(call, store):
    objects = {name: store.resolve(name).object_id for name in ("r1", "r2", "r3")}
    assert call("update-ref", "baselines/main", "r1").out == f"{objects['r1']}\tbaselines/main\n"
    assert call("show-ref", "--guarded").rows() == [[objects["r1"], "baselines/main"]]
    assert [row[1] for row in call("show-ref").rows()] == [
        "baselines/main", "runs/r1", "runs/r2", "runs/r3",
    ]  # fmt: skip
    moved = call("update-ref", "baselines/main", "r2", "--expect", objects["r3"])
    assert moved.code == 4
    assert call("update-ref", "baselines/main", "r2", "--expect", objects["r1"]).code == 0
    assert call("update-ref", "baselines/main", "--delete").out == "-\tbaselines/main\n"
    for words in (("runs/r1", "r2"), ("baselines/", "r1"), ("baselines/x",)):
        assert call("update-ref", *words).code == 2
    assert call("update-ref", "baselines/../../x", "r1").code == 2


def test_objects_and_packs(call, store):
    kinds = [row[1] for row in call("ls-objects").rows()]
    assert sorted(kinds) == ["definitions", "environment", "run", "run", "run"]
    assert len(call("ls-objects", "--kind", "run").rows()) == 3
    ((name, size, objects, problem),) = call("show-pack").rows()
    assert (int(size) > 0, objects, problem) == (True, "5", "")
    records = call("show-pack", name[:20]).rows()
    assert [record[0] for record in records if record[0] != "frame"] == [
        "pack", "update", "update", "update", *["object"] * 5,
    ]  # fmt: skip
    assert call("show-pack", "ffff").code == 3
    assert call("show-pack", name, "--json").records()[0]["name"] == name


def test_write_run_reads_what_show_writes(call, store, tmp_path):
    (tmp_path / "run.json").write_text(call("show", "r1", "--json").out)
    other = str(tmp_path / "other")
    call("init", other)
    assert call("-C", other, "write-run", "run.json").out == "r1\n"
    assert call("-C", other, "rev-parse", "--object", "r1").out.strip() == (
        store.resolve("r1").object_id
    )


def test_write_run_stops_at_a_bad_line_and_says_what_is_saved(call, store, stdin):
    good = store.load("r1").to_dict()
    good["points"][0]["metrics"]["time"]["value"] = "NaN"
    lines = [json.dumps({**good, "id": name}) for name in ("a", "b")]
    stdin("\n".join([*lines, "{", lines[0]]).encode())
    answer = call("write-run", "--stdin")
    assert answer.code == 2
    assert answer.out == "a\nb\n"
    assert answer.err.startswith("graven: standard input, line 3: not JSON")
    value = store.load("a").points[0].metrics["time"].value
    assert value != value
    stdin(json.dumps({**good, "id": "../x"}).encode())
    assert call("write-run", "--stdin").code == 2
    stdin(b"[1]")
    assert call("write-run", "--stdin").code == 2


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"points": 5}, "points"),
        ({"points": [5]}, "points[0]"),
        ({"points": [{"name": "p", "scenario": "s", "metrics": 5}]}, "points[0].metrics"),
        ({"points": [], "commit": 5}, "commit"),
    ],
)
def test_write_run_names_the_file_and_the_field(call, store, tmp_path, record, field):
    start = {"id": "x", "timestamp": "2026-01-01T00:00:00Z"}
    (tmp_path / "run.json").write_text(json.dumps(start | record))
    answer = call("write-run", "run.json", "--json")
    assert answer.code == 2
    error = json.loads(answer.err)
    assert (error["file"], error["field"]) == ("run.json", field)
    assert error["message"].startswith(f"run.json: {field}: ")
    assert len(store.headers()) == 3

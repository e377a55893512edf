"""``graven push``: what goes, what does not, and how a person gets on."""

from __future__ import annotations

import json
import re

import pytest

import graven


def conflict(call, store, team):
    """The baseline main has moved here to r2 (by ann) and there to r3."""
    call("baseline", "set", "r1")
    call("push")
    graven.open(team.path).baselines.set("main", "r3", message="theirs")
    call("baseline", "set", "r2", "-m", "ours")


def test_what_is_new_is_sent_once(call, store, team):
    call("baseline", "set", "r1")
    first = call("push")
    assert first.code == 0
    assert first.out == ""
    assert re.fullmatch(r"origin: 3 runs, baselines/main; [\d.]+ (B|KiB) in 1 pack\n", first.err)
    assert [run.id for run in team.list_runs()] == ["r3", "r2", "r1"]
    assert team.get_baseline().id == "r1"
    assert call("push", "origin").err == "origin: nothing new\n"
    assert call("push", "team.graven").err == f"{team.path}: nothing new\n"
    call("rm", "r2")
    assert call("push").err.startswith("origin: 1 deletion; ")
    assert call("push", "--quiet").err == ""


def test_json(call, store, team):
    record = call("push", "--json").records()[0]
    assert (record["schema"], record["remote"], record["url"]) == (
        "graven.push/1", "origin", team.url,
    )  # fmt: skip
    assert record["sent"]["runs"] == ["r1", "r2", "r3"]
    assert record["delivered"]["packs"] == 0


def test_a_conflict_shows_both_histories_and_what_to_do(call, store, team, monkeypatch):
    monkeypatch.setenv("GRAVEN_AUTHOR", "ann")
    conflict(call, store, team)
    answer = call("push")
    assert answer.code == 4
    rows = [[row[2], row[3], *row[5:]] for row in answer.rows()]
    assert rows == [["here", "r2", "ann", "ours"], ["there", "r3", "", "theirs"],
                    ["both", "r1", "ann", ""]]  # fmt: skip
    assert {(row[0], row[1]) for row in answer.rows()} == {("conflict", "baselines/main")}
    assert "graven: baselines/main has moved here and at origin\n" in answer.err
    assert "'graven pull origin' and 'graven baseline set main r3'" in answer.err
    assert f"'graven -C {team.url} baseline set main r2'" in answer.err
    assert team.get_baseline().id == "r3"
    shown = call("push", "--color", "always").out
    for word in ("here", "there", "r1", "r2", "r3", "ours", "theirs", "by ann"):
        assert word in shown
    record = call("push", "--json").records()[0]["sent"]["conflicts"][0]
    assert (record["ours"][0]["run"], record["theirs"][0]["run"]) == ("r2", "r3")


@pytest.mark.parametrize(("way", "winner"), [("theirs", "r3"), ("yours", "r2")])
def test_following_the_hint_ends_the_conflict(call, store, team, way, winner):
    conflict(call, store, team)
    hint = call("push").err.rpartition("hint: ")[2]
    (steps,) = (part for part in hint.split("; ") if way in part)
    for step in re.findall(r"'graven ([^']+)'", steps):
        call(*step.split())
    assert (call("pull").code, call("push").code) == (0, 0)
    assert store.get_baseline().id == team.get_baseline().id == winner


def test_taking_theirs_ends_the_conflict(call, store, team):
    conflict(call, store, team)
    assert call("pull").code == 4
    call("baseline", "set", "main", "r3")
    assert (call("pull").code, call("push").code) == (0, 0)
    call("baseline", "set", "main", "r1")
    assert call("push").code == 0
    assert team.get_baseline().id == "r1"


def test_keeping_ones_own_ends_the_conflict(call, store, team):
    conflict(call, store, team)
    assert call("push").code == 4
    assert call("-C", str(team.path), "baseline", "set", "main", "r2").code == 0
    assert (call("pull").code, call("push").code) == (0, 0)
    team.baselines.set("main", "r1")
    assert call("pull").code == 0
    assert store.get_baseline().id == "r1"


def test_what_cannot_be_read_is_named_and_the_rest_goes(call, store, team, a_run):
    store.save(a_run(9, environment={"cpu": "odd"}, metadata={"x": "y" * 200}))
    newest = max((store.path / "packs").iterdir())
    frame = store.show_pack(newest.name).frames[-1]
    data = bytearray(newest.read_bytes())
    data[frame["offset"] + frame["stored"]] ^= 255
    newest.chmod(0o600)
    newest.write_bytes(bytes(data))
    answer = call("push")
    assert answer.code == 5
    assert "graven: runs/r9: " in answer.err
    assert [run.id for run in team.list_runs()] == ["r3", "r2", "r1"]
    assert "runs/r9" in call("push", "--json").records()[0]["sent"]["failed"]


def test_where_there_is_no_store_one_can_be_made(call, store, tmp_path):
    answer = call("push", "./new")
    assert answer.code == 3
    assert answer.err == (
        f"graven: no graven store at {tmp_path / 'new'}\n"
        f"hint: 'graven init {tmp_path / 'new'}' makes one\n"
    )
    assert call("init", "new").code == 0
    assert call("push", "./new").code == 0
    assert call("push").err == "graven: no remote 'origin'\nhint: 'graven remote add' names one\n"


def test_an_archive_is_not_pushed_to(call, store):
    call("bundle", "create", "x.zip")
    answer = call("push", "x.zip")
    assert answer.code == 6
    assert "archives are read-only" in answer.err
    assert "'graven bundle create'" in answer.err


def test_the_network_is_not_used_offline(call, store, monkeypatch):
    call("remote", "add", "origin", "s3://bench/p")
    answer = call("--offline", "push")
    assert answer.code == 2
    assert "--offline forbids it" in answer.err
    monkeypatch.setenv("GRAVEN_OFFLINE", "1")
    assert call("push").err == answer.err


def test_views_are_written_there_unless_told_otherwise(call, store, team, monkeypatch):
    monkeypatch.setenv("GRAVEN_VIEWS", "none")
    call("push")
    assert not (team.path / "runs").exists()
    monkeypatch.setenv("GRAVEN_VIEWS", "all")
    call("rm", "r1")
    call("restore", "r1")
    call("push")
    assert json.loads((team.path / "runs" / "r1.json").read_text())["id"] == "r1"

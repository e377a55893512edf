"""``graven pull``."""

from __future__ import annotations

import graven
from graven.sync.bundle import create_bundle


def fill(team, a_run):
    for number in (7, 8, 9):
        team.save(a_run(number, branch="dev" if number == 8 else "main"))
    team.attach("r7", "artifacts/x", b"x")
    team.baselines.set("main", "r9")


def test_what_is_new_comes_once(call, store, team, a_run):
    fill(team, a_run)
    first = call("pull")
    assert first.code == 0
    assert first.err.startswith("origin: 3 runs, 1 artifact, baselines/main; ")
    assert [row[0] for row in call("log").rows()] == ["r9", "r8", "r7", "r3", "r2", "r1"]
    assert store.get_baseline().id == "r9"
    assert call("pull").err == "origin: nothing new\n"


def test_a_run_that_was_removed_here_stays_removed(call, store, team):
    call("push")
    call("rm", "r2")
    assert call("pull").code == 0
    assert [row[0] for row in call("log").rows()] == ["r3", "r1"]
    call("push")
    assert [run.id for run in team.list_runs()] == ["r3", "r1"]


def test_a_part_of_it(call, store, team, a_run):
    fill(team, a_run)
    answer = call("pull", "--branch", "main", "--since", "2026-01-02T20:30:00+00:00")
    assert "(only branch main, since 2026-01-02 20:30): 1 run" in answer.err
    answer = call("pull", "origin", "-b", "dev", "--no-artifacts", "--json").records()[0]
    assert answer["schema"] == "graven.pull/1"
    assert answer["partial"] == {"since": None, "branch": "dev", "attachments": False}
    assert answer["received"]["runs"] == ["r8"]
    assert call("pull").err.startswith("origin: 1 run, 1 artifact; ")
    assert call("pull", "--all", "--branch", "main").code == 2


def test_a_partial_clone_stays_one_until_all_is_asked_for(call, store, a_run):
    assert call("clone", ".", "part", "--branch", "dev").code == 0
    part = ("-C", "part/.graven")
    store.save(a_run(8, branch="dev"))
    assert call(*part, "pull").err.startswith("origin (only branch dev): 1 run; ")
    assert call(*part, "pull", "--all").err.startswith("origin: 3 runs; ")
    store.save(a_run(9))
    assert call(*part, "pull").err.startswith("origin: 1 run; ")
    assert call(*part, "remote").rows()[0][2] == ""


def test_an_archive_is_pulled_in(call, store, tmp_path, a_run):
    other = graven.init(tmp_path / "other")
    other.save(a_run(9))
    create_bundle(other, tmp_path / "x.zip")
    assert call("pull", "x.zip").err.startswith(f"zip://{tmp_path}/x.zip: 1 run; ")
    assert call("log", "-n", "1").rows()[0][0] == "r9"


def test_in_a_conflict_here_is_this_side(call, store, team):
    call("baseline", "set", "r1")
    call("push")
    team.baselines.set("main", "r3")
    call("baseline", "set", "r2")
    for words in (("push",), ("pull",)):
        answer = call(*words)
        assert answer.code == 4
        sides = {row[2]: row[3] for row in answer.rows()}
        assert sides == {"here": "r2", "there": "r3", "both": "r1"}
    assert store.get_baseline().id == "r2"


def test_a_tag_that_both_have_made_is_a_conflict_with_its_own_way_out(call, store, team, a_run):
    call("push")
    team.tags.set("v1", "r1")
    store.tags.set("v1", "r2")
    answer = call("pull")
    assert answer.code == 4
    assert [row[2] for row in answer.rows()] == ["here", "there"]
    assert "'graven tag set v1 r1 --force'" in answer.err


def test_from_nowhere(call, store):
    assert call("pull", "./nothing").code == 3
    assert call("pull", "nothing.zip").code == 3
    assert call("pull", "").code == 2

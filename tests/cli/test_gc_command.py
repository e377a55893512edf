"""``graven gc`` and ``graven repack``, and the repack that starts by itself."""

from __future__ import annotations

import os
import subprocess

import pytest

from graven import clock
from graven.cli import tending


def age_plans(tmp_path, seconds):
    then = clock.wall_seconds() - seconds
    for plan in (tmp_path / ".graven" / "packs").glob("plan-*.condemned"):
        os.utime(plan, (then, then))


def test_two_visits(call, store, tmp_path):
    for run in ("r1", "r2"):
        store.delete(run)
    planned = call("gc", "--dry-run")
    assert planned.code == 0
    assert planned.out.startswith("would rewrite packs/")
    assert planned.err.startswith("would condemn 1 file, ")
    assert not list((tmp_path / ".graven" / "packs").glob("plan-*"))
    first = call("gc")
    assert "rewrote 1 pack with little in use: 1 new pack, " in first.err
    assert "'graven gc' deletes it 24 hours from now" in first.err
    assert "1 earlier plan whose grace is not over" in call("gc").err
    age_plans(tmp_path, 25 * 3600)
    assert "deleted 1 file, " in call("gc").err
    assert [row[0] for row in call("log").rows()] == ["r3"]
    assert call("fsck", "--full").code == 0


def test_json(call, store):
    store.delete("r1")
    (record,) = call("gc", "--json").records()
    assert record["schema"] == "graven.gc/1"
    assert record["grace_seconds"] == 86_400
    assert record["swept"]["deleted"] == []
    (record,) = call("repack", "--json").records()
    assert record["schema"] == "graven.repack/1"
    (record,) = call("repack", "--auto", "--json").records()
    assert record == {"schema": "graven.repack/1", "due": False}


def test_quiet_says_nothing(call, store):
    store.delete("r1")
    answer = call("gc", "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")


def test_a_grace(call, store):
    store.delete("r1")
    store.delete("r2")
    assert call("gc", "--grace", "1h").code == 2
    bad = call("gc", "--grace", "soon")
    assert (bad.code, bad.err.splitlines()[0]) == (
        2,
        "graven: --grace: not a span of time: 'soon'",
    )
    assert "deletes it 7 days from now" in call("gc", "--grace", "7d").err


def test_damage_stops_it(call, store, tmp_path):
    store.delete("r1")
    pack = sorted((tmp_path / ".graven" / "packs").glob("*.pack"))[0]
    data = bytearray(pack.read_bytes())
    data[-45] ^= 255
    pack.write_bytes(bytes(data))
    answer = call("gc")
    assert answer.code == 5
    assert "cannot be read whole" in answer.err
    assert "nothing was condemned" in answer.err


def test_an_archive_is_refused(call, store):
    call("bundle", "create", "x.zip")
    assert call("-C", "x.zip", "gc").code == 6
    assert call("-C", "x.zip", "repack").code == 6


def test_repack(call, store, a_run, tmp_path):
    for number in range(4, 8):
        store.save(a_run(number))
    merged = call("repack")
    assert "merged 5 packs of " in merged.err
    assert "no small packs to merge" in call("repack").err
    age_plans(tmp_path, 700)
    assert "deleted 5 files, " in call("repack").err
    assert len(list((tmp_path / ".graven" / "packs").glob("*.pack"))) == 1
    assert len(call("log").rows()) == 7
    assert call("repack", "--level", "20").code == 2


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started."""
    commands = []
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **options: commands.append((command, options))
    )
    monkeypatch.setenv("GRAVEN_AUTO_REPACK", "1")
    return commands


def test_it_starts_by_itself_once_there_are_many(call, store, a_run, started, tmp_path):
    assert call("config", "repack.auto", "3").code == 0
    assert call("rm", "r1").code == 0
    assert started == []
    assert call("log").code == 0
    assert call("rm", "r2").code == 0
    ((command, options),) = started
    assert command[1:] == [
        "-m", "graven", "--quiet", "--store", str(tmp_path / ".graven"), "repack", "--auto",
    ]  # fmt: skip
    assert options["start_new_session"]
    assert options["env"]["GRAVEN_AUTO_REPACK"] == "0"
    assert call("rm", "r3").code == 0
    assert len(started) == 1  # not again within ten minutes
    marker = tmp_path / ".graven" / "cache" / "auto-repack"
    then = clock.wall_seconds() - tending.PAUSE_SECONDS - 1
    os.utime(marker, (then, then))
    store.save(a_run(9))
    assert call("rm", "r9").code == 0
    assert len(started) == 2
    answer = call(*command[3:])
    assert (answer.code, answer.err) == (0, "")
    assert list((tmp_path / ".graven" / "packs").glob("plan-*.condemned"))


def test_it_does_not_where_nobody_wants_it(call, store, started, monkeypatch):
    assert call("config", "repack.auto", "2").code == 0
    monkeypatch.setenv("GRAVEN_AUTO_REPACK", "0")
    assert call("rm", "r1").code == 0
    monkeypatch.setenv("GRAVEN_AUTO_REPACK", "1")
    assert call("config", "repack.auto", "0").code == 0
    assert call("rm", "r2").code == 0
    assert call("config", "repack.auto", "many").code == 2
    store.config.set("repack.auto", "many")  # by hand
    assert call("rm", "r3").code == 0
    assert started == []

"""``graven fsck``: levels, samples, healing."""

from __future__ import annotations

import os

import pytest

import graven


def hurt(store, run_id="r2"):
    """Make the pack with a run unreadable in its first frames; its path."""
    path = store.path / "packs" / store.object_info(store.resolve(run_id).object_id).pack
    data = bytearray(path.read_bytes())
    data[70:130] = bytes(60)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["--quick", "--full"],
        ["--full", "--sample", "5%"],
        ["--quick", "--strict"],
        ["--sample", "0"],
        ["--sample", "120%"],
        ["--sample", "much"],
        ["--from", "origin"],
        ["--repair", "--quick"],
        ["--repair", "--from", ""],
    ],
)
def test_what_contradicts_itself_is_refused(call, store, words):
    assert call("fsck", *words).code == 2


def test_samples_cover_all_in_the_end(call, store, a_run):
    for number in range(4, 20):
        store.save(a_run(number))
    answers = [call("fsck", "--sample", "10%") for _ in range(10)]
    assert {answer.code for answer in answers} == {0}
    assert "of" in answers[0].err
    assert "was read whole at some time" in answers[0].err
    assert "were read whole, the first" in answers[-1].err
    (record,) = call("fsck", "--sample", "0.1", "--json").records()
    assert record["level"] == "sample"
    assert record["coverage"]["share"] == 1.0


def test_damage_names_the_runs_and_the_names(call, store):
    store.attach("r1", "artifacts/x", b"x" * 3000)
    path = max((store.path / "packs").iterdir(), key=os.path.getmtime)
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    answer = call("fsck", "--full")
    assert answer.code == 1
    assert "  of run r1" in answer.out.splitlines()
    assert "  in runs/r1/artifacts/x" in answer.out.splitlines()


def test_repair_from_another_store(call, store, tmp_path):
    assert call("clone", ".graven", "copy").code == 0
    runs = {run.id: run for run in store.list_runs()}
    hurt(store)
    assert call("fsck", "--full").code == 1
    alone = call("fsck", "--repair")
    assert alone.code == 1
    assert "still damaged" in alone.err
    (tmp_path / ".graven" / "cache").rename(tmp_path / "old-cache")
    healed = call("fsck", "--repair", "--from", "copy")
    assert healed.code == 0, healed
    assert "all is healed" in healed.err
    assert "healed" in healed.out
    assert "condemned packs/" in healed.out
    again = call("fsck", "--repair", "--from", "copy")
    assert (again.code, again.err) == (0, "no damage: nothing to do\n")
    assert call("fsck", "--full").code == 0
    assert {run.id: run for run in graven.open(store.path).list_runs()} == runs


def test_repair_from_an_archive_as_json(call, store):
    call("bundle", "create", "all.zip")
    hurt(store)
    (record,) = call("fsck", "--repair", "--from", "all.zip", "--json").records()
    assert record["schema"] == "graven.fsck-repair/1"
    assert record["ok"] is True
    assert record["fetched"]
    assert record["still"] == []


def test_a_remote_that_is_not_known_changes_nothing(call, store):
    assert call("fsck", "--repair", "--from", "nowhere").code == 3

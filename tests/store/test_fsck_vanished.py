"""A pack that somebody removed: what a check can still tell of it."""

import json
import os
import shutil
import time
from contextlib import closing, contextmanager

import pytest

import graven
from graven.testing.runs import sample_run


@pytest.fixture
def three(store):
    for n in range(3):
        store.save(sample_run(f"r{n}", minute=n))
    store.attach("r1", "logs/x", b"something")
    assert store.count() == 3
    return store


@contextmanager
def opened(path):
    with closing(graven.open(path)) as store:
        yield store


def packs(store):
    return sorted((store.path / "packs").glob("*.pack"))


def vanish(store, number):
    """Remove a pack; returns its key."""
    path = packs(store)[number]
    path.unlink()
    return f"packs/{path.name}"


def told(store, level="full"):
    report = store.fsck(level)
    assert report.ok is (not report.damage)
    return [(d.place, d.runs, d.names) for d in report.damage]


@pytest.mark.parametrize("level", ["quick", "full", "sample"])
def test_a_pack_that_vanished_is_named_with_its_runs(three, level):
    key = vanish(three, 2)
    assert told(three, level) == [(key, ("r2",), ("runs/r2",))]
    assert "vanished" in three.fsck(level).damage[0].what


def test_it_is_remembered_after_other_questions_and_other_processes(three):
    key = vanish(three, 2)
    assert three.count() == 2
    three.save(sample_run("later"))
    three.close()
    with opened(three.path) as again:
        assert told(again) == [(key, ("r2",), ("runs/r2",))]
    other = vanish(three, -1)
    with opened(three.path) as again:
        assert [place for place, _, _ in told(again)] == [key, other]


def test_an_attachment_and_a_deletion_that_vanished_are_named(three):
    key = vanish(three, -1)
    assert told(three) == [(key, ("r1",), ("runs/r1/logs/x",))]


def test_a_deletion_that_vanished_is_named(three):
    three.delete("r2")
    assert three.count() == 2
    key = vanish(three, -1)
    assert three.count() == 3  # it is back, and a check says why
    assert told(three) == [(key, ("r2",), ("runs/r2",))]


def test_a_pack_that_comes_back_is_no_damage(three, tmp_path):
    path = packs(three)[2]
    shutil.copy(path, tmp_path / "kept")
    path.unlink()
    assert told(three)
    shutil.copy(tmp_path / "kept", path)
    assert told(three) == []


def test_what_was_written_again_since_is_no_damage(three):
    vanish(three, 2)
    assert three.count() == 2
    three.save(sample_run("r2"))
    assert told(three) == []


def test_an_update_that_had_lost_anyhow_is_no_damage(three):
    three.save(sample_run("r2", minute=50))
    assert three.count() == 3
    vanish(three, 2)
    assert told(three) == []


def age_plans(store):
    long_ago = time.time() - 30 * 3600
    for plan in (store.path / "packs").glob("plan-*"):
        os.utime(plan, (long_ago, long_ago))


def test_repack_and_gc_are_no_damage(three):
    three.delete("r1")
    assert three.count() == 2
    before = {path.name for path in packs(three)}
    with opened(three.path) as other:
        for visit in (other.repack, other.repack, other.gc, other.gc):
            visit()
            age_plans(other)
    assert not before & {path.name for path in packs(three)}
    assert told(three) == []


def test_without_a_catalog_the_views_tell(three):
    vanish(three, 2)
    three.reindex()
    assert told(three) == [("runs/", ("r2",), ())]
    assert told(three, "quick") == [("runs/", ("r2",), ())]
    three.write_views()
    assert told(three) == []


def test_a_file_of_others_among_the_views_is_none(three):
    runs = three.path / "runs"
    (runs / "mine.json").write_text("{}")
    (runs / "broken.json").write_text("{")
    record = json.loads((runs / "r0.json").read_text()) | {"id": "else"}
    del record["object_id"]
    (runs / "else.json").write_text(json.dumps(record))
    assert told(three) == []


def test_a_run_saved_during_the_check_is_none(three):
    ask = three.parts.index.ask
    with opened(three.path) as other, pytest.MonkeyPatch.context() as patch:

        def save_and_ask(question):
            return ask(lambda catalog: (other.save(sample_run("between")), question(catalog))[1])

        patch.setattr(three.parts.index, "ask", save_and_ask)
        assert told(three) == []

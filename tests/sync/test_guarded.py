"""Baselines that have moved on both sides: who is ahead, what is a conflict, how it ends."""

import pytest

from graven.store import Store
from graven.sync.transfer import transfer
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run

NAMES = ("one", "two", "three", "four")


@pytest.fixture
def pair(stores):
    """Two stores with the same runs, whose baseline has been the same once."""
    a, b = stores
    for name in NAMES:
        a.save(sample_run(name))
    a.baselines.set("main", "one")
    transfer(a, b)
    return a, b


def value(store):
    return store.baselines.entry("main").run


def both_ways(a, b):
    return [*transfer(a, b).conflicts, *transfer(b, a).conflicts]


@pytest.mark.parametrize("settled_in_a", [True, False])
@pytest.mark.parametrize("there", ["set here as there", "set there as here"])
def test_a_conflict_ends_when_one_side_sets_what_the_other_has(pair, settled_in_a, there):
    a, b = pair if settled_in_a else pair[::-1]
    a.baselines.set("main", "two")
    b.baselines.set("main", "three")
    assert len(both_ways(a, b)) == 2
    if there == "set here as there":
        a.baselines.set("main", "three")
    else:
        b.baselines.set("main", "two")
    assert both_ways(a, b) == []
    for store, other in ((a, b), (b, a)):
        for run in ("four", "one"):
            store.baselines.set("main", run)
            assert both_ways(a, b) == []
            assert value(other) == run
    check_store(a)
    check_store(b)


def test_an_older_value_that_is_equal_proves_nothing(pair):
    a, b = pair
    a.baselines.set("main", "two")
    b.baselines.set("main", "three")
    a.baselines.set("main", "three")
    a.baselines.set("main", "two")
    assert len(both_ways(a, b)) == 2
    assert (value(a), value(b)) == ("two", "three")


def test_a_move_is_never_undone_by_a_value_that_was_left_before(pair):
    a, b = pair
    b.baselines.set("main", "three")
    b.baselines.set("main", "one")
    assert transfer(a, b).moved == []
    assert transfer(b, a).moved == ["baselines/main"]  # an equal run, a longer history
    a.baselines.set("main", "three")
    assert transfer(b, a).moved == []
    assert value(a) == "three"
    assert transfer(a, b).moved == ["baselines/main"]
    assert [v.run for v in b.baselines.history("main")] == ["three", "one", "three", "one"]


def test_two_that_passed_each_other_are_in_conflict(pair):
    a, b = pair
    for store, runs in ((a, ("two", "three")), (b, ("three", "two"))):
        for run in runs:
            store.baselines.set("main", run)
    conflicts = both_ways(a, b)
    assert [[v.run for v in c.ours] for c in conflicts] == [["three", "two"], ["two", "three"]]
    assert {c.common.run for c in conflicts} == {"one"}
    assert (value(a), value(b)) == ("three", "two")


def test_a_conflict_turned_is_the_other_sides(pair):
    a, b = pair
    a.baselines.set("main", "two")
    b.baselines.set("main", "three")
    (here,), (there,) = transfer(a, b).conflicts, transfer(b, a).conflicts
    assert here.turned() == there


def test_removed_here_and_moved_there_is_a_conflict(pair):
    a, b = pair
    a.baselines.delete("main")
    b.baselines.set("main", "two")
    (conflict,) = transfer(a, b).conflicts
    assert conflict.ours[0].run is None
    b.baselines.delete("main")
    assert both_ways(a, b) == []


def test_stores_that_never_met_agree_once_both_have_one_run(stores):
    a, b = stores
    for store in stores:
        for name in NAMES:
            store.save(sample_run(name))
    for run in ("one", "two", "three"):
        a.baselines.set("main", run)
    b.baselines.set("main", "two")
    conflicts = both_ways(a, b)
    assert [(c.space, c.common) for c in conflicts] == [("baselines", None)] * 2
    b.baselines.set("main", "three")
    assert both_ways(a, b) == []
    a.baselines.set("main", "four")
    assert both_ways(a, b) == []
    assert value(b) == "four"


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_damaged_baseline_is_named_and_holds_up_nothing_else(pair, side):
    a, b = pair
    a.baselines.set("main", "two")
    a.tags.set("v1", "two")
    a.save(sample_run("five"))
    (file,) = ((a if side == "source" else b).path / "refs" / "baselines").iterdir()
    file.chmod(0o600)
    file.write_text("{")
    report = transfer(a, b)
    assert list(report.failed) == ["baselines/main"]
    assert report.failed["baselines/main"].kind == "bad-ref-file"
    assert (report.runs, report.moved) == (["five"], ["tags/v1"])


def test_a_damaged_baseline_that_is_only_there_is_no_fault_of_ours(pair):
    a, b = pair
    b.baselines.set("nightly", "one")
    (file,) = (b.path / "refs" / "baselines").glob("nightly*")
    file.chmod(0o600)
    file.write_text("{")
    assert transfer(a, b).failed == {}


def test_a_place_without_versions_is_looked_at_each_time(tmp_path):
    near = Store(tmp_path / "near")
    near.save(sample_run("a"))
    near.save(sample_run("b"))
    near.set_baseline("a")
    there = f"local://{tmp_path / 'near'}"  # as fsspec sees it
    here = Store(tmp_path / "here")
    for name in ("a", "b"):
        near.set_baseline(name)
        far = Store(there, create=False, readonly=True, cache_dir=str(tmp_path / "cache"))
        transfer(far, here)
        assert here.get_baseline().id == name


def test_of_two_histories_that_meet_again_the_shared_one_stays(pair, tmp_path):
    a, team = pair
    c = Store(tmp_path / "c")
    transfer(team, c)
    c.baselines.set("main", "three")
    transfer(c, team, leads=False)
    a.baselines.set("main", "two")
    assert len(transfer(a, team, leads=False).conflicts) == 1
    a.baselines.set("main", "three")
    assert transfer(a, team, leads=False).moved == []
    assert a.baselines.history("main") == c.baselines.history("main")
    a.baselines.set("main", "four")
    assert transfer(a, team, leads=False).moved == ["baselines/main"]
    report = transfer(team, c)
    assert (report.moved, report.conflicts) == (["baselines/main"], [])
    for store in (a, team, c):
        check_store(store)

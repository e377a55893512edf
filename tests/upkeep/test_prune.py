"""Pruning: what is chosen, what is spared, and that nothing goes before it is safe."""

import math
import os
import random
from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven import Store, clock
from graven.errors import BackendUnavailable, Conflict, Corrupt, InvalidInput
from graven.model import Metric, Point
from graven.store.session import Intent
from graven.sync.bundle import verify_bundle
from graven.testing.runs import sample_run
from graven.upkeep import prune as module
from graven.upkeep import selection
from graven.upkeep.prune import Spared, carry_out, plan_prune
from graven.upkeep.selection import Criteria

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """Eight runs: r0..r5 on main, d0 and d1 on dev; one minute apart, the time falling."""
    store = Store(tmp_path / "store", durable=False)
    with store.batch() as batch:
        for n in range(6):
            run = sample_run(f"r{n}", 10.0 - n, minute=n, branch="main", status="ok")
            batch.save(run)
        for n in range(2):
            batch.save(sample_run(f"d{n}", 1.0 + n, minute=10 + n, branch="dev", experiment="e1"))
    return store


def chosen(store, **criteria):
    return list(plan_prune(store, Criteria(**criteria)).run_ids)


def living(store):
    return sorted(header.run_id for header in store.headers())


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"older_than": START + timedelta(minutes=2)}, ["r1", "r0"]),
        ({"keep_last": 4}, ["r1", "r0"]),
        ({"keep_last": 1}, ["d0", "r4", "r3", "r2", "r1", "r0"]),
        ({"branch": "dev"}, ["d1", "d0"]),
        ({"branch": "main", "keep_last": 6}, []),
        ({"experiment": "e1", "keep_last": 1}, ["d0"]),
        ({"keep_last": 2, "older_than": START + timedelta(minutes=1)}, ["r0"]),
        ({"rank": "time", "keep_top": 2}, ["d1", "d0", "r5", "r4", "r3", "r2"]),
        ({"rank": "time", "keep_top": 2, "ascending": True}, ["r5", "r4", "r3", "r2", "r1", "r0"]),
        ({"rank": "time", "keep_top": 1, "branch": "main"}, ["r5", "r4", "r3", "r2", "r1"]),
        ({"tags": {"size": "10"}, "branch": "dev"}, ["d1", "d0"]),
        ({"tags": {"size": "99"}}, []),
        ({"status": "failed"}, []),
        ({"rank": "time", "keep_top": 2, "keep_last": 3}, ["r2"]),
    ],
)
def test_the_rules_choose(store, criteria, expected):
    assert chosen(store, **criteria) == expected


def test_of_equal_values_the_newer_run_is_better(store):
    store.save(sample_run("twin", 10.0, minute=50, branch="main"))
    assert "r0" in chosen(store, rank="time", keep_top=1)


def test_the_value_of_a_run_is_the_median_over_its_points(store):
    points = tuple(
        Point(name=f"p{n}", scenario="cpu", metrics={"time": Metric(value=v)})
        for n, v in enumerate((1000.0, 0.1, 0.2))
    )
    store.save(sample_run("wide", minute=60, branch="main", points=points))
    assert "wide" in chosen(store, rank="time", keep_top=1)
    assert "wide" not in chosen(store, rank="time", keep_top=1, ascending=True)


def test_a_run_without_a_value_stays_and_is_named(store):
    other = Point(name="x", scenario="cpu", metrics={"rate": Metric(value=1.0)})
    empty = Point(name="x", scenario="cpu", metrics={"time": Metric(value=math.nan)})
    store.save(sample_run("other", minute=70, points=(other,)))
    store.save(sample_run("nan", minute=71, points=(empty,)))
    plan = plan_prune(store, Criteria(rank="time", keep_top=1))
    assert {"other", "nan"}.isdisjoint(plan.run_ids)
    assert plan.spared == (
        Spared("nan", "has no value of time"),
        Spared("other", "has no value of time"),
    )


def test_what_a_baseline_or_tag_stands_for_stays_unless_said_otherwise(store):
    store.set_baseline("r0")
    store.tags.set("v1", "r1")
    plan = plan_prune(store, Criteria(keep_last=4))
    assert plan.run_ids == ()
    assert plan.spared == (Spared("r1", "is tags/v1"), Spared("r0", "is baselines/main"))
    plan = plan_prune(store, Criteria(keep_last=4, keep_baselines=False))
    assert carry_out(store, plan).run_ids == ("r1", "r0")
    assert store.get_baseline().id == "r0", "the name keeps its copy"


def test_the_run_of_a_step_that_was_judged_stays_unless_said_otherwise(store):
    series = store.series()[0]
    store.annotate_step(series, "r0", "accepted")
    store.annotate_step(series, "r1", "rejected")
    plan = plan_prune(store, Criteria(keep_last=4))
    assert plan.spared == (
        Spared("r1", "is where a step was rejected"),
        Spared("r0", "is where a step was accepted"),
    )
    plan = plan_prune(store, Criteria(keep_last=4, keep_baselines=False))
    assert carry_out(store, plan).run_ids == ("r1", "r0")
    assert store.step_annotations() == []


def test_a_baseline_that_cannot_be_read_holds_everything_up(store):
    store.set_baseline("r0")
    (store.path / "refs" / "baselines" / "main.json").write_text("{")
    with pytest.raises(Conflict, match="baselines/main cannot be read"):
        plan_prune(store, Criteria(keep_last=1))
    assert chosen(store, keep_last=1, keep_baselines=False)


@pytest.mark.parametrize(
    ("criteria", "hint"),
    [
        ({"branch": "mian"}, "did you mean 'main'?"),
        ({"branch": "zzz"}, "there is dev, main"),
        ({"experiment": "e2"}, "there is e1"),
        ({"status": "falied"}, None),
        ({"rank": "tmie", "keep_top": 3}, "did you mean 'time'?"),
        ({"tags": {"sise": "10"}}, "did you mean 'size'?"),
    ],
)
def test_a_misspelt_name_deletes_nothing_and_the_nearest_is_named(store, criteria, hint):
    with pytest.raises(InvalidInput, match="no run has a") as caught:
        plan_prune(store, Criteria(**criteria))
    assert caught.value.kind == "name-unknown"
    if hint:
        assert caught.value.hint == hint
    assert len(living(store)) == 8


def test_a_branch_whose_runs_are_all_gone_is_no_misspelling(store):
    carry_out(store, plan_prune(store, Criteria(branch="dev")))
    assert chosen(store, branch="dev") == []
    store.reindex()
    assert chosen(store, branch="dev") == []
    assert chosen(store, experiment="e1") == []


@pytest.mark.parametrize(
    "criteria",
    [
        {},
        {"keep_baselines": False},
        {"rank": "time"},
        {"keep_top": 3},
        {"keep_last": 0},
        {"keep_last": -1},
        {"older_than": datetime(2999, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_says_nothing_or_too_much_is_refused(store, criteria):
    with pytest.raises(InvalidInput):
        plan_prune(store, Criteria(**criteria))


def test_all_tombstones_are_one_pack_and_views_go(store):
    before = len(store.packs())
    report = carry_out(store, plan_prune(store, Criteria(keep_last=1)))
    assert len(store.packs()) == before + 1
    assert living(store) == ["d1", "r5"]
    assert len(report.run_ids) == 6
    assert sorted(os.listdir(store.path / "runs")) == ["d1.json", "r5.json"]
    assert store.fsck("full", strict=True).ok
    store.restore("r2")
    assert living(store) == ["d1", "r2", "r5"]


def test_many_tombstones_are_several_transactions(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_TOMBSTONES", 4)
    before = len(store.packs())
    carry_out(store, plan_prune(store, Criteria(keep_last=1)))
    assert len(store.packs()) == before + 2
    assert living(store) == ["d1", "r5"]


def test_an_empty_plan_writes_nothing(store, tmp_path):
    before = sorted(os.listdir(store.path / "packs"))
    report = carry_out(store, plan_prune(store, Criteria(keep_last=50)), archive=tmp_path / "x.zip")
    assert report.run_ids == ()
    assert sorted(os.listdir(store.path / "packs")) == before
    assert not (tmp_path / "x.zip").exists()


def test_runs_that_changed_since_the_plan_are_spared(store):
    plan = plan_prune(store, Criteria(keep_last=2))
    assert plan.run_ids == ("r3", "r2", "r1", "r0")
    other = Store(store.path, durable=False)
    other.relabel("r0", status="failed")
    other.delete("r1")
    other.set_baseline("r2")
    report = carry_out(store, plan)
    assert report.run_ids == ("r3",)
    assert set(report.spared) == {
        Spared("r2", "is baselines/main by now"),
        Spared("r1", "is deleted already"),
        Spared("r0", "was changed since the plan was made"),
    }
    assert living(store) == ["d0", "d1", "r0", "r2", "r4", "r5"]


def test_the_archive_holds_exactly_those_runs_and_what_is_attached_to_them(store, tmp_path):
    store.attach("r0", "artifacts/x", b"mine")
    store.attach("r5", "artifacts/x", b"stays")
    store.set_baseline("r5")
    plan = plan_prune(store, Criteria(branch="main", keep_last=4))
    runs = {run_id: store.load(run_id) for run_id in plan.run_ids}
    report = carry_out(store, plan, archive=tmp_path / "old.zip")
    assert report.archive.path == str(tmp_path / "old.zip")
    inside = graven.open(tmp_path / "old.zip")
    assert {run.id: run for run in inside.list_runs()} == runs
    assert inside.read_attachment("r0", "artifacts/x") == b"mine"
    assert list(inside.baselines) == []
    assert verify_bundle(tmp_path / "old.zip").sound
    assert living(store) == ["d0", "d1", "r2", "r3", "r4", "r5"]
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".tmp")]


def test_an_archive_that_is_there_is_not_replaced_and_nothing_goes(store, tmp_path):
    (tmp_path / "old.zip").write_bytes(b"precious")
    plan = plan_prune(store, Criteria(keep_last=1))
    with pytest.raises(Conflict, match="exists already"):
        carry_out(store, plan, archive=tmp_path / "old.zip")
    assert (tmp_path / "old.zip").read_bytes() == b"precious"
    assert len(living(store)) == 8
    carry_out(store, plan, archive=tmp_path / "old.zip", force=True)
    assert verify_bundle(tmp_path / "old.zip").sound


def test_where_a_run_cannot_be_archived_nothing_goes(store, tmp_path):
    store.save(sample_run("hurt", minute=0, branch="main"))
    pack = max((store.path / "packs").iterdir())
    data = bytearray(pack.read_bytes())
    data[90] ^= 0xFF
    pack.write_bytes(data)
    fresh = Store(store.path, durable=False)
    (tmp_path / "old.zip").write_bytes(b"precious")
    with pytest.raises(Corrupt, match="does not hold all"):
        carry_out(fresh, plan_prune(fresh, Criteria(keep_last=1)),
                  archive=tmp_path / "old.zip", force=True)  # fmt: skip
    assert len(living(fresh)) == 9
    assert (tmp_path / "old.zip").read_bytes() == b"precious"


def test_a_run_that_changes_while_the_archive_is_made_holds_it_up(store, tmp_path, monkeypatch):
    plan = plan_prune(store, Criteria(keep_last=1))
    Store(store.path, durable=False).relabel("r0", status="late")
    with pytest.raises(Corrupt, match="does not hold all"):
        carry_out(store, plan, archive=tmp_path / "old.zip")
    assert len(living(store)) == 8


def test_a_store_that_is_read_only_makes_no_archive(store, tmp_path):
    readonly = graven.open(store.path, readonly=True)
    plan = plan_prune(readonly, Criteria(keep_last=1))
    assert plan.run_ids
    with pytest.raises(BackendUnavailable, match="read-only"):
        carry_out(readonly, plan, archive=tmp_path / "old.zip")
    assert not (tmp_path / "old.zip").exists()


def test_the_weight_counts_what_nobody_else_holds(store):
    store.attach("r0", "artifacts/own", random.Random(1).randbytes(50_000))
    shared = random.Random(2).randbytes(70_000)
    store.attach("r1", "artifacts/shared", shared)
    store.attach("r5", "artifacts/shared", shared)
    weight = plan_prune(store, Criteria(branch="main", keep_last=4)).garbage_bytes
    assert 50_000 <= weight < 60_000
    (weight_of_all,) = {plan_prune(store, Criteria(branch="main")).garbage_bytes}
    assert 120_000 <= weight_of_all < 130_000


def test_a_run_of_a_stranger_without_facts_is_looked_at_too(store):
    target = bytes.fromhex(store.resolve("r0").object_id)
    store._session.commit([], [Intent("runs/odd", target)])
    assert "odd" in chosen(store, older_than=clock.now())


def test_a_run_that_comes_while_the_plan_is_made_is_not_in_it(store, monkeypatch):
    store.series()
    rank = selection._rank

    def rank_and_save(*asked):
        ranked = rank(*asked)
        other = Store(store.path, durable=False)
        other.save(sample_run("best", 99.0, minute=0, branch="main"))
        assert other.series()
        assert other.count() == 9
        return ranked

    monkeypatch.setattr(selection, "_rank", rank_and_save)
    plan = plan_prune(store, Criteria(rank="time", keep_top=1))
    assert len(plan.run_ids) == 7
    assert "best" not in plan.run_ids

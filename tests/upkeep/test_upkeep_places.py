"""Repack and gc on a folder and on a bucket, with the storage's own clock."""

import os

from graven import Store, clock
from graven.formats import layout
from graven.formats.plan import Plan
from graven.testing.invariants import check_nothing_damaged, check_runs_load
from graven.testing.runs import sample_run
from graven.upkeep import gc as gc_module
from graven.upkeep import repack as repack_module
from graven.upkeep.plans import condemn


def at_once(monkeypatch):
    """Plans without a grace: what is tested here is the place, not the waiting."""

    def hurried(backend, plan):
        return condemn(backend, Plan(plan.reason, 0, plan.packs, plan.loose))

    monkeypatch.setattr(gc_module, "condemn", hurried)
    monkeypatch.setattr(repack_module, "condemn", hurried)


def once_ripe(tend):
    """What ``tend`` answers when it has swept: a server tells its time in whole seconds."""
    for _ in range(100):
        report = tend()
        if report.swept.deleted:
            break
        clock.sleep(0.05)
    return report


def live_a_life(open_store):
    for number in range(6):
        open_store().save(sample_run(f"run-{number}", float(number), minute=number))
    store = open_store()
    store.attach("run-1", "artifacts/large", bytes(range(256)) * 4200)
    store.baselines.set("main", "run-2")
    store.delete("run-3")
    assert store.gc().condemned
    assert once_ripe(store.gc).swept.deleted
    assert len(open_store().repack().merged) > 2
    report = once_ripe(lambda: open_store().repack())
    assert report.swept.deleted
    assert report.swept.spared == []
    store = open_store()
    assert {h.run_id for h in store.headers()} == {f"run-{n}" for n in (0, 1, 2, 4, 5)}
    check_runs_load(store)
    check_nothing_damaged(store)


def test_on_a_folder(tmp_path, monkeypatch):
    at_once(monkeypatch)
    live_a_life(lambda: Store(tmp_path / "s", durable=False))
    assert len([n for n in os.listdir(tmp_path / "s" / "packs") if n.endswith(".pack")]) == 1


def test_on_a_bucket(ministack, new_bucket, tmp_path, monkeypatch):
    at_once(monkeypatch)
    url = f"{new_bucket(ministack).url}/project"
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    clients = iter(range(100))

    def open_store():
        return Store(
            url,
            storage_options=ministack.options(ministack.endpoint),
            cache_dir=str(tmp_path / f"client-{next(clients)}"),
            views="none",
        )

    live_a_life(open_store)
    reader = open_store()
    assert len(reader.packs()) == 1


def test_the_age_of_a_plan_is_what_the_folder_shows(tmp_path):
    store = Store(tmp_path / "s", durable=False)
    store.save(sample_run("run-0"))
    store.delete("run-0")
    planned = store.gc().condemned
    (plan,) = (tmp_path / "s" / "packs").glob("plan-*.condemned")
    assert store.gc().swept.deleted == []
    long_ago = clock.wall_seconds() - 86_400 - 60
    os.utime(plan, (long_ago, long_ago))
    assert sorted(store.gc().swept.deleted) == sorted(planned)
    assert plan.with_suffix(".done").exists()
    assert layout.classify(f"packs/{plan.name}") is layout.FileKind.PLAN
    assert Store(tmp_path / "s").fsck("full").ok

"""Healing: what is damaged or missing comes from copies, and from another store."""

import json
import os
import random
import shutil

import pytest

from graven import Store
from graven.errors import BackendUnavailable, Corrupt
from graven.formats.plan import Plan
from graven.ids import hash_bytes
from graven.store.condemned import read_plans
from graven.store.session import Intent
from graven.sync.cloning import clone
from graven.sync.transfer import transfer
from graven.testing.invariants import check_store
from graven.testing.remote import RemoteMemory
from graven.testing.runs import sample_run
from graven.upkeep import repair as module
from graven.upkeep.gc import collect
from graven.upkeep.plans import condemn
from graven.upkeep.repair import repair

LARGE = bytes(range(256)) * 1024 * 12  # 3 MiB: a file of chunks


@pytest.fixture
def pair(tmp_path):
    """A store with runs, attachments of all sizes and a baseline, and a copy of it."""
    here = Store(tmp_path / "here", durable=False)
    with here.batch() as batch:
        for n in range(30):
            batch.save(sample_run(f"b{n}", float(n), minute=n))
    for n in range(3):
        here.save(sample_run(f"r{n}", minute=60 + n))
    here.attach("r1", "artifacts/small", b"small" * 100)
    here.attach("r1", "artifacts/large", random.Random(1).randbytes(500_000) + LARGE)
    here.set_baseline("r0")
    here.set_baseline("r1")
    there, _ = clone(str(here.path), str(tmp_path / "there"), durable=False)
    return here, there


def packs_of(store):
    return sorted((store.path / "packs").glob("*.pack"))


def pack_with(store, run_id):
    info = store.object_info(store.resolve(run_id).object_id)
    return store.path / "packs" / info.pack


def flip(path, position, count=1):
    data = bytearray(path.read_bytes())
    for place in range(position, position + count):
        data[place] ^= 0xFF
    path.write_bytes(data)


def wreck_region(path):
    """Make the metadata region and the trailer unreadable."""
    data = bytearray(path.read_bytes())
    start = data.rindex(b"gMET")
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)


def anew(store):
    """The store without what is remembered of it."""
    shutil.rmtree(store.path / "cache", ignore_errors=True)
    return Store(store.path, durable=False)


def runs_of(store):
    return {run.id: run for run in store.list_runs()}


def sweep(store):
    """Two visits of gc, as after the grace period and again after it."""
    for name in os.listdir(store.path / "packs"):
        if name.startswith("plan-"):
            os.utime(store.path / "packs" / name, (1, 1))
    return collect(store)


def test_a_sound_store_is_let_alone(pair):
    here, there = pair
    before = packs_of(here)
    report = repair(here, there)
    assert report.ok
    assert report.idle
    assert packs_of(here) == before


def test_a_damaged_run_is_fetched_and_all_answers_are_as_before(pair):
    here, there = pair
    runs = runs_of(here)
    path = pack_with(here, "r2")
    flip(path, 80, 60)
    here = anew(here)
    assert here.series()  # its values could not be read
    damage = here.fsck("full").damage
    assert "r2" in {run for d in damage for run in d.runs}
    report = repair(here, there)
    assert report.ok
    assert here.resolve("r2").object_id in report.fetched
    assert report.condemned == [f"packs/{path.name}"]
    check = here.fsck("full")
    assert check.ok
    assert check.damage, "the condemned pack is named as long as it is there"
    assert {d.condemned for d in check.damage} == {True}
    assert runs_of(here) == runs
    swept = sweep(here)
    assert not path.exists()
    assert swept.swept.deleted == [f"packs/{path.name}"]
    check_store(anew(here), runs)


def test_without_another_store_what_cannot_be_had_is_still_damaged(pair):
    here, _ = pair
    flip(pack_with(here, "r2"), 80, 60)
    here = anew(here)
    report = repair(here)
    assert not report.ok
    assert "r2" in {run for d in report.still for run in d.runs}
    assert report.condemned == []
    again = repair(here)
    assert not again.ok
    count = len(packs_of(here))
    repair(here)
    assert len(packs_of(here)) == count, "a repetition writes nothing"


def test_a_trailer_is_healed_within_the_store_itself(pair):
    here, _ = pair
    runs = runs_of(here)
    path = pack_with(here, "b3")
    flip(path, path.stat().st_size - 20)
    here = anew(here)
    report = repair(here)
    assert report.ok
    assert report.condemned == [f"packs/{path.name}"]
    assert report.copied > 0
    sweep(here)
    assert not path.exists()
    check_store(anew(here), runs)


def test_lost_updates_come_from_the_copy(pair):
    here, there = pair
    runs = runs_of(here)
    refs = {ref.name: ref for ref in here.iter_refs()}
    for path in packs_of(here):
        wreck_region(path)
    here = anew(here)
    assert here.attachments("r1") == [], "the updates are lost"
    report = repair(here, there)
    assert report.ok, report.still
    assert report.received is not None
    assert {a.name for a in here.attachments("r1")} == {"artifacts/small", "artifacts/large"}
    sweep(here)
    here = anew(here)
    check_store(here, runs)
    assert {ref.name: ref for ref in here.iter_refs()} == refs, "as their writers made them"


def test_a_deletion_that_was_lost_comes_back(pair):
    here, _ = pair
    here.delete("r2")
    path = packs_of(here)[-1]
    there_again, _ = clone(str(here.path), str(here.path.parent / "third"), durable=False)
    wreck_region(path)
    here = anew(here)
    assert "r2" in runs_of(here)
    report = repair(here, there_again)
    assert report.ok
    assert report.received.deleted == ["r2"]
    assert "r2" not in runs_of(here)


def test_a_pack_that_vanished_leaves_refs_and_parts_to_be_fetched(pair):
    here, there = pair
    runs = runs_of(here)
    chunk_packs = [p for p in packs_of(here) if p.stat().st_size > 300_000]
    data = here.read_attachment("r1", "artifacts/large")
    for path in chunk_packs:
        body = path.read_bytes()
        flip(path, 100, min(200_000, len(body) // 2))
    here = anew(here)
    damage = here.fsck("full").damage
    assert "runs/r1/artifacts/large" in {name for d in damage for name in d.names}
    report = repair(here, there)
    assert report.ok, report.still
    assert here.read_attachment("r1", "artifacts/large") == data
    assert runs_of(here) == runs


def test_what_vanished_with_its_pack_comes_back_though_nothing_is_damaged(pair):
    here, there = pair
    refs = {ref.name: ref for ref in here.iter_refs()}
    data = here.read_attachment("r1", "artifacts/large")
    for path in (pack_with(here, "r2"), max(packs_of(here), key=lambda p: p.stat().st_size)):
        path.unlink()
    shutil.rmtree(here.path / "runs")  # views would tell
    here = anew(here)
    assert here.fsck("full").ok, "nobody can know"
    assert {ref.name for ref in here.iter_refs()} < set(refs)
    report = repair(here, there)
    assert report.ok
    assert not report.idle
    assert report.received.runs == ["r2"]
    assert {ref.name: ref for ref in here.iter_refs()} == refs
    assert here.read_attachment("r1", "artifacts/large") == data
    assert repair(here, there).idle


def test_a_baseline_file_that_vanished_comes_back(pair):
    here, there = pair
    (here.path / "refs" / "baselines" / "main.json").unlink()
    assert here.fsck("full").ok
    assert repair(here, there).received.moved == ["baselines/main"]
    assert [v.run for v in here.baselines.history("main")] == ["r1", "r0"]


def test_what_is_in_no_pack_is_fetched_with_all_that_it_names(pair):
    here, there = pair
    there.save(sample_run("extra", environment={"cpu": "other"}))
    object_id = bytes.fromhex(there.resolve("extra").object_id)
    here._session.commit([], [Intent("runs/extra", object_id)])
    assert not here.fsck("quick").ok
    report = repair(here, there)
    assert report.ok
    assert here.load("extra") == there.load("extra")
    assert len(report.fetched) >= 2


def test_a_baseline_file_and_its_history_are_taken_from_the_copy(pair):
    here, there = pair
    path = here.path / "refs" / "baselines" / "main.json"
    good = path.read_bytes()
    path.write_text("{")
    report = repair(here, there)
    assert report.ok
    assert report.pointers == ["baselines/main"]
    assert json.loads(path.read_text())["run"] == json.loads(good)["run"] == "r1"
    assert [v.run for v in here.baselines.history("main")] == ["r1", "r0"]


def test_another_store_gives_equal_objects_and_no_refs(pair, tmp_path):
    here, _ = pair
    other = Store(tmp_path / "other", durable=False)
    other.save(here.load("r2"))
    other.save(sample_run("foreign"))
    path = pack_with(here, "r2")
    flip(path, 80, 60)
    here = anew(here)
    report = repair(here, other)
    assert here.load("r2") == other.load("r2")
    assert "foreign" not in runs_of(here)
    assert any("is another store" in note for note in report.notes)
    assert report.received is None


def test_a_pack_that_cannot_be_read_at_all_is_given_up_only_with_a_copy(pair):
    here, there = pair
    runs = runs_of(here)
    path = pack_with(here, "b3")
    path.write_bytes(b"nothing")
    here = anew(here)
    alone = repair(here)
    assert not alone.ok
    assert any("nobody knows what it held" in note for note in alone.notes)
    report = repair(here, there)
    assert report.ok, report.still
    assert runs_of(here) == runs
    sweep(here)
    assert not path.exists()
    check_store(anew(here), runs)


def test_a_damaged_loose_object_gets_another_file(pair):
    here, there = pair
    big = random.Random(2).randbytes(70_000)
    for store in (here, there):
        object_id = store._session.put_loose(hash_bytes(big), big)
        note = {"size": len(big), "loose": object_id.rpartition("-")[2]}
        store._session.commit([], [Intent("runs/r1/tables/t", hash_bytes(big), None, note)])
    (path,) = (here.path / "objects").rglob("*-*")
    flip(path, 5)
    here = anew(here)
    (damage,) = here.fsck("full").damage
    assert damage.names == ("runs/r1/tables/t",)
    assert damage.place == path.relative_to(here.path).as_posix()
    report = repair(here, there)
    assert report.ok, report.still
    assert report.condemned == [damage.place]
    assert anew(here).read_attachment("r1", "tables/t") == big


def test_gc_goes_on_beside_a_pack_that_a_repair_has_given_up(pair):
    here, there = pair
    path = pack_with(here, "b3")
    wreck_region(path)
    here = anew(here)
    assert repair(here, there).ok
    collect(here)  # would refuse, were the pack not given up
    assert path.exists()


def test_a_store_that_is_read_only_is_not_healed(pair):
    here, there = pair
    flip(pack_with(here, "r2"), 80, 60)
    with pytest.raises(BackendUnavailable, match="read-only"):
        repair(Store(here.path, readonly=True), there)


def test_a_bucket_is_sampled_and_healed_from_a_clone_of_it(tmp_path, monkeypatch):
    for variable in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    backend = RemoteMemory()
    bucket = Store("memory://b", backend=backend)
    for n in range(10):
        bucket.save(sample_run(f"r{n}", minute=n))
    bucket.set_baseline("r3")
    runs = runs_of(bucket)
    copy = Store(tmp_path / "copy", durable=False)
    transfer(bucket, copy)
    first = bucket.fsck("sample", share=0.3).coverage
    second = bucket.fsck("sample", share=0.3).coverage
    assert first.remembered
    assert 0 < first.share < second.share < 1
    key = max(entry.key for entry in backend.list("packs/"))
    data = bytearray(backend.get(key))
    data[60] ^= 1
    backend.put(key, bytes(data))
    anew = Store("memory://b", backend=backend, cache_dir=str(tmp_path / "other-machine"))
    assert not anew.fsck("full").ok
    report = repair(anew, copy)
    assert report.ok, report.still
    assert any("another store" in note for note in report.notes), "a store of its own id"
    third = Store("memory://b", backend=backend, cache_dir=str(tmp_path / "third-machine"))
    assert runs_of(third) == runs
    assert third.fsck("full").ok


@pytest.mark.parametrize("step", ["condemn", "transfer"])
def test_a_repair_that_broke_off_is_repeated(pair, monkeypatch, step):
    here, there = pair
    runs = runs_of(here)
    for path in packs_of(here):
        wreck_region(path)
    here = anew(here)

    def fail(*_args, **_options):
        raise BackendUnavailable("the network is gone", kind="unreachable")

    with monkeypatch.context() as broken:
        broken.setattr(module, step, fail)
        with pytest.raises(BackendUnavailable, match="the network is gone"):
            repair(here, there)
    assert repair(here, there).ok
    sweep(here)
    check_store(anew(here), runs)


def test_a_pack_that_vanished_comes_back_from_a_copy_only(pair):
    here, there = pair
    assert here.count() == 33
    path = pack_with(here, "r2")
    path.unlink()
    report = repair(here)
    assert not report.ok
    assert [(d.place, d.runs) for d in report.still] == [(f"packs/{path.name}", ("r2",))]
    assert report.notes == []
    report = repair(here, there)
    assert (report.ok, report.still, report.notes) == (True, [], [])
    assert here.count() == 33
    check_store(here)


def bad_plans(store, content):
    (key,) = condemn(store.parts.backend, Plan("gc", 7 * 86_400, (packs_of(store)[0].name,)))
    path = store.path / "packs" / key
    path.write_bytes(content(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("content", "days"),
    [
        (lambda data: data[:-9], 7),
        (lambda data: b"", 1),
        (lambda data: data.replace(b".pack", b".pac~"), 7),
    ],
    ids=["cut off", "empty", "a bad name"],
)
def test_a_plan_that_cannot_be_read_is_replaced_by_one_for_all(pair, content, days):
    here, _ = pair
    here.parts.session.put_loose(hash_bytes(LARGE), LARGE)
    path = bad_plans(here, content)
    with pytest.raises(Corrupt, match="plan"):
        collect(here)
    report = repair(here)
    assert (report.ok, report.still) == (True, [])
    assert report.plans == [f"packs/{path.name}"]
    assert not path.exists()
    backend = here.parts.backend
    plans = [plan for _, plan in read_plans(backend, backend.names("packs/"))]
    assert {name for plan in plans for name in plan.packs} == {p.name for p in packs_of(here)}
    (loose,) = {key for plan in plans for key in plan.loose}
    assert loose.startswith(f"objects/{hash_bytes(LARGE).hex()[:2]}/")
    assert {plan.grace_seconds for plan in plans} == {days * 86_400}
    before = runs_of(here)
    assert repair(here).idle
    for _ in range(4):  # carried out, forgotten, and so what gc made of the rest
        for old in (here.path / "packs").glob("plan-*"):
            os.utime(old, (0, 0))
        collect(here)
        check_store(here)
    assert runs_of(here) == before
    assert not list((here.path / "packs").glob("plan-*.condemned"))


def test_damage_in_what_a_replaced_plan_may_have_named_is_damage(pair):
    here, _ = pair
    bad_plans(here, lambda data: b"{")
    assert repair(here).ok
    flip(pack_with(here, "r2"), 100, 20)
    assert not here.fsck("full").ok


def test_a_plan_of_a_newer_graven_is_let_alone(pair):
    here, _ = pair
    path = bad_plans(here, lambda data: data.replace(b'"version": 1', b'"version": 2'))
    report = repair(here)
    assert (report.ok, report.plans) == (False, [])
    assert path.exists()

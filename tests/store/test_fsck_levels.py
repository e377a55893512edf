"""fsck: samples, loose objects, plans, names that cannot be, and whose a damaged object is."""

import random
import shutil

import pytest

from graven import Store
from graven.errors import InvalidInput
from graven.formats import layout
from graven.formats.manifest import encode_manifest
from graven.formats.packbuild import Item
from graven.formats.plan import Plan, encode_plan
from graven.ids import hash_bytes, new_nonce
from graven.objects.chunks import to_items
from graven.store.checking.coverage import LEDGER_FILE, Ledger
from graven.store.checking.scratch import Scratch
from graven.store.session import Intent
from graven.testing.runs import sample_run


@pytest.fixture
def full(store):
    for n in range(20):
        store.save(sample_run(f"r{n}", minute=n))
    return store


def commit(store, items, name=None, note=None):
    """Put objects and a ref to the last one; its id."""
    intents = [Intent(name, items[-1].id, None, note)] if name else []
    store._session.commit(items, intents)
    return items[-1].id


def newest_pack(store):
    return max((store.path / "packs").glob("*.pack"))


def spoil(path, position=60):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def sample(store, share=0.05):
    return store.fsck("sample", share=share)


def test_twenty_samples_of_a_twentieth_read_all(full):
    total = sum(path.stat().st_size for path in (full.path / "packs").iterdir())
    shares = []
    for _ in range(20):
        report = sample(Store(full.path, durable=False))
        shares.append(report.coverage.share)
        assert report.bytes_read >= total * 0.05
        assert report.ok
    assert shares == sorted(shares)
    assert shares[0] < 0.2
    assert shares[-1] == 1.0
    assert report.coverage.remembered


def test_a_new_pack_is_read_before_those_that_were(full):
    sample(full, 1.0)
    full.save(sample_run("new"))
    spoil(newest_pack(full))
    report = sample(full, 0.001)
    assert next(damage.place for damage in report.damage).endswith(newest_pack(full).name)


def test_what_was_found_damaged_is_read_each_time_until_it_is_healed(full):
    path = sorted((full.path / "packs").iterdir())[7]
    spoil(path)
    sample(full, 1.0)
    for _ in range(3):
        report = sample(full, 0.05)
        assert {damage.place for damage in report.damage} == {f"packs/{path.name}"}
        assert report.bytes_read > path.stat().st_size
    spoil(path)
    assert sample(full).ok
    assert sample(full).coverage.share == 1.0


def test_a_full_check_counts_for_samples_and_a_quick_one_does_not(full):
    assert full.fsck("quick").coverage is None
    assert full.fsck("full").coverage.share == 1.0


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(full, share):
    with pytest.raises(InvalidInput, match="no share"):
        full.fsck("sample", share=share)


def test_where_nothing_can_be_kept_a_sample_says_so(full):
    readonly = Store(full.path, readonly=True)
    report = sample(readonly)
    assert not report.coverage.remembered
    assert report.coverage.share < 0.2


@pytest.mark.parametrize("content", [b"no database", b"", None])
def test_a_ledger_that_is_damaged_or_a_link_forgets(full, tmp_path, content):
    path = full.path / "cache" / LEDGER_FILE
    sample(full, 0.5)
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    path.unlink()
    if content is None:
        path.symlink_to(victim)
    else:
        path.write_bytes(content)
    report = sample(full)
    assert report.ok
    assert report.coverage.share < 0.2
    assert victim.read_bytes() == b"mine"


def test_a_ledger_forgets_files_that_are_gone(tmp_path):
    ledger = Ledger(str(tmp_path))
    ledger.begin([("a", 10), ("b", 10)])
    assert ledger.choose(1.0) == {"a", "b"}
    ledger.mark("a", damaged=False)
    assert ledger.choose(0.5) == {"b"}
    ledger.close()
    again = Ledger(str(tmp_path))
    again.begin([("b", 10)])
    assert again.coverage().read == 0
    again.close()


def test_loose_objects_are_hashed_and_strangers_named(full):
    data = random.Random(1).randbytes(3000)
    key = full._session.put_loose(hash_bytes(data), data)
    note = {"size": len(data), "loose": key.rpartition("-")[2]}
    full._session.commit([], [Intent("runs/r1/tables/t", hash_bytes(data), None, note)])
    (full.path / "objects" / "notes.txt").write_text("mine")
    report = full.fsck("full")
    assert report.ok
    assert report.loose == 1
    assert report.garbage == ["objects/notes.txt: not a name of graven's"]
    spoil(full.path / key)
    assert full.fsck("quick").ok
    (damage,) = full.fsck("full").damage
    assert (damage.place, damage.what) == (key, "does not match its name")
    assert (damage.runs, damage.names) == (("r1",), ("runs/r1/tables/t",))
    (full.path / key).unlink()
    (damage,) = Store(full.path, durable=False).fsck("quick").damage
    assert (damage.place, damage.what) == ("runs/r1/tables/t", "its object is in no pack")


def test_a_chunk_of_a_file_of_a_folder_of_a_run_is_traced_to_all_of_them(full):
    items = to_items(random.Random(2).randbytes(3_000_000))
    assert len(items) > 2
    inner = encode_manifest("folder", {"e": []}, [items[-1].id])
    outer = encode_manifest("folder", {"e": []}, [hash_bytes(inner)])
    full._session.commit(items, [])
    packs_with_chunks = newest_pack(full)
    for run_id in ("r1", "r2"):
        nested = [Item(hash_bytes(data), "manifest", data) for data in (inner, outer)]
        commit(full, nested, f"runs/{run_id}/artifacts/folder")
    commit(full, [items[-1]], "runs/r3/artifacts/plain")
    commit(full, [Item(hash_bytes(outer), "manifest", outer)], "experiments/e/manifests/1")
    full.delete("r2")
    spoil(packs_with_chunks, packs_with_chunks.stat().st_size // 2)
    (damage,) = [d for d in full.fsck("full").damage if d.object_id]
    assert damage.kind == "blob"
    assert damage.runs == ("r1", "r3")
    assert damage.names == (
        "experiments/e/manifests/1",
        "runs/r1/artifacts/folder",
        "runs/r3/artifacts/plain",
    )


def test_a_link_that_nothing_holds_is_missing_at_any_depth(full):
    nowhere = hash_bytes(b"nowhere")
    inner = encode_manifest("folder", {}, [nowhere])
    outer = encode_manifest("folder", {}, [hash_bytes(inner)])
    items = [Item(hash_bytes(data), "manifest", data) for data in (inner, outer)]
    commit(full, items, "runs/r1/artifacts/folder")
    assert full.fsck("quick").ok
    (damage,) = full.fsck("full").damage
    assert (damage.object_id, damage.what) == (nowhere.hex(), "is in no pack")
    assert damage.names == ("runs/r1/artifacts/folder",)


def test_a_shared_environment_is_traced_to_the_runs_that_name_it(store):
    store.save(sample_run("a", environment={"cpu": "one"}))
    other = Store(store.path, durable=False)
    other.save(sample_run("b", environment={"cpu": "two"}))
    spoil(newest_pack(store))
    damage = [d for d in store.fsck("full").damage if d.kind == "environment"]
    assert [d.runs for d in damage] == [("b",)]
    assert damage[0].names == ("runs/b",)


def test_objects_of_baselines_of_deleted_runs_are_named_with_them(store):
    store.save(sample_run("a"))
    store.set_baseline("a")
    store.delete("a", force=True)
    first = min((store.path / "packs").glob("*.pack"))
    spoil(first, first.stat().st_size // 2)
    names = {name for damage in store.fsck("full").damage for name in damage.names}
    assert "baselines/main" in names or not store.fsck("full").damage


def test_a_run_ref_to_what_is_no_run_is_named(full):
    blob = Item(hash_bytes(b"blob"), "blob", b"blob")
    commit(full, [blob], "runs/odd")
    (damage,) = full.fsck("quick").damage
    assert (damage.place, damage.what) == ("runs/odd", "its object is a blob, no run")


@pytest.mark.parametrize("run_id", ["a\\b", "..", "con", "x\x07y", " x"])
def test_run_ids_that_no_file_could_have_are_named(full, run_id):
    target = bytes.fromhex(full.resolve("r1").object_id)
    full._session.commit([], [Intent(f"runs/{run_id}", target)])
    (damage,) = full.fsck("quick").damage
    assert damage.place == f"runs/{run_id}"
    assert "run id" in damage.what


def test_damage_in_a_condemned_pack_that_nobody_needs_is_no_fault(full):
    junk = commit(full, [Item(hash_bytes(b"junk" * 9), "blob", b"junk" * 9)])
    path = newest_pack(full)
    plan = Plan("gc", 86_400, (path.name,))
    full._backend.put(layout.PACKS + layout.plan_name(new_nonce()), encode_plan(plan))
    spoil(path)
    report = full.fsck("full")
    assert report.ok
    assert {damage.condemned for damage in report.damage} == {True}
    assert junk.hex() in {damage.object_id for damage in report.damage}


def test_damage_in_a_condemned_pack_that_somebody_needs_is_one(full):
    path = newest_pack(full)
    plan = Plan("gc", 86_400, (path.name,))
    full._backend.put(layout.PACKS + layout.plan_name(new_nonce()), encode_plan(plan))
    spoil(path, path.stat().st_size // 3)
    report = full.fsck("full")
    assert not report.ok


def test_a_plan_that_cannot_be_read_is_damage(full):
    name = layout.plan_name(new_nonce())
    (full.path / "packs" / name).write_text("{")
    (damage,) = full.fsck("quick").damage
    assert damage.place == f"packs/{name}"


def test_the_scratch_file_tells_what_is_missing():
    scratch = Scratch()
    a, b, c = (hash_bytes(word) for word in (b"a", b"b", b"c"))
    scratch.hold([(a, "run"), (a, "run"), (b, "blob")])
    scratch.name(a, "blob", [b, c])
    scratch.name(b, "blob", [c])
    assert scratch.kinds([a, b, c]) == {a: "run", b: "blob"}
    assert [(m.id, m.kind, m.named_in) for m in scratch.missing()] == [(c, "blob", a)]
    scratch.close()


def test_without_its_cache_a_store_is_checked_all_the_same(full):
    shutil.rmtree(full.path / "cache", ignore_errors=True)
    assert Store(full.path, durable=False).fsck("full", strict=True).ok

"""What stats counts, and how."""

import random

import pytest

from graven import Store
from graven.formats import layout
from graven.formats.plan import Plan, encode_plan
from graven.ids import hash_bytes, new_nonce
from graven.porcelain.stats import stats
from graven.store.session import Intent
from graven.testing.runs import sample_run


def pack_of(store, run_id):
    return store.path / "packs" / store.object_info(store.resolve(run_id).object_id).pack


def test_each_use_is_named_and_each_object_counted_once(store):
    data = random.Random(1).randbytes(20_000)
    for n in range(3):
        store.save(sample_run(f"r{n}", minute=n))
        store.attach(f"r{n}", "artifacts/x", data)
    found = store.stats()
    runs = sum(info.size for info in store.iter_objects("run"))
    shared = sum(info.size for kind in ("environment", "definitions")
                 for info in store.iter_objects(kind))  # fmt: skip
    assert found.named_bytes == runs + shared + 3 * len(data)
    assert found.raw_bytes == runs + shared + len(data)
    assert found.pack_bytes == sum(p.stat().st_size for p in (store.path / "packs").iterdir())
    assert sum(entry.packs for entry in found.size_classes) == found.packs
    assert sum(entry.bytes for entry in found.size_classes) == found.pack_bytes


def test_a_large_file_counts_with_its_content_and_a_replaced_run_once(store):
    store.save(sample_run("a"))
    store.save(sample_run("a", 2.0))
    before = store.stats().named_bytes
    store.attach("a", "artifacts/large", random.Random(2).randbytes(3_000_000))
    assert store.stats().named_bytes == before + 3_000_000
    runs = [info.size for info in store.iter_objects("run")]
    assert len(runs) == 2
    assert store.stats().largest_runs[0].bytes in {size + 3_000_000 for size in (*runs, 0)}


def test_what_is_dead_is_not_named(store):
    store.save(sample_run("a"))
    store.attach("a", "artifacts/x", b"x" * 5000)
    store.save(sample_run("b"))
    store.delete("a")
    found = store.stats()
    assert found.named_bytes < 5000
    assert found.attachments == 0
    assert found.largest_attachments == ()
    assert [entry.name for entry in found.largest_runs] == ["b"]


def test_the_largest_come_first(store):
    for n in range(8):
        store.save(sample_run(f"r{n}", minute=n))
        store.attach(f"r{n}", "artifacts/x", random.Random(n).randbytes(1000 * (n + 1)))
    found = store.stats()
    assert [entry.bytes for entry in found.largest_attachments] == [8000, 7000, 6000, 5000, 4000]
    assert found.largest_attachments[0].name == "runs/r7/artifacts/x"
    assert [entry.name for entry in found.largest_runs] == ["r7", "r6", "r5", "r4", "r3"]
    assert found.largest_objects[0].bytes == 8000
    assert store.object_info(found.largest_objects[0].name).size == 8000


def test_loose_and_condemned_are_told(store):
    store.save(sample_run("a"))
    data = random.Random(3).randbytes(3000)
    key = store._session.put_loose(hash_bytes(data), data)
    note = {"size": len(data), "loose": key.rpartition("-")[2]}
    store._session.commit([], [Intent("runs/a/tables/t", hash_bytes(data), None, note)])
    path = pack_of(store, "a")
    plan = Plan("repack", 600, (path.name, "0" * 16 + "-" + "0" * 64 + ".pack"))
    store._backend.put(layout.PACKS + layout.plan_name(new_nonce()), encode_plan(plan))
    found = store.stats()
    assert (found.loose, found.loose_bytes) == (1, 3000)
    assert (found.condemned.packs, found.condemned.bytes) == (1, path.stat().st_size)
    record = found.to_dict()
    assert record["condemned"] == {"packs": 1, "bytes": path.stat().st_size}


def test_orphans_are_what_no_ref_reaches(store):
    for run_id in ("a", "b"):
        store.save(sample_run(run_id, environment={"cpu": run_id}))
    store.attach("a", "artifacts/x", b"x" * 5000)
    assert stats(store, full=True).orphans.objects == 0
    assert stats(store).orphans is None
    store.put_object(b"nobody's")
    orphans = stats(store, full=True).orphans
    assert (orphans.objects, orphans.bytes) == (1, 8)
    store.delete("a")
    assert stats(store, full=True).orphans.objects == 4  # run, environment, content


def test_orphans_of_a_damaged_store_are_not_known(store):
    store.save(sample_run("a"))
    path = pack_of(store, "a")
    path.write_bytes(path.read_bytes()[:-10])
    found = stats(Store(store.path, durable=False), full=True)
    assert found.orphans is None
    assert "cannot be read" in found.unknown


@pytest.mark.parametrize("color", ["always", "never"])
def test_the_command_shows_it(store, capsys, color):
    from graven.cli.start import run

    store.save(sample_run("a"))
    store.attach("a", "artifacts/x", b"x" * 200_000)
    assert run(["-C", str(store.path), "stats", "--full", "--color", color]) == 0
    shown = capsys.readouterr().out
    for word in ("named", "orphans", "below 64 KiB", "runs/a/artifacts/x"):
        assert word in shown
    assert ("195.3 KiB" in shown) == (color == "always")

"""The transaction: many runs, one commit, or none of it."""

import pytest

from graven import Store
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, InvalidInput
from graven.formats import pack
from graven.testing.faulty import FaultyBackend
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run


def noise(seed, size):
    import random

    return random.Random(seed).randbytes(size)


def test_a_batch_is_one_pack_and_one_commit(store, open_store):
    reader = open_store()
    with store.batch() as batch:
        for number in range(100):
            batch.save(sample_run(f"r{number}", float(number), minute=number))
        assert reader.count() == 0
    assert batch.run_ids == [f"r{number}" for number in range(100)]
    assert len(store.packs()) == 1
    assert len(list((store.path / "runs").iterdir())) == 100
    check_store(reader, {f"r{n}": sample_run(f"r{n}", float(n), minute=n) for n in range(100)})


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, InvalidInput])
def test_a_batch_that_raises_stores_nothing(store, error):
    store.save(sample_run("old"))
    with pytest.raises(error), store.batch() as batch:
        batch.save(sample_run("a"))
        raise error("stop")
    check_store(store, {"old": sample_run("old")})
    assert len(store.packs()) == 1
    assert [p.name for p in (store.path / "runs").iterdir()] == ["old.json"]


def test_an_empty_batch_writes_nothing(store):
    with store.batch():
        pass
    assert store.packs() == []


def test_a_bad_run_is_refused_and_the_batch_goes_on(store):
    with store.batch() as batch:
        batch.save(sample_run("a"))
        with pytest.raises(InvalidInput):
            batch.save(sample_run("../b"))
        with pytest.raises(InvalidInput):
            batch.save(sample_run("c"), attachments={"nowhere": b""})
        with pytest.raises(InvalidInput):
            batch.save(sample_run("d"), note={"n": 2**80})
        batch.save(sample_run("e"))
    check_store(store, {"a": sample_run("a"), "e": sample_run("e")})


def test_the_last_of_one_id_wins_within_a_batch(store):
    with store.batch() as batch:
        for value in (1.0, 2.0, 3.0):
            batch.save(sample_run("a", value), attachments={"logs/x": b"%d" % value})
    assert store.read_attachment("a", "logs/x") == b"3"
    check_store(store, {"a": sample_run("a", 3.0)})


def test_a_save_after_the_end_is_an_error_and_no_silent_loss(store):
    with store.batch() as batch:
        batch.save(sample_run("a"))
    with pytest.raises(InvalidInput) as caught:
        batch.save(sample_run("b"))
    assert caught.value.kind == "batch-ended"
    with pytest.raises(InvalidInput):
        batch.put_object(b"x")
    check_store(store, {"a": sample_run("a")})


def test_saves_beside_a_batch_are_their_own(store):
    with store.batch() as batch:
        batch.save(sample_run("a"))
        store.save(sample_run("b"))
        assert store.count() == 1
    check_store(store, {"a": sample_run("a"), "b": sample_run("b")})


def test_a_batch_larger_than_a_pack_spans_several_and_is_atomic(store, open_store, monkeypatch):
    monkeypatch.setattr(pack, "MAX_PACK_BYTES", 200_000)
    bodies = {f"r{n}": noise(n, 90_000) for n in range(8)}
    reader = open_store()
    with store.batch() as batch:
        for name, body in bodies.items():
            batch.save(sample_run(name), attachments={"artifacts/x": body})
        assert len(list((store.path / "packs").iterdir())) >= 2
        assert reader.count() == 0
        assert reader.fsck("full").ok
    sizes = [found.size for found in store.packs()]
    assert len(sizes) >= 4
    assert max(sizes) < 210_000
    for name, body in bodies.items():
        assert reader.read_attachment(name, "artifacts/x") == body
    check_store(reader, {name: sample_run(name) for name in bodies})


@pytest.mark.slow
def test_a_batch_of_over_64_mib_spans_packs(store):
    bodies = [noise(n, 1024 * 1024) for n in range(70)]
    store.save(sample_run("a"))
    with store.batch() as batch:
        batch.save(
            sample_run("b"),
            attachments={f"artifacts/{n}": body for n, body in enumerate(bodies)},
        )
    assert len(store.packs()) == 11  # of 8 MiB, since the objects are large
    assert max(found.size for found in store.packs()) <= 64 * 1024 * 1024 + 65536
    assert all(store.read_attachment("b", f"artifacts/{n}") == b for n, b in enumerate(bodies))
    assert store.fsck("full").ok


def test_a_large_batch_that_fails_late_leaves_garbage_only(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "MAX_PACK_BYTES", 200_000)
    faulty = FaultyBackend(LocalBackend(tmp_path / "s"))
    store = Store("", backend=faulty)
    store.save(sample_run("old"))
    with pytest.raises(BackendUnavailable), store.batch() as batch:
        for n in range(8):
            batch.save(sample_run(f"r{n}"), attachments={"artifacts/x": noise(n, 90_000)})
        faulty.fail(method="put", error=lambda: BackendUnavailable("full", kind="disk-full"))
    store.save(sample_run("r0", 5.0))
    check_store(store, {"old": sample_run("old"), "r0": sample_run("r0", 5.0)})
    check_store(Store(tmp_path / "s"), {"old": sample_run("old"), "r0": sample_run("r0", 5.0)})


def test_an_object_larger_than_any_reader_unpacks_is_refused(store, monkeypatch):
    monkeypatch.setattr(pack, "MAX_FRAME_RAW", 4000)
    store.save(sample_run("a"))
    with pytest.raises(InvalidInput) as caught:
        store.save(sample_run("big", metadata={"text": "x" * 5000}))
    assert caught.value.kind == "object-too-large"
    check_store(store, {"a": sample_run("a")})


def test_more_refs_than_a_reader_takes_are_refused_before_they_are_written(store, monkeypatch):
    monkeypatch.setattr(pack, "MAX_SECTION_RAW", 3000)
    store.save(sample_run("old"))
    with pytest.raises(InvalidInput) as caught, store.batch() as batch:
        for n in range(200):
            batch.save(sample_run(f"r{n}"))
    assert caught.value.hint
    check_store(store, {"old": sample_run("old")})

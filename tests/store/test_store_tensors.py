"""Tensors in a store: put, listed, read, replaced and appended, whole or not at all."""

import json
import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest
from safetensors.numpy import load, save

import graven
from graven import Store
from graven.errors import BackendUnavailable, Corrupt, InvalidInput, NotFound
from graven.testing.faulty import FaultyBackend
from graven.testing.remote import RemoteMemory, counted
from graven.testing.runs import sample_run

MIB = 1024 * 1024
RUN = "run-1"


@pytest.fixture
def tensors(store):
    store.save(sample_run(RUN))
    return store.tensors


@pytest.fixture
def random():
    return np.random.default_rng(5)


def stored(store, kind=None):
    return sum(info.size for info in store.iter_objects(kind))


def names(store, run=RUN):
    return [found.name for found in store.attachments(run)]


class TestForms:
    def test_by_layer_and_key(self, tensors):
        given = {"mlp": {"in": np.arange(6.0).reshape(2, 3), "out": np.float32(1)}, "head": {}}
        tensors.put_batch(RUN, 0, given, {"step": 3})
        found = tensors.get_batch(RUN, 0)
        assert {layer: sorted(keys) for layer, keys in found.items()} == {
            "head": [],
            "mlp": ["in", "out"],
        }
        assert np.array_equal(found["mlp"]["in"], given["mlp"]["in"])
        assert found["mlp"]["out"].dtype == np.float32
        assert tensors.layers(RUN, 0) == {"head": [], "mlp": ["in", "out"]}
        assert tensors.metadata(RUN, 0) == {"step": 3}
        assert tensors.get(RUN, 0, "mlp", "out") == 1

    def test_by_layer(self, tensors):
        tensors.put_batch(RUN, 1, {"a": np.zeros(2), 7: np.ones(2)})
        found = tensors.get_batch(RUN, 1)
        assert sorted(found) == ["7", "a"]
        assert found["7"].tolist() == [1, 1]
        assert tensors.get(RUN, 1, 7, "tensor").tolist() == [1, 1]
        assert tensors.metadata(RUN, 1) == {}

    @pytest.mark.parametrize("count", [0, 1, 12])
    def test_a_list_keeps_its_order(self, tensors, count):
        tensors.put_batch(RUN, 0, [np.array([n]) for n in range(count)])
        assert [a.tolist() for a in tensors.get_batch(RUN, 0)] == [[n] for n in range(count)]

    def test_nothing_at_all_is_a_batch_too(self, tensors):
        tensors.put_batch(RUN, 4, {})
        assert tensors.batches(RUN) == [4]
        assert tensors.get_batch(RUN, 4) == {}
        assert list(tensors.iter_batches(RUN)) == [(4, {})]

    @pytest.mark.parametrize(
        "name",
        ["a/b", "..", "/abs", "nul\0nul", "C:con", "Ünï", "a b", "%2f", "A", "a", "\n", "x" * 300],
    )
    def test_layers_and_keys_are_any_text(self, tensors, store, name):
        tensors.put_batch(RUN, 0, {name: {name: np.zeros(1)}, "other": {"k": np.ones(1)}})
        assert tensors.get(RUN, 0, name, name).tolist() == [0]
        assert name in tensors.layers(RUN, 0)
        assert len(names(store)) == 2

    def test_names_that_differ_in_case_are_two(self, tensors):
        tensors.put_batch(RUN, 0, {"l": {"K": np.zeros(1), "k": np.ones(1)}})
        assert tensors.get(RUN, 0, "l", "K").tolist() == [0]
        assert tensors.get(RUN, 0, "l", "k").tolist() == [1]

    @pytest.mark.parametrize("batch", [0, 999_999, 1_000_000, 2**53, 2**63 - 1, np.int64(7)])
    def test_any_index(self, tensors, batch):
        tensors.put_batch(RUN, batch, [np.zeros(1)])
        assert tensors.batches(RUN) == [int(batch)]
        assert [n for n, _ in tensors.iter_range(RUN, int(batch))] == [int(batch)]

    def test_batches_come_in_the_order_of_numbers(self, tensors):
        for batch in (10, 9, 1_000_000, 100, 2):
            tensors.put_batch(RUN, batch, [np.full(1, batch)])
        assert tensors.batches(RUN) == [2, 9, 10, 100, 1_000_000]
        assert [a[0][0] for _, a in tensors.iter_batches(RUN)] == [2, 9, 10, 100, 1_000_000]


class TestRanges:
    @pytest.fixture(autouse=True)
    def _batches(self, tensors):
        with tensors.writer(RUN) as writer:
            for batch in (0, 1, 3, 4, 8):
                writer.put_batch(batch, [np.full(2, batch)])

    def test_holes_are_skipped(self, tensors):
        def found(*args):
            return [batch for batch, _ in tensors.iter_range(RUN, *args)]

        assert found() == [0, 1, 3, 4, 8]
        assert found(1) == [1, 3, 4, 8]
        assert found(1, 4) == [1, 3]
        assert found(0, None, 4) == [0, 4, 8]
        assert found(5, 8) == []
        assert found(4, 1) == []

    @pytest.mark.parametrize(
        "bounds", [(-1,), (0, -1), (0, 5, 0), (0, 5, -1), (0.0,), (True,), ("0",), (0, None, None)]
    )
    def test_arguments_are_checked_at_the_call(self, tensors, bounds):
        with pytest.raises(InvalidInput) as caught:
            tensors.iter_range(RUN, *bounds)
        assert caught.value.kind == "bad-range"

    def test_a_missing_run_is_told_at_the_call(self, tensors):
        for call in (tensors.iter_batches, tensors.iter_range, tensors.appended, tensors.batches):
            with pytest.raises(NotFound):
                call("no-such-run")

    def test_a_batch_that_goes_meanwhile_is_skipped(self, tensors):
        found = tensors.iter_batches(RUN)
        tensors.delete_batch(RUN, 3)
        tensors.batches(RUN)
        assert [batch for batch, _ in found] == [0, 1, 4, 8]


class TestReplacing:
    def test_a_batch_is_replaced_whole(self, tensors, store):
        tensors.put_batch(RUN, 0, {"a": {"x": np.zeros(1), "y": np.zeros(1)}}, {"n": 1})
        tensors.put_batch(RUN, 0, {"a": {"y": np.ones(1)}})
        assert tensors.layers(RUN, 0) == {"a": ["y"]}
        assert tensors.metadata(RUN, 0) == {}
        assert names(store) == ["tensors/0/a/y"]

    def test_deleted_and_put_again(self, tensors, store):
        tensors.put_batch(RUN, 0, [np.zeros(1)])
        tensors.delete_batch(RUN, 0)
        assert tensors.batches(RUN) == []
        assert names(store) == []
        for call in (tensors.get_batch, tensors.layers, tensors.metadata, tensors.delete_batch):
            with pytest.raises(NotFound) as caught:
                call(RUN, 0)
            assert caught.value.kind == "batch-missing"
        tensors.put_batch(RUN, 0, [np.ones(1)])
        assert tensors.get_batch(RUN, 0)[0].tolist() == [1]

    def test_the_same_again_writes_no_data(self, tensors, store, random):
        given = {"l": {"small": random.random(10), "large": random.random(MIB // 2)}}
        tensors.put_batch(RUN, 0, given)
        before = stored(store)
        tensors.put_batch(RUN, 0, given)
        tensors.put_batch(RUN, 1, given)
        store.save(sample_run("run-2"))
        tensors.put_batch("run-2", 5, {"other": {"name": given["l"]["large"]}})
        assert stored(store, "blob") + stored(store, "file") <= before
        assert np.array_equal(tensors.get("run-2", 5, "other", "name"), given["l"]["large"])

    def test_equal_tensors_are_found_by_a_later_process(self, open_store, random):
        array = random.random(1000)
        first = open_store()
        first.save(sample_run(RUN))
        first.tensors.put_batch(RUN, 0, [array])
        before = stored(first, "blob")
        second = open_store()
        second.tensors.put_batch(RUN, 1, {"a": {"b": array}})
        assert stored(second, "blob") == before

    def test_of_two_puts_that_meet_one_stands_whole(self, open_store):
        """Both look before either writes; the later stamp wins under all names, and alone."""
        one, two = open_store(), open_store()
        one.save(sample_run(RUN))
        with one.tensors.writer(RUN) as first, two.tensors.writer(RUN) as second:
            first.put_batch(0, {"l": {"a": np.zeros(1), "b": np.zeros(1)}}, {"by": "one"})
            second.put_batch(0, {"l": {"b": np.ones(1), "c": np.ones(1)}}, {"by": "two"})
        for store in (one, two, open_store()):
            found = store.tensors.get_batch(RUN, 0)["l"]
            by = store.tensors.metadata(RUN, 0)["by"]
            assert sorted(found) == (["a", "b"] if by == "one" else ["b", "c"])
            assert {float(a[0]) for a in found.values()} == {0.0 if by == "one" else 1.0}
            assert store.tensors.batches(RUN) == [0]

    def test_they_are_the_same_after_a_restore(self, open_store):
        one, two = open_store(), open_store()
        one.save(sample_run(RUN))
        with one.tensors.writer(RUN) as first, two.tensors.writer(RUN) as second:
            first.put_batch(0, {"l": {"z": np.zeros(1), "b": np.zeros(1)}})
            second.put_batch(0, {"l": {"a": np.ones(1), "b": np.ones(1)}})
        before = one.tensors.layers(RUN, 0)
        one.delete(RUN)
        one.restore(RUN)
        assert one.tensors.layers(RUN, 0) == before
        assert one.tensors.batches(RUN) == [0]

    def test_what_was_attached_by_hand_belongs_to_its_batch(self, tensors, store):
        store.attach(RUN, "tensors/3/l/k", save({"tensor": np.arange(3)}))
        assert tensors.batches(RUN) == [3]
        assert tensors.get(RUN, 3, "l", "k").tolist() == [0, 1, 2]
        assert tensors.layers(RUN, 3) == {"l": ["k"]}
        tensors.put_batch(RUN, 3, [np.zeros(1)])
        assert names(store) == ["tensors/3/items/0"]

    def test_other_names_are_no_tensors(self, tensors, store):
        for name in ("tensors/x/l/k", "tensors/01/l/k", "tensors/5/alone", "tensors/5/a/b/c"):
            store.attach(RUN, name, b"data")
        assert tensors.batches(RUN) == []


class TestRuns:
    def test_deleted_and_restored(self, tensors, store):
        tensors.put_batch(RUN, 0, {"l": {"a": np.zeros(1), "b": np.zeros(1)}})
        tensors.put_batch(RUN, 0, {"l": {"b": np.ones(1), "c": np.ones(1)}}, {"n": 2})
        entries = [tensors.append(RUN, {"n": n}, {}) for n in range(5)]
        store.delete(RUN)
        with pytest.raises(NotFound):
            tensors.batches(RUN)
        store.restore(RUN)
        assert tensors.layers(RUN, 0) == {"l": ["b", "c"]}
        assert tensors.metadata(RUN, 0) == {"n": 2}
        assert [entry.name for entry in tensors.appended(RUN)] == entries

    def test_a_run_saved_anew_under_a_deleted_id_has_none(self, tensors, store):
        tensors.put_batch(RUN, 0, [np.zeros(1)])
        tensors.append(RUN, {}, [np.zeros(1)])
        store.delete(RUN)
        store.save(sample_run(RUN))
        assert tensors.batches(RUN) == []
        assert list(tensors.appended(RUN)) == []

    def test_reindexed(self, tensors, store):
        tensors.put_batch(RUN, 0, {"l": {"a": np.zeros(1)}}, {"n": 1})
        tensors.put_batch(RUN, 0, {"l": {"b": np.ones(1)}})
        tensors.append(RUN, {"n": 1}, [np.zeros(1)])
        store.reindex()
        assert tensors.layers(RUN, 0) == {"l": ["b"]}
        assert len(list(tensors.appended(RUN))) == 1
        assert store.fsck("full").ok


class TestWriter:
    def test_nothing_is_visible_before_its_end(self, tensors, store):
        with tensors.writer(RUN) as writer:
            for batch in range(20):
                writer.put_batch(batch, [np.full(1, batch)], {"n": batch})
            writer.append({"n": 1}, [np.zeros(1)])
            assert tensors.batches(RUN) == []
        assert tensors.batches(RUN) == list(range(20))
        assert len(list(tensors.appended(RUN))) == 1
        assert len(store.packs()) == 2

    def test_nothing_is_visible_after_an_error(self, tensors, random):
        with pytest.raises(ZeroDivisionError), tensors.writer(RUN) as writer:
            writer.put_batch(0, [random.random(3 * MIB)])
            raise ZeroDivisionError
        assert tensors.batches(RUN) == []

    def test_the_last_put_of_a_batch_counts(self, tensors):
        with tensors.writer(RUN) as writer:
            writer.put_batch(0, {"l": {"a": np.zeros(1), "b": np.zeros(1)}}, {"n": 1})
            writer.put_batch(0, {"l": {"b": np.ones(1)}})
            writer.put_batch(1, [np.zeros(1)])
            writer.delete_batch(1)
        assert tensors.layers(RUN, 0) == {"l": ["b"]}
        assert tensors.metadata(RUN, 0) == {}
        assert tensors.batches(RUN) == [0]

    def test_many_batches_replace_what_is_there(self, tensors, store):
        for batch in (0, 19):
            tensors.put_batch(RUN, batch, {"old": {"k": np.zeros(1)}})
        with tensors.writer(RUN) as writer:
            for batch in range(20):
                writer.put_batch(batch, {"new": {"k": np.ones(1)}})
        assert all(list(found) == ["new"] for _, found in tensors.iter_batches(RUN))
        assert len(names(store)) == 20

    def test_a_bad_batch_leaves_the_others(self, tensors):
        with tensors.writer(RUN) as writer:
            writer.put_batch(0, [np.zeros(1)])
            with pytest.raises(InvalidInput):
                writer.put_batch(1, [np.zeros(1), "text"])
        assert tensors.batches(RUN) == [0]

    def test_it_ends_with_its_block(self, tensors):
        with tensors.writer(RUN) as writer:
            pass
        for call in (lambda: writer.put_batch(0, []), lambda: writer.append({}, [])):
            with pytest.raises(InvalidInput) as caught:
                call()
            assert caught.value.kind == "batch-ended"


class TestAppending:
    def test_entries_in_their_order(self, tensors):
        returned = [
            tensors.append(RUN, {"n": n}, {"layer": {"k": np.full(2, n)}}) for n in range(12)
        ]
        found = list(tensors.appended(RUN))
        assert [entry.index for entry in found] == list(range(12))
        assert [entry.name for entry in found] == returned
        assert [entry.metadata["n"] for entry in found] == list(range(12))
        assert found[7].layers() == {"layer": ["k"]}
        assert found[7].get("layer", "k").tolist() == [7, 7]
        assert found[7].tensors()["layer"]["k"].tolist() == [7, 7]
        assert tensors.batches(RUN) == []

    def test_a_list_and_nothing(self, tensors):
        tensors.append(RUN, None, [np.zeros(1), np.ones(2)])
        tensors.append(RUN, {}, {})
        first, second = tensors.appended(RUN)
        assert [len(a) for a in first.tensors()] == [1, 2]
        assert (first.metadata, second.metadata, second.tensors()) == ({}, {}, {})

    def test_threads_and_stores_lose_nothing(self, open_store):
        stores = [open_store(), open_store()]
        stores[0].save(sample_run(RUN))

        def work(number):
            for n in range(10):
                stores[number % 2].tensors.append(RUN, {"n": number * 10 + n}, [np.full(3, n)])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            found = [entry.metadata["n"] for entry in store.tensors.appended(RUN)]
            assert sorted(found) == list(range(40))
            for number in range(4):
                own = [n for n in found if n // 10 == number]
                assert own == sorted(own), "each writer's entries in its order"

    def test_processes_lose_nothing(self, open_store, tmp_path):
        open_store().save(sample_run(RUN))
        context = multiprocessing.get_context("spawn")
        workers = [
            context.Process(target=append_some, args=(str(tmp_path / "store"), n)) for n in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        found = [entry.metadata["n"] for entry in open_store().tensors.appended(RUN)]
        assert sorted(found) == list(range(16))

    def test_what_was_appended_before_is_not_read(self, tmp_path):
        backend = counted("appending")
        store = Store("memory://appending", backend=backend, cache_dir=str(tmp_path))
        store.save(sample_run(RUN))
        costs = []
        for n in range(30):
            backend.calls.clear()
            store.tensors.append(RUN, {"n": n}, [np.full(10, n)])
            costs.append(len(backend.calls))
        assert min(costs) == 1, "the pack, and nothing else"
        assert max(costs[1:]) <= 3, "now and then a look at the store"

    def test_a_run_that_was_deleted_takes_none(self, tensors, store, open_store):
        tensors.append(RUN, {}, [np.zeros(1)])
        store.delete(RUN)
        with pytest.raises(NotFound):
            tensors.append(RUN, {}, [np.zeros(1)])
        store.restore(RUN)
        tensors.append(RUN, {}, [np.ones(1)])
        assert len(list(tensors.appended(RUN))) == 2
        open_store().delete(RUN)
        store.tensors.forget()  # as seconds do
        with pytest.raises(NotFound):
            tensors.append(RUN, {}, [np.zeros(1)])


def append_some(path, number):
    store = Store(path, create=False, durable=False)
    for n in range(8):
        store.tensors.append(RUN, {"n": number * 8 + n}, [np.full(2, n)])
    store.close()


class TestRefusing:
    @pytest.mark.parametrize("batch", [-1, True, False, 1.0, "1", None, 2**63])
    def test_batches_that_cannot_be(self, tensors, batch):
        calls = [
            lambda: tensors.put_batch(RUN, batch, []),
            lambda: tensors.get_batch(RUN, batch),
            lambda: tensors.get(RUN, batch, "l", "k"),
            lambda: tensors.layers(RUN, batch),
            lambda: tensors.metadata(RUN, batch),
            lambda: tensors.delete_batch(RUN, batch),
        ]
        for call in calls:
            with pytest.raises(InvalidInput) as caught:
                call()
            assert caught.value.kind == "bad-batch"

    def test_the_error_names_batch_layer_and_key(self, tensors, store):
        before = store.stats().objects
        with pytest.raises(InvalidInput, match=r"batch 3: layer mlp, key in: .*dtype object") as e:
            tensors.put_batch(RUN, 3, {"mlp": {"ok": np.zeros(2), "in": np.array([None])}})
        assert e.value.fields == {"batch": 3, "layer": "mlp", "key": "in"}
        assert store.stats().objects == before

    @pytest.mark.parametrize(
        "given",
        [
            None,
            np.zeros(3),
            "text",
            {"a": np.zeros(1), "b": {"k": np.zeros(1)}},
            {"": np.zeros(1)},
            {"a": {"": np.zeros(1)}},
            {None: np.zeros(1)},
            {True: np.zeros(1)},
            {"a": {1.5: np.zeros(1)}},
            {"\ud800": np.zeros(1)},
            {1: np.zeros(1), "1": np.zeros(1)},
            {"e\u0301": np.zeros(1), "\u00e9": np.zeros(1)},
            {"x" * 2000: np.zeros(1)},
            {"a": {"k": {"deeper": np.zeros(1)}}},
            [[1, 2]],
        ],
    )
    def test_what_is_no_batch(self, tensors, given):
        with pytest.raises(InvalidInput, match="batch 0"):
            tensors.put_batch(RUN, 0, given)
        assert tensors.batches(RUN) == []

    @pytest.mark.parametrize("metadata", [[1], "text", {"a": object()}, {"a": {1, 2}}])
    def test_metadata_that_cannot_be_kept_leaves_the_old(self, tensors, metadata):
        tensors.put_batch(RUN, 0, [np.zeros(1)], {"good": 1})
        with pytest.raises(InvalidInput):
            tensors.put_batch(RUN, 0, [np.ones(1)], metadata)
        assert tensors.metadata(RUN, 0) == {"good": 1}
        assert tensors.get_batch(RUN, 0)[0].tolist() == [0]

    def test_metadata_with_nan_and_scalars_of_numpy(self, tensors):
        tensors.put_batch(RUN, 0, [], {"n": np.int64(3), "loss": float("nan"), "l": [1, "ä"]})
        found = tensors.metadata(RUN, 0)
        assert found["n"] == 3
        assert np.isnan(found["loss"])

    def test_missing_things(self, tensors):
        tensors.put_batch(RUN, 0, {"l": {"k": np.zeros(1)}})
        for call, kind in (
            (lambda: tensors.put_batch("no", 0, []), "run-missing"),
            (lambda: tensors.append("no", {}, []), "run-missing"),
            (lambda: tensors.get("no", 0, "l", "k"), "run-missing"),
            (lambda: tensors.get(RUN, 1, "l", "k"), "batch-missing"),
            (lambda: tensors.get(RUN, 0, "x", "k"), "tensor-missing"),
            (lambda: tensors.get(RUN, 0, "l", "x"), "tensor-missing"),
        ):
            with pytest.raises(NotFound) as caught:
                call()
            assert caught.value.kind == kind

    def test_a_readonly_store(self, tensors, open_store):
        with pytest.raises(BackendUnavailable, match="read-only"):
            open_store(readonly=True, create=False).tensors.put_batch(RUN, 0, [])

    def test_torch_is_asked_for_where_it_is_not(self, tensors):
        if "torch" in sys.modules:
            pytest.skip("something else has loaded it")
        for call in (
            lambda: tensors.get_batch(RUN, 0, framework="torch"),
            lambda: tensors.iter_batches(RUN, framework="torch"),
            lambda: tensors.iter_range(RUN, framework="torch"),
        ):
            with pytest.raises(InvalidInput, match="never loads it"):
                call()


class TestStored:
    @pytest.mark.parametrize("size", [0, 10, 100_000, MIB, 5 * MIB])
    def test_the_library_reads_what_is_attached(self, tensors, store, random, size):
        array = random.integers(0, 255, size, dtype="u1")
        tensors.put_batch(RUN, 7, {"a/b": {"k": array}})
        data = store.read_attachment(RUN, "tensors/7/a%2fb/k")
        assert np.array_equal(load(data)["tensor"], array)
        assert data == save({"tensor": array})
        assert np.array_equal(tensors.get(RUN, 7, "a/b", "k"), array)

    def test_the_metadata_is_read_as_json(self, tensors, store):
        tensors.put_batch(RUN, 7, {"empty": {}}, {"n": 1})
        (found,) = store.attachments(RUN)
        assert (found.name, found.media_type) == ("tensors/7/metadata", "application/json")
        told = json.loads(store.read_attachment(RUN, found.name))
        assert told == {"metadata": {"n": 1}, "empty": ["empty"]}

    def test_a_large_one_among_small_ones(self, tensors, random):
        given = [random.random(n) for n in (3, MIB, 5, 300_000, 0)]
        tensors.put_batch(RUN, 0, given)
        found = tensors.get_batch(RUN, 0)
        assert all(np.array_equal(a, b) for a, b in zip(found, given, strict=True))

    def test_a_changed_part_of_a_large_one_costs_its_part(self, tensors, store, random):
        array = random.random(4 * MIB)  # 32 MiB
        tensors.put_batch(RUN, 0, [array])
        before = stored(store, "blob")
        array[MIB] += 1
        tensors.put_batch(RUN, 1, [array])
        assert stored(store, "blob") - before < 10 * MIB

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"no tensor",
            (2**63).to_bytes(8, "little") + b"{}",
            b"\2\0\0\0\0\0\0\0{}",
            save({"a": np.zeros(1), "tensor": np.zeros(1)}),
            save({"other": np.zeros(1)}),
            save({"tensor": np.zeros(2)})[:-1],
            save({"tensor": np.zeros(2)}).replace(b"[2]", b"[3]"),
            save({"tensor": np.zeros(2)}).replace(b"F64", b"F65"),
            save({"tensor": np.zeros(10**6)})[: 4 * MIB],
        ],
    )
    def test_a_file_that_is_none_is_refused_and_named(self, tensors, store, data):
        store.attach(RUN, "tensors/5/l/k", data)
        with pytest.raises(Corrupt, match="run run-1, batch 5, layer l, key k") as caught:
            tensors.get(RUN, 5, "l", "k")
        assert caught.value.kind == "bad-tensor"
        with pytest.raises(Corrupt):
            tensors.get_batch(RUN, 5)

    def test_a_record_under_the_name_of_a_tensor(self, tensors, store):
        tensors.put_batch(RUN, 0, [], {"n": 1})
        record = store.get_object(store.attachments(RUN)[0].object_id)
        store.attach(RUN, "tensors/1/l/k", record)
        with pytest.raises(Corrupt):
            tensors.get(RUN, 1, "l", "k")

    def test_a_damaged_one_is_named_and_the_others_are_read(self, tensors, store, random):
        tensors.put_batch(
            RUN, 0, {"l": {k: random.integers(0, 256, 20_000, "u1") for k in ("good", "bad")}}
        )
        found = store.attachment(RUN, "tensors/0/l/bad")
        (pack,) = {info.pack for info in store.iter_objects() if info.id == found.object_id}
        path = store.path / "packs" / pack
        data = bytearray(path.read_bytes())
        array = tensors.get(RUN, 0, "l", "bad").tobytes()
        at = data.find(array[100:130])
        assert at > 0, "random bytes are stored as they are"
        data[at] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        again = Store(store.path, create=False, durable=False)
        with pytest.raises(Corrupt, match="layer l, key bad"):
            again.tensors.get_batch(RUN, 0)
        assert len(again.tensors.get(RUN, 0, "l", "good")) == 20_000
        again.close()


class TestRequests:
    @pytest.fixture
    def far(self, tmp_path):
        place = RemoteMemory("tensors-far")
        maker = Store("memory://tensors-far", backend=place, cache_dir=str(tmp_path / "made"))
        maker.save(sample_run(RUN))
        rng = np.random.default_rng(1)
        given = {f"layer {n}": {"k": rng.random(20_000)} for n in range(20)}  # 160 kB each
        maker.tensors.put_batch(RUN, 0, given, {"n": 1})
        backend = FaultyBackend(place)
        store = Store("memory://tensors-far", backend=backend, cache_dir=str(tmp_path / "cache"))
        store.tensors.batches(RUN)
        backend.calls.clear()
        yield store, backend, given
        maker.close()
        store.close()

    def test_one_tensor_is_read_without_the_rest(self, far, monkeypatch):
        store, backend, given = far
        get_ranges, fetched = backend.get_ranges, []

        def counting(key, spans):
            fetched.extend(length for _, length in spans)
            return get_ranges(key, spans)

        monkeypatch.setattr(backend, "get_ranges", counting)
        found = store.tensors.get(RUN, 0, "layer 7", "k")
        assert np.array_equal(found, given["layer 7"]["k"])
        assert [call[0] for call in backend.calls] == ["listing_token", "names", "get_ranges"]
        assert sum(fetched) < 200_000, "one of twenty tensors of 160,000 bytes"

    def test_a_whole_batch_is_read_in_few(self, far):
        store, backend, _ = far
        store.tensors.get_batch(RUN, 0)
        assert len(backend.calls) <= 4, backend.calls

    def test_a_put_costs_what_a_save_does(self, far):
        store, backend, given = far
        store.tensors.put_batch(RUN, 1, given)
        backend.calls.clear()
        store.tensors.put_batch(RUN, 2, given)
        assert len(backend.calls) <= 3, backend.calls


def test_the_package_loads_neither_numpy_nor_torch():
    code = (
        "import sys, graven; s = graven.Store('memory://lazy'); s.tensors;"
        " s.count(); assert 'numpy' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tensors_go_along_with_a_clone(tensors, store, tmp_path):
    from graven.sync.transfer import transfer

    rng = np.random.default_rng(3)
    given = {"l": {"large": rng.random(MIB), "small": rng.random(3)}}
    tensors.put_batch(RUN, 0, {"old": {"k": np.zeros(1)}})
    tensors.put_batch(RUN, 0, given, {"n": 1})
    tensors.append(RUN, {"n": 2}, given)
    other = graven.init(tmp_path / "other")
    transfer(store, other)
    assert other.tensors.layers(RUN, 0) == {"l": ["large", "small"]}
    assert np.array_equal(other.tensors.get(RUN, 0, "l", "large"), given["l"]["large"])
    (entry,) = other.tensors.appended(RUN)
    assert entry.metadata == {"n": 2}
    assert np.array_equal(entry.get("l", "small"), given["l"]["small"])
    other.close()


@pytest.mark.parametrize("content", [b"not a record", b"\xc0", bytes(2 * MIB)])
def test_metadata_that_somebody_attached_by_hand_is_named(store, tensors, content):
    store.attach(RUN, "tensors/1/metadata", content)
    for ask in (
        lambda: tensors.metadata(RUN, 1),
        lambda: tensors.layers(RUN, 1),
        lambda: tensors.get_batch(RUN, 1),
        lambda: list(tensors.iter_batches(RUN)),
    ):
        with pytest.raises(Corrupt, match=f"metadata of run {RUN}, batch 1 is no") as error:
            ask()
        assert error.value.hint
    assert store.read_attachment(RUN, "tensors/1/metadata") == content

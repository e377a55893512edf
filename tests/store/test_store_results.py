"""Results, metrics over steps, derived metrics."""

import math
import subprocess
import sys

import numpy as np
import pytest

from graven.errors import Conflict, Corrupt, InvalidInput, NotFound
from graven.formats.envelope import MANIFEST
from graven.formats.manifest import encode_manifest
from graven.store import series
from graven.store.session import Intent
from graven.testing.runs import sample_run


@pytest.fixture
def store(store):
    store.save(sample_run("a"))
    return store


@pytest.mark.parametrize(
    "data",
    [
        None, True, 7, -0.5, "text", [], {}, [1, [2.5, None]], {"a": {"b": [1, "x"]}},
        {"é": "ü"}, [2**63], [-(2**63)], float("inf"),
    ],
)  # fmt: skip
def test_data_comes_back_as_it_was(store, data):
    store.put_result("a", "x", data, metadata={"unit": "ms"})
    found = store.get_result("a", "x")
    assert found.data == data
    assert type(found.data) is type(data)
    assert (found.name, found.dtype, found.shape) == ("x", None, None)
    assert found.metadata == {"unit": "ms"}


def test_not_a_number_comes_back(store):
    store.put_result("a", "x", [float("nan")])
    assert math.isnan(store.get_result("a", "x").data[0])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6, dtype=">f4").reshape(2, 3).T,
        np.arange(20, dtype=np.uint8)[::3],
        np.array(1.5),
        np.zeros((0, 4), np.float16),
        np.array([True, False]),
        np.array([1 + 2j], np.complex64),
        np.arange(300_000, dtype=np.float64),
    ],
)
def test_arrays_come_back_as_they_were(store, array):
    store.put_result("a", "x", array, metadata={"k": 1})
    found = store.get_result("a", "x")
    assert found.metadata == {"k": 1}
    assert found.shape == array.shape
    back = found.array()
    assert back.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(back, array)
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
    assert found.data == little
    assert store.read_attachment("a", "results/x") == little
    assert store.fsck("full").ok


def test_equal_arrays_are_one_object(store):
    store.save(sample_run("b"))
    array = np.arange(400_000, dtype=np.float64)
    store.put_result("a", "x", array)
    size = sum(p.size for p in store.packs())
    store.put_result("b", "x", array.astype(">f8"))
    assert sum(p.size for p in store.packs()) < size + 2000


def test_bytes_and_lists_with_dtype_and_shape(store):
    store.put_result("a", "bytes", bytes(range(8)), dtype="<u2", shape=(2, 2))
    assert store.get_result("a", "bytes").array().tolist() == [[256, 770], [1284, 1798]]
    store.put_result("a", "list", [1, 2, 3, 4], dtype="float32", shape=[2, 2])
    found = store.get_result("a", "list")
    assert found.data == [1, 2, 3, 4]
    assert found.array().dtype == np.float32
    assert found.array().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("data", "options", "kind"),
    [
        (b"xyz", {}, "bad-dtype"),
        (b"xyz", {"dtype": "float32"}, "bad-shape"),
        (b"abcd", {"dtype": "float32", "shape": (2,)}, "bad-shape"),
        (b"abcd", {"dtype": "float32", "shape": (-1, -1)}, "bad-shape"),
        (b"abcd", {"dtype": "float32", "shape": (True,)}, "bad-shape"),
        (b"abcd", {"dtype": "float32", "shape": 1}, "bad-shape"),
        (b"abcd", {"dtype": "float128"}, "bad-dtype"),
        ([1], {"dtype": "O"}, "bad-dtype"),
        (np.array([object()]), {}, "bad-dtype"),
        (np.array(["text"]), {}, "bad-dtype"),
        (np.ma.array([1, 2], mask=[False, True]), {}, "bad-dtype"),
        (np.zeros(3), {"shape": (4,)}, "bad-shape"),
        (object(), {}, "bad-type"),
        ({1, 2}, {}, "bad-type"),
        ([2**70], {}, "bad-int"),
        ("\ud800", {}, "bad-text"),
        (1, {"metadata": {"x": b""}}, "bad-metadata"),
    ],
)
def test_data_that_cannot_be_kept(store, data, options, kind):
    with pytest.raises(InvalidInput) as error:
        store.put_result("a", "x", data, **options)
    assert error.value.kind == kind
    assert store.list_results("a") == []


def test_results_are_listed_without_their_kind(store):
    store.put_result("a", "x", 1)
    store.put_result("a", "results/y", 2)
    store.put_log("a", "z", "no result")
    assert store.list_results("a") == ["x", "y"]
    with pytest.raises(NotFound):
        store.get_result("a", "z")


def test_a_file_under_the_name_of_a_result(store):
    store.attach("a", "results/x", b"bytes")
    with pytest.raises(InvalidInput) as error:
        store.get_result("a", "x")
    assert error.value.kind == "no-result"


def test_a_record_reads_as_json(store):
    store.put_result("a", "x", {"b": 1, "a": [1.5]})
    assert store.read_attachment("a", "results/x") == b'{\n  "a": [\n    1.5\n  ],\n  "b": 1\n}\n'


@pytest.mark.parametrize(
    "body",
    [
        {"array": 1, "dtype": "float32", "shape": [1]},
        {"array": True, "dtype": "float32", "shape": [1]},
        {"array": 0, "dtype": "float32", "shape": [2**62, 2**62]},
        {"array": 0, "dtype": "float32", "shape": [-1]},
        {"array": 0, "dtype": "evil", "shape": [1]},
        {"array": 0},
        {"value": 1, "metadata": 7},
    ],
)
def test_a_strangers_result_is_damage_and_takes_no_memory(store, body):
    link = bytes.fromhex(store.put_object(b"abcd"))
    made = store.put_object(encode_manifest("result", body, [link]), MANIFEST)
    target = bytes.fromhex(made)
    store.parts.session.commit([], [Intent("runs/a/results/x", target, None, {"size": 4})])
    with pytest.raises(Corrupt):
        store.get_result("a", "x")


def test_no_numpy_where_none_is_used(store):
    code = (
        "import sys; from graven import Store;"
        f"s = Store({str(store.path)!r}); s.put_result('a', 'x', [1.5, {{'k': 2}}]);"
        "assert s.get_result('a', 'x').data == [1.5, {'k': 2}];"
        "s.put_result('a', 'y', bytes(8), dtype='float64');"
        "assert s.get_result('a', 'y').data == bytes(8);"
        "assert 'numpy' not in sys.modules; s.get_result('a', 'y').array();"
        "assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- metrics over steps ---


def test_metrics_are_appended_in_batches(store, open_store):
    with store.metrics("a") as metrics:
        for step in range(2500):
            metrics.log("loss", step / 2, step)
            if step == 1500:
                assert len(open_store().get_result("a", "loss").data) == 1000
        metrics.log("results/rate", 7)
    found = store.get_result("a", "loss")
    assert found.data == [[step, step / 2] for step in range(2500)]
    assert found.metadata == {"type": "stepped_metric"}
    assert store.get_result("a", "rate").data == [[0, 7.0]]
    assert store.attachment("a", "results/loss").kind == "stepped_metric"


def test_a_batch_is_one_pack_for_all_its_metrics(store):
    count = len(store.packs())
    with store.metrics("a") as metrics:
        for name in "abc":
            metrics.log(name, 1)
    assert len(store.packs()) == count + 1


def test_appending_costs_the_same_however_much_is_there(store, monkeypatch):
    monkeypatch.setattr(series, "PART", 100)
    monkeypatch.setattr(series, "BATCH", 50)
    with store.metrics("a") as metrics:
        for step in range(1050):
            metrics.log("loss", step * 1.1, step)
    sizes = [pack.size for pack in store.packs()]
    assert max(sizes[-5:]) < 1.5 * max(sizes[2:7])
    assert store.get_result("a", "loss").data == [[n, n * 1.1] for n in range(1050)]
    assert store.fsck("full").ok


def test_steps_go_on_by_themselves(store):
    store.log_metric("a", "loss", 1, step=10)
    store.log_metric("a", "loss", 2)
    with store.metrics("a") as metrics:
        metrics.log("loss", np.float32(3))
        metrics.log("loss", 4, step=np.int64(20))
        metrics.log("loss", 5)
    assert store.get_result("a", "loss").data == [[10, 1], [11, 2], [12, 3], [20, 4], [21, 5]]


def test_two_writers_in_turn_lose_nothing(store, open_store):
    one, two = store.metrics("a"), open_store().metrics("a")
    for step in range(4):
        writer = (one, two)[step % 2]
        writer.log("loss", step, step)
        writer.flush()
    assert [step for step, _ in store.get_result("a", "loss").data] == [0, 1, 2, 3]


def test_what_was_logged_before_an_error_stays(store):
    with pytest.raises(RuntimeError), store.metrics("a") as metrics:
        metrics.log("loss", 1)
        raise RuntimeError
    assert store.get_result("a", "loss").data == [[0, 1.0]]


def test_a_series_reads_as_json(store):
    store.log_metric("a", "loss", 0.5, step=3)
    assert store.read_attachment("a", "results/loss").split() == b"[ [ 3, 0.5 ] ]".split()


@pytest.mark.parametrize("value", ["1", None, object(), 1j, b"1"])
def test_values_that_are_no_numbers(store, value):
    with pytest.raises(InvalidInput):
        store.log_metric("a", "loss", value)
    with pytest.raises(InvalidInput):
        store.log_metric("a", "loss", 1, step=value if value is not None else True)
    assert store.list_results("a") == []


def test_a_name_that_is_taken_by_something_else(store):
    store.put_result("a", "x", 1)
    with pytest.raises(Conflict):
        store.log_metric("a", "x", 1)
    assert store.get_result("a", "x").data == 1


# --- derived ---


def test_derived_metrics_are_replaced_and_no_part_of_the_run(store):
    before = store.resolve("a").object_id
    assert store.get_derived("a") is None
    store.put_derived("a", {"score": 1})
    store.put_derived("a", {"score": 2, "of": {"x": None}})
    store.put_derived("a", {"other": 1}, name="second")
    assert store.get_derived("a") == {"score": 2, "of": {"x": None}}
    assert store.get_derived("a", "second") == {"other": 1}
    assert store.resolve("a").object_id == before
    for bad in ([1], {"x": object()}):
        with pytest.raises(InvalidInput):
            store.put_derived("a", bad)
    with pytest.raises(NotFound):
        store.get_derived("b")


def test_a_result_is_shown_on_a_line_whatever_it_holds(store):
    store.put_result("a", "array", np.zeros(100_000))
    shown = repr(store.get_result("a", "array"))
    assert shown.startswith("Result(name='array', data=<800,000 bytes>, dtype='float64', shape=")
    store.put_result("a", "list", list(range(100_000)))
    assert len(repr(store.get_result("a", "list"))) < 400

"""Every value of every table, against the runs themselves."""

import math

import numpy as np
import pyarrow as pa
import pytest
from frames_oracle import canonical, odd_runs, rows_of

from graven.errors import InvalidInput
from graven.formats.columns import pack_floats
from graven.frames import SCHEMAS, TABLES, Frames
from graven.frames.columns import floats_of
from graven.model import Metric, Point, Run
from graven.testing.runs import sample_run

OF_RUNS = ("runs", "points", "metrics", "samples", "tags", "params")
ALWAYS = {"runs": ("saved", "machine")}


def whole(store, table, where="", columns=None):
    return Frames(store, where).reader(table, columns).read_all()


def without(rows, names):
    return [{k: v for k, v in row.items() if k not in names} for row in rows]


@pytest.mark.parametrize("table", OF_RUNS)
def test_each_table_says_what_the_runs_say(store, table):
    for run in odd_runs():
        store.save(run)
    found = whole(store, table)
    assert found.schema == SCHEMAS[table]
    found.validate(full=True)
    rows = without(found.to_pylist(), ALWAYS.get(table, ()))
    assert canonical(rows, table) == canonical(rows_of(store, table), table)


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_store_has_empty_tables_of_the_same_columns(store, table):
    found = whole(store, table)
    assert (found.num_rows, found.schema) == (0, SCHEMAS[table])


def test_a_column_alone_is_what_it_is_among_all(store):
    for run in odd_runs():
        store.save(run)
    for table in OF_RUNS:
        all_columns = whole(store, table)
        for name in all_columns.schema.names:
            alone = whole(store, table, columns=[name])
            assert alone.schema.names == [name]
            assert str(alone.column(name).to_pylist()) == str(all_columns.column(name).to_pylist())


def test_nan_is_a_number_and_nothing_is_null(store):
    metrics = {"a": Metric(value=math.nan), "b": Metric(value=1.0, lower=math.nan)}
    store.save(Run(points=(Point(name="p", scenario="s", metrics=metrics),), id="r"))
    found = whole(store, "metrics")
    assert found.column("value").null_count == 0
    assert np.isnan(found.column("value")[0].as_py())
    assert [found.column("lower")[i].is_valid for i in range(2)] == [False, True]
    assert found.column("upper").null_count == 2


def test_a_query_chooses_the_runs_of_every_table(store):
    for number in range(5):
        store.save(sample_run(f"r{number}", float(number), minute=number,
                              branch="main" if number % 2 else "dev"))  # fmt: skip
    store.attach("r1", "artifacts/a.txt", b"1")
    store.attach("r2", "artifacts/a.txt", b"2")
    store.set_baseline("r1", "one")
    store.set_baseline("r2", "two")
    for table in ("runs", "metrics", "points"):
        ids = set(whole(store, table, "branch = main").column("run_id").to_pylist())
        assert ids == {"r1", "r3"}
    for table in ("artifacts", "baselines"):
        assert whole(store, table, "branch = main").column("run_id").to_pylist() == ["r1"]
        assert whole(store, table).num_rows == 2


def test_artifacts_and_baselines(store):
    store.save(sample_run("r"))
    store.attach("r", "artifacts/=evil.csv", b"a,b", metadata={"k": "<b>"})
    store.put_log("r", "train", b"line\n")
    store.set_baseline("r", "main")
    store.tags.set("v1", "r", message="=cmd()")
    [evil] = [row for row in whole(store, "artifacts").to_pylist() if "evil" in row["name"]]
    kept = store.attachment("r", "artifacts/=evil.csv")
    assert evil["size"] == 3
    assert (evil["object"], evil["media_type"]) == (kept.object_id, "text/csv")
    assert evil["metadata"] == '{"k":"<b>"}'
    names = {(row["kind"], row["name"], row["message"])
             for row in whole(store, "baselines").to_pylist()}  # fmt: skip
    assert ("tag", "v1", "=cmd()") in names
    assert {kind for kind, *_ in names} == {"baseline", "tag"}


def test_runs_say_which_machine_they_ran_on(store):
    store.save(sample_run("a", environment={"cpu": {"model": "X", "count": 4}}))
    store.save(sample_run("b", environment={}))
    machines = dict(zip(*(whole(store, "runs").column(n).to_pylist()
                          for n in ("run_id", "machine")), strict=True))  # fmt: skip
    assert machines["b"] is None


def test_deleted_and_replaced_runs_are_as_the_store_has_them(store):
    for number in range(4):
        store.save(sample_run(f"r{number}", float(number)))
    store.delete("r1")
    store.save(sample_run("r2", 20.0))
    found = whole(store, "metrics").to_pylist()
    assert sorted((row["run_id"], row["value"]) for row in found) == [
        ("r0", 0.0), ("r2", 20.0), ("r3", 3.0),
    ]  # fmt: skip


def test_unknown_tables_and_columns_are_named_with_the_nearest(store):
    with pytest.raises(InvalidInput) as error:
        Frames(store).reader("metric")
    assert error.value.hint == "did you mean 'metrics'?"
    with pytest.raises(InvalidInput) as error:
        Frames(store).reader("metrics", ["valu"])
    assert error.value.hint == "did you mean 'value'?"


def test_packed_columns_are_read_as_formats_reads_them():
    for values in ([0.1, 2.5, 1e6], [1 / 3, math.pi], [math.inf, 1.0], [], [123456.789012]):
        assert floats_of(pack_floats(values)).tolist() == values


def test_many_runs_come_in_many_batches_that_are_small(store, monkeypatch):
    from graven.store import bulk

    monkeypatch.setattr(bulk, "PAGE_RUNS", 7)
    with store.batch() as batch:
        for number in range(40):
            batch.save(sample_run(f"r{number:02}", float(number), minute=number))
    batches = list(Frames(store).reader("metrics"))
    assert len(batches) == 6
    assert sorted(pa.Table.from_batches(batches).column("value").to_pylist()) == [
        float(number) for number in range(40)
    ]


def test_a_damaged_run_is_told_and_the_others_are_there(store, monkeypatch):
    import graven.store.bulk as bulk
    from graven.errors import Corrupt

    for run_id in ("a", "b"):
        store.save(sample_run(run_id))
    real = bulk.read_bodies

    def damaged(index, keys):
        for key, body in zip(keys, real(index, keys), strict=True):
            yield Corrupt("does not match", kind="hash-mismatch") if key.run_id == "a" else body

    monkeypatch.setattr(bulk, "read_bodies", damaged)
    with pytest.warns(UserWarning, match="run a cannot be read whole"):
        rows = whole(store, "runs").to_pylist()
    assert {row["run_id"]: row["metadata"] for row in rows} == {"a": None, "b": "{}"}

"""One dataset over the tables of many runs: whole, in part, kept, and made anew."""

import os
from datetime import timedelta
from decimal import Decimal

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from graven import Store
from graven.backends.memory import MemoryBackend
from graven.errors import GravenWarning, InvalidInput, NotFound
from graven.objects import loose
from graven.store import table_segments
from graven.store.table_files import LooseFiles
from graven.sync.bundle import create_bundle
from graven.testing.remote import counted
from graven.testing.runs import sample_run


def table(number, rows=3, **more):
    return pa.table({"n": [number] * rows, "i": range(rows), **more})


def fill(store, count=6, rows=3):
    for number in range(count):
        branch = "main" if number % 2 else None
        experiment = f"e{number % 3}"
        run = sample_run(f"r{number}", minute=number, branch=branch, experiment=experiment)
        store.save(run)
        store.put_table(f"r{number}", "t", table(number, rows))


def ordered(found):
    """A branch may be None, which no text compares with."""
    return sorted(found, key=lambda row: tuple(str(value) for value in row))


def rows(dataset):
    names = ("run_id", "branch", "experiment", "n", "i")
    return ordered(tuple(row[n] for n in names) for row in dataset.to_table().to_pylist())


def rows_by_hand(numbers, count=3):
    return ordered(
        (f"r{n}", "main" if n % 2 else None, f"e{n % 3}", n, i)
        for n in numbers
        for i in range(count)
    )


@pytest.fixture
def runs(store):
    fill(store)
    return store


@pytest.fixture
def opened(monkeypatch):
    """Keys of loose files that pyarrow opened."""
    keys = []
    plain = LooseFiles.open_input_file
    monkeypatch.setattr(
        LooseFiles, "open_input_file", lambda self, path: (keys.append(path), plain(self, path))[1]
    )
    return keys


@pytest.fixture
def all_loose(monkeypatch):
    """Every table is a file of its own."""
    monkeypatch.setattr("graven.store.table_writing.WHOLE_BYTES", 0)


def segment_files(store):
    folder = store.path / "cache" / "tables"
    return sorted(folder.rglob("*.parquet"))


def test_all_rows_with_their_runs(runs):
    dataset = runs.scan("t")
    assert isinstance(dataset, ds.Dataset)
    assert dataset.schema.names == ["run_id", "branch", "experiment", "n", "i"]
    assert rows(dataset) == rows_by_hand(range(6))
    assert len(segment_files(runs)) == 1
    assert rows(runs.scan("tables/t")) == rows_by_hand(range(6))


def test_a_second_scan_reads_no_object(runs, monkeypatch):
    runs.scan("t")
    monkeypatch.setattr("graven.store.table_scan._Reading.tables", None)
    assert rows(runs.scan("t")) == rows_by_hand(range(6))
    again = Store(runs.path, durable=False)
    assert rows(again.scan("t")) == rows_by_hand(range(6))
    again.close()


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ({}, range(6)),
        ({"run_id": "r2"}, [2]),
        ({"run_id": ["r2", "r5", "nobody"]}, [2, 5]),
        ({"branch": "main"}, [1, 3, 5]),
        ({"experiment": "e1"}, [1, 4]),
        ({"branch": "main", "experiment": "e1"}, [1]),
        ({"since": sample_run("x", minute=3).timestamp}, [3, 4, 5]),
        ({"until": sample_run("x", minute=3).timestamp}, [0, 1, 2]),
        ({"since": sample_run("x").timestamp + timedelta(days=1)}, []),
        ({"status": "failed"}, []),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_a_mapping_chooses_runs(runs, where, numbers, warm):
    if warm:
        runs.scan("t")
    assert rows(runs.scan("t", where)) == rows_by_hand(numbers)


def test_an_expression_chooses_rows(runs):
    assert rows(runs.scan("t", ds.field("branch") == "main")) == rows_by_hand([1, 3, 5])
    found = runs.scan("t", (pc.field("n") > 3) & (pc.field("i") == 0)).to_table()
    assert sorted(found["run_id"].to_pylist()) == ["r4", "r5"]
    with pytest.raises(InvalidInput, match="condition cannot be asked"):
        runs.scan("t", pc.field("nothing") == 1)


def test_conditions_that_mean_nothing(runs):
    with pytest.raises(InvalidInput, match="no condition 'brnch'") as caught:
        runs.scan("t", {"brnch": "main"})
    assert caught.value.hint == "did you mean 'branch'?"
    with pytest.raises(InvalidInput, match="no condition: str"):
        runs.scan("t", "branch = 'main'")
    with pytest.raises(NotFound, match="no run has a table 'x'"):
        runs.scan("x")


@pytest.mark.parametrize(
    "where",
    [
        *({"since": "2026-01-01"}, {"until": 5}, {"commit": b"x"}, {"branch": ["main"]}),
        *({"run_id": 5}, {"run_id": ["r1", 5]}, {"run_id": b"r1"}, {"run_id": {"r1": 1}}),
    ],
)
def test_values_that_no_condition_takes(runs, where):
    (key,) = where
    with pytest.raises(InvalidInput, match=f"condition '{key}' is ") as caught:
        runs.scan("t", where)
    assert caught.value.kind == "bad-condition"


def test_columns(runs):
    dataset = runs.scan("t", columns=["i"])
    assert dataset.to_table().schema.names == ["run_id", "branch", "experiment", "i"]
    assert runs.scan("t", columns=[]).count_rows() == 18
    with pytest.raises(InvalidInput, match="no column 'ii'") as caught:
        runs.scan("t", columns=["ii"])
    assert caught.value.hint == "did you mean 'i'?"
    assert runs.scan("t", columns=["i", "i"]).to_table().schema.names[3:] == ["i"]
    for none in ("i", [5]):
        with pytest.raises(InvalidInput, match="not a list of columns"):
            runs.scan("t", columns=none)


@pytest.mark.parametrize("where", [None, {"branch": "main"}])
def test_duckdb_and_polars_read_it(runs, where):
    runs.scan("t")
    dataset = runs.scan("t", where)
    found = duckdb.sql("SELECT run_id, sum(i) FROM dataset WHERE n > 1 GROUP BY 1 ORDER BY 1")
    numbers = [2, 3, 4, 5] if where is None else [3, 5]
    assert found.fetchall() == [(f"r{n}", 3) for n in numbers]
    lazy = pl.scan_pyarrow_dataset(dataset).filter(pl.col("n") > 1).select("run_id", "i")
    assert lazy.collect().height == 3 * len(numbers)


# --- large tables ---


def test_loose_tables_are_read_in_place(store, all_loose, opened):
    fill(store)
    assert len(list(loose.iter_loose(store.parts.backend))) == 6
    dataset = store.scan("t")
    assert segment_files(store) == []
    assert rows(dataset) == rows_by_hand(range(6))
    assert len(set(opened)) == 6


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        (ds.field("run_id") == "r3", [3]),
        (ds.field("branch") == "main", [1, 3, 5]),
        ((ds.field("experiment") == "e1") & ds.field("branch").is_null(), [4]),
        (ds.field("run_id").isin(["r1", "r2"]), [1, 2]),
    ],
)
def test_a_condition_on_the_run_opens_only_its_files(store, all_loose, opened, condition, numbers):
    fill(store)
    dataset = store.scan("t")
    opened.clear()
    assert dataset.to_table(filter=condition).num_rows == 3 * len(numbers)
    assert len(set(opened)) == len(numbers)


def test_of_several_files_one_that_stands_is_read(store, all_loose):
    fill(store, 1)
    index = store.parts.index
    (first,) = loose.iter_loose(store.parts.backend)
    second = store.parts.session.put_loose(first.object_id, store.parts.backend.get(first.key))
    index.refresh_loose()
    for key in sorted([first.key, second])[:1]:
        store.parts.backend.delete(key)
    assert store.scan("t").count_rows() == 3


def test_a_mapping_opens_no_other_file(store, all_loose, opened):
    fill(store)
    assert rows(store.scan("t", {"run_id": "r4"})) == rows_by_hand([4])
    assert len(set(opened)) == 1


def test_large_and_small_together(runs, monkeypatch):
    monkeypatch.setattr("graven.store.table_writing.WHOLE_BYTES", 0)
    runs.put_table("r3", "t", table(3, 5))
    found = rows(runs.scan("t"))
    assert len(found) == 6 * 3 + 2
    assert rows(runs.scan("t", {"run_id": "r3"})) == rows_by_hand([3], 5)


def test_a_file_with_claims_beyond_the_limit_is_not_decoded(store, all_loose):
    store.save(sample_run("a"))
    store.put_table("a", "t", {"zero": [0] * 100_000})
    with pytest.raises(InvalidInput, match="when decoded, over 1,000"):
        store.scan("t", max_bytes=1000).to_table()
    assert store.scan("t").count_rows() == 100_000


# --- columns that differ ---


def put_all(store, **tables):
    for run_id, content in tables.items():
        store.save(sample_run(run_id))
        store.put_table(run_id, "t", content)


@pytest.mark.parametrize("place", ["packs", "files"])
def test_columns_come_together_by_name(store, request, place):
    if place == "files":
        request.getfixturevalue("all_loose")
    put_all(
        store,
        a={"x": [1, 2], "only_a": ["p", "q"]},
        b={"x": pa.array([1.5], pa.float32()), "only_b": [True]},
        c={"only_b": [None], "x": pa.array(["7"]).cast(pa.int8())},
    )
    for _ in range(2):
        dataset = store.scan("t")
        assert dataset.schema.field("x").type == pa.float64()
        found = {r["run_id"] + str(r["x"]): r for r in dataset.to_table().to_pylist()}
        assert set(found) == {"a1.0", "a2.0", "b1.5", "c7.0"}
        assert found["a1.0"]["only_b"] is None
        assert found["b1.5"]["only_b"] is True
        assert found["a2.0"]["only_a"] == "q"


def test_what_was_scanned_before_changes_no_column(store):
    put_all(store, a={"x": [1]}, b={"x": [1.5], "y": [1]})
    assert store.scan("t").schema.field("x").type == pa.float64()
    alone = store.scan("t", {"run_id": "a"})
    assert alone.schema.names == ["run_id", "branch", "experiment", "x"]
    assert alone.to_table()["x"].type == pa.int64()
    assert alone.to_table()["x"].to_pylist() == [1]


@pytest.mark.parametrize("place", ["packs", "files"])
def test_types_that_do_not_go_together_are_named(store, request, place):
    if place == "files":
        request.getfixturevalue("all_loose")
    put_all(store, a={"x": [1], "y": [1]}, b={"x": [2], "y": ["text"]})
    with pytest.raises(InvalidInput, match="column 'y' is string in run b and int64 in run a"):
        store.scan("t")
    assert store.scan("t", {"run_id": "b"}).to_table()["y"].to_pylist() == ["text"]
    assert store.scan("t", {"run_id": "a"}).to_table()["y"].to_pylist() == [1]


MISFITS = {
    "float": (pa.array([5, 2**63 - 1]), pa.array([0.5]), "double"),
    "signed": (pa.array([2**63], pa.uint64()), pa.array([-1]), "int64"),
    "time": (
        pa.array([16725225600], pa.timestamp("s")),
        pa.array([0], pa.timestamp("ns")),
        "timestamp",
    ),
    "list": (pa.array([[2**60]]), pa.array([[0.5]]), "double"),
    "coded": (pa.array([2**60]).dictionary_encode(), pa.array([0.5]), "double"),
}


@pytest.mark.parametrize("place", ["packs", "files"])
@pytest.mark.parametrize("kind", MISFITS)
def test_values_that_have_no_form_in_the_common_type_are_named(store, request, place, kind):
    if place == "files":
        request.getfixturevalue("all_loose")
    large, other, wanted = MISFITS[kind]
    put_all(store, a={"x": large[:0], "n": [1][:0]}, b={"x": large}, c={"x": other, "n": [1]})
    for _ in range(2):
        with pytest.raises(InvalidInput, match=f"'x' .* run b and .* run c.* {wanted}") as error:
            store.scan("t")
        assert (error.value.kind, error.value.fields["field"]) == ("schema-conflict", "x")
    assert store.scan("t", {"run_id": "b"}).to_table()["x"].to_pylist() == large.to_pylist()
    assert store.scan("t", {"run_id": ["a", "c"]}).to_table()["x"].to_pylist() == other.to_pylist()
    assert store.scan("t", columns=["n"]).to_table()["n"].drop_null().to_pylist() == [1]


@pytest.mark.parametrize("place", ["packs", "files"])
def test_types_that_go_together_by_their_values(store, request, place):
    if place == "files":
        request.getfixturevalue("all_loose")
    half = pa.array([Decimal("0.5")], pa.decimal128(5, 1))
    put_all(
        store,
        a={"u": pa.array([7], pa.uint64()), "d": half, "l": [[1]], "f": [None]},
        b={"u": [-7], "d": [2**63 - 1], "l": [[0.5]], "f": [1.5]},
        c={"u": [None], "d": pa.array([2**64 - 1], pa.uint64()), "l": [None], "f": [3]},
    )
    for _ in range(2):
        found = {row["run_id"]: row for row in store.scan("t").to_table().to_pylist()}
        assert [found[run]["u"] for run in "abc"] == [7, -7, None]
        assert [found[run]["d"] for run in "abc"] == [Decimal("0.5"), 2**63 - 1, 2**64 - 1]
        assert [found[run]["l"] for run in "abc"] == [[1.0], [0.5], None]
        assert [found[run]["f"] for run in "abc"] == [None, 1.5, 3.0]


@pytest.mark.parametrize("name", ["__filename", "__fragment_index", "run_id"])
def test_a_column_that_a_dataset_has_itself_is_refused(store, name):
    store.save(sample_run("a"))
    with pytest.raises(InvalidInput) as error:
        store.put_table("a", "t", {name: [1]})
    assert (error.value.kind, error.value.fields["field"]) == ("reserved-column", name)


@pytest.mark.parametrize("limit", ["x", 1.5, True, -1])
def test_a_limit_that_is_none_is_refused(runs, limit):
    for call in (lambda: runs.scan("t", max_bytes=limit),
                 lambda: runs.get_table("r1", "t", max_bytes=limit)):  # fmt: skip
        with pytest.raises(InvalidInput, match="max_bytes") as error:
            call()
        assert error.value.kind == "bad-limit"


@pytest.mark.parametrize("place", ["packs", "files"])
def test_types_of_all_kinds(store, request, place):
    if place == "files":
        request.getfixturevalue("all_loose")
    content = {
        "code": pa.array(["u", "v", "u"]).dictionary_encode(),
        "list": [[1], [], None],
        "struct": [{"k": 1}, None, {"k": None}],
        "none": pa.nulls(3),
        "time": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
    }
    put_all(store, a=content, b=content)
    plain = pa.table(content).to_pylist()
    for _ in range(2):
        found = store.scan("t").to_table().drop_columns(["run_id", "branch", "experiment"])
        assert found.to_pylist() == plain * 2


def test_empty_tables(store):
    put_all(store, a={"x": pa.array([], pa.int64())})
    assert store.scan("t").to_table().num_rows == 0
    put_all(store, b={"x": [1], "y": [2]})
    assert store.scan("t").to_table().to_pylist() == [
        {"run_id": "b", "branch": None, "experiment": None, "x": 1, "y": 2}
    ]
    assert store.scan("t", {"run_id": "a"}).schema.names[3:] == ["x"]


# --- segments ---


def test_a_mapping_reads_only_the_row_groups_of_its_runs(store, monkeypatch):
    monkeypatch.setattr(table_segments, "ROW_GROUP", 4)
    fill(store)
    store.put_table("r4", "t", table(4).slice(0, 0))
    store.scan("t")
    for numbers in ([2], [0, 5], [1, 3, 5], [0, 1, 2, 3, 5]):
        dataset = store.scan("t", {"run_id": [f"r{n}" for n in numbers]})
        assert rows(dataset) == rows_by_hand(numbers)
    assert rows(store.scan("t", {"run_id": "r4"})) == []
    segments = table_segments.Segments(str(segment_files(store)[0].parent), store.store_id)
    (segment,) = segments._all()
    assert segment.groups == (4, 4, 4, 3)
    keys = {key.run_id: key for key in segment.entries}
    assert list(keys) == ["r0", "r3", "r4", "r1", "r2", "r5"]  # neighbours are alike
    assert segment.groups_of({keys["r0"]}) == [0]
    assert segment.groups_of({keys["r3"]}) == [0, 1]
    assert segment.groups_of({keys["r4"]}) == []
    assert segment.groups_of(set(keys.values())) is None


def test_new_runs_are_added_and_small_segments_merged(store):
    fill(store, 1)
    for number in range(12):
        store.save(sample_run(f"x{number}"))
        store.put_table(f"x{number}", "t", table(100 + number))
        assert store.scan("t").count_rows() == 3 * (number + 2)
        assert len(segment_files(store)) <= 2 * table_segments.MERGE_AT


def test_what_is_gone_is_gone(runs):
    runs.scan("t")
    runs.delete("r1")
    assert rows(runs.scan("t")) == rows_by_hand([0, 2, 3, 4, 5])
    runs.restore("r1")
    assert rows(runs.scan("t")) == rows_by_hand(range(6))
    runs.put_table("r2", "t", table(2, 1))
    found = rows(runs.scan("t"))
    assert [r for r in found if r[0] == "r2"] == rows_by_hand([2], 1)
    runs.detach("r3", "tables/t")
    assert {r[0] for r in rows(runs.scan("t"))} == {"r0", "r1", "r2", "r4", "r5"}
    runs.relabel("r4", branch="moved", experiment=None)
    (found,) = {r[:3] for r in rows(runs.scan("t", {"run_id": "r4"}))}
    assert found == ("r4", "moved", None)
    assert rows(runs.scan("t", {"branch": "moved"})) != []
    assert len(segment_files(runs)) <= table_segments.MERGE_AT


def test_a_dataset_goes_on_when_its_segment_was_replaced(runs):
    dataset = runs.scan("t")
    runs.delete("r1")
    runs.scan("t")
    assert rows(dataset) == rows_by_hand(range(6))


def test_two_who_make_segments_at_once_add_no_row_twice(runs, tmp_path):
    runs.scan("t")
    (first,) = segment_files(runs)
    kept = first.read_bytes()
    first.rename(tmp_path / first.name)
    runs.scan("t")
    first.write_bytes(kept)
    assert len(segment_files(runs)) == 2
    assert rows(runs.scan("t")) == rows_by_hand(range(6))
    assert len(segment_files(runs)) == 1


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "link", "other store", "gone"])
def test_segments_are_disposable(runs, open_store, harm, tmp_path):
    runs.scan("t")
    (path,) = segment_files(runs)
    data = bytearray(path.read_bytes())
    if harm == "flip":
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
    elif harm == "cut":
        path.write_bytes(data[:-20])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "link":
        path.rename(tmp_path / path.name)
        path.symlink_to(tmp_path / path.name)
    elif harm == "other store":
        other = open_store("other")
        fill(other, 2)
        other.scan("t")
        (foreign,) = segment_files(other)
        foreign.rename(path.parent / foreign.name)
    else:
        path.unlink()
    assert rows(runs.scan("t")) == rows_by_hand(range(6))


def test_damage_in_a_large_segment_is_found_by_the_page(runs, monkeypatch):
    monkeypatch.setattr(table_segments, "_WHOLE_BYTES", 10)
    runs.scan("t")
    (path,) = segment_files(runs)
    data = bytearray(path.read_bytes())
    data[60] ^= 1  # a page: the footer is hashed
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"CRC|[Cc]hecksum|corrupt"):
        runs.scan("t").to_table()


def test_a_table_that_cannot_be_read_is_left_out_with_a_warning(runs):
    runs.attach("r1", "tables/t", b"no parquet")
    with pytest.warns(GravenWarning, match="table 't' of run r1 is no Parquet file.*left out"):
        found = rows(runs.scan("t"))
    assert found == rows_by_hand([0, 2, 3, 4, 5])


def test_a_chunked_table_is_read_too(runs, all_loose):
    runs.put_table("r1", "big", table(1, 300_000))
    data = runs.read_attachment("r1", "tables/big")
    runs.attach("r2", "tables/other", data)
    assert runs.scan("other").count_rows() == 300_000


# --- elsewhere ---


def test_a_store_that_may_not_be_written_is_scanned_from_memory(runs):
    reader = Store(runs.path, readonly=True)
    assert rows(reader.scan("t")) == rows_by_hand(range(6))
    assert rows(reader.scan("t", {"branch": "main"})) == rows_by_hand([1, 3, 5])
    assert not (runs.path / "cache" / "tables").exists()
    reader.close()


def test_an_archive_is_scanned_in_place(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("graven.store.table_writing.WHOLE_BYTES", 0)
    runs.put_table("r3", "t", table(3))
    create_bundle(runs, tmp_path / "b.zip")
    archive = Store(f"zip://{tmp_path}/b.zip", create=False, readonly=True)
    assert rows(archive.scan("t")) == rows_by_hand(range(6))


def test_a_remote_store_is_scanned_with_few_requests(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    store = Store("unused", backend=counted("scan"), views="none")
    try:
        fill(store)
        assert rows(store.scan("t")) == rows_by_hand(range(6))
        inner = store.parts.backend.inner
        before = len(inner.calls)
        assert rows(store.scan("t")) == rows_by_hand(range(6))
        made = [method for method, _ in inner.calls[before:] if method != "listing_token"]
        assert made == ["names"]  # which packs there are
        assert list((tmp_path / "cache").rglob("*.parquet"))
        monkeypatch.setattr("graven.store.table_writing.WHOLE_BYTES", 0)
        store.put_table("r3", "t", table(3, 5))
        before = len(inner.calls)
        assert rows(store.scan("t", {"run_id": "r3"})) == rows_by_hand([3], 5)
        ranges = [method for method, key in inner.calls[before:] if key.startswith("objects/")]
        assert set(ranges) == {"get_range"}
        assert len(ranges) <= 3
    finally:
        MemoryBackend.forget("here/scan")


def test_on_a_bucket(ministack, new_bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    bucket = new_bucket(ministack)
    store = Store(f"{bucket.url}/p", storage_options=bucket.storage_options, views="none")
    store.save(sample_run("r0", experiment="e0"))
    store.save(sample_run("r1", experiment="e1", branch="main"))
    store.put_table("r0", "t", table(0))
    monkeypatch.setattr("graven.store.table_writing.WHOLE_BYTES", 0)
    store.put_table("r1", "t", table(1))
    dataset = store.scan("t")
    assert rows(dataset) == rows_by_hand([0, 1])
    assert duckdb.sql("SELECT count(*) FROM dataset").fetchall() == [(6,)]
    assert pl.scan_pyarrow_dataset(dataset).collect().height == 6
    store.close()


def test_names_of_segments_never_leave_the_cache(runs):
    runs.put_table("r1", "../../evil", table(1))
    runs.scan("../../evil")
    for path in segment_files(runs):
        assert os.path.commonpath([path, runs.path / "cache" / "tables"]).endswith("tables")

"""Exported tables, read back by the engines they are for, against the store."""

import contextlib
import json
import os
import sys
from pathlib import Path

import pytest

from graven import Store
from graven.errors import BackendUnavailable, Conflict, Corrupt, InvalidInput
from graven.testing.runs import sample_run

sys.path.append(str(Path(__file__).resolve().parents[1] / "frames"))  # its oracle
duckdb = pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import pyarrow.dataset as ds  # noqa: E402
from frames_oracle import EVIL, canonical, odd_runs, rows_of  # noqa: E402

from graven.export.tables import FORMATS, export_tables  # noqa: E402
from graven.frames import OF_RUNS, SCHEMAS, TABLES  # noqa: E402
from graven.frames import folder as folder_module  # noqa: E402
from graven.frames.writers import harmless  # noqa: E402

FILES = ("parquet", "csv", "jsonl")
NOT_COMPARED = ("saved", "machine", "month")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store", durable=False)
    yield store
    store.close()


@pytest.fixture
def odd_store(store):
    with store.batch() as batch:
        for run in odd_runs():
            batch.save(run)
    return store


def files(folder):
    """Path below the folder to (size, time) of each file."""
    return {
        path.relative_to(folder).as_posix(): path.stat()[6:9]
        for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def plain(rows):
    return [{k: v for k, v in row.items() if k not in NOT_COMPARED} for row in rows]


def check(rows, store, table, **how):
    assert canonical(plain(rows), table, **how) == canonical(rows_of(store, table), table, **how)


def by_duckdb(folder, table):
    found = duckdb.sql(
        f"SELECT * FROM read_parquet('{folder}/{table}/*/*.parquet', hive_partitioning = true)"
    )
    return found.to_arrow_table().to_pylist()


def by_polars(folder, table):
    polars = pytest.importorskip("polars")
    return polars.read_parquet(f"{folder}/{table}/", hive_partitioning=True).to_dicts()


def by_arrow(folder, table):
    return ds.dataset(folder / table, partitioning="hive").to_table().to_pylist()


def by_pandas(folder, table):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(folder / table)
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


@pytest.mark.parametrize("table", OF_RUNS)
@pytest.mark.parametrize("read", [by_duckdb, by_polars, by_arrow, by_pandas])
def test_parquet_is_read_by(odd_store, tmp_path, read, table):
    report = export_tables(odd_store, "parquet", tmp_path / "out")
    assert report.runs == odd_store.count()
    check(read(tmp_path / "out", table), odd_store, table, tell_nan=read is not by_pandas)


def test_months_are_folders(odd_store, tmp_path):
    export_tables(odd_store, "parquet", tmp_path / "out")
    months = {path.name for path in (tmp_path / "out" / "metrics").iterdir()}
    assert months == {"month=2026-01", "month=2026-02"}
    [(first,)] = duckdb.sql(
        f"SELECT count(*) FROM read_parquet('{tmp_path}/out/runs/*/*.parquet',"
        " hive_partitioning = true) WHERE month = '2026-01'"
    ).fetchall()
    assert first == sum(h.timestamp.month == 1 for h in odd_store.headers())


@pytest.mark.parametrize("table", OF_RUNS)
def test_delta_is_read_back(odd_store, tmp_path, table):
    deltalake = pytest.importorskip("deltalake")
    export_tables(odd_store, "delta", tmp_path / "out")
    found = deltalake.DeltaTable(tmp_path / "out" / table)
    check(found.to_pyarrow_table().to_pylist(), odd_store, table)
    assert found.metadata().partition_columns == ["month"]


@pytest.mark.parametrize("table", OF_RUNS)
def test_json_lines_are_read_back(odd_store, tmp_path, table):
    export_tables(odd_store, "jsonl", tmp_path / "out")
    rows = [
        json.loads(line)
        for path in (tmp_path / "out" / table).rglob("*.jsonl")
        for line in path.read_text("utf-8").split("\n")[:-1]
    ]
    numbers = {field.name for field in SCHEMAS[table] if str(field.type) == "double"}
    for row in rows:
        for name in numbers & row.keys():
            row[name] = float(row[name]) if isinstance(row[name], str) else row[name]
        for name in ("timestamp", "commit_time"):
            if row.get(name) is not None:
                from datetime import datetime

                row[name] = datetime.fromisoformat(row[name])
    check(rows, odd_store, table)


@pytest.mark.parametrize("table", OF_RUNS)
def test_csv_is_read_back(odd_store, tmp_path, table):
    import csv

    from graven.report.safe_text import harmless as safe

    export_tables(odd_store, "csv", tmp_path / "out")
    rows = []
    for path in (tmp_path / "out" / table).rglob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    texts = [field.name for field in SCHEMAS[table] if str(field.type) == "string"]
    expected = rows_of(odd_store, table)
    names = [n for n in texts if n not in ("object", "machine")]
    assert sorted([str(row[n]) for n in names] for row in rows) == sorted(
        [safe(_spelled(row[n], table, n)) for n in names] for row in expected
    )
    for row in rows:
        for name in names:
            assert not row[name].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    if table == "metrics":
        values = sorted(str(float(row["value"])) for row in rows)
        assert values == sorted(str(row["value"]) for row in expected)
        lowers = sorted("" if row["lower"] == "" else str(float(row["lower"])) for row in rows)
        assert lowers == sorted("" if r["lower"] is None else str(r["lower"]) for r in expected)


def _spelled(value, table, name):
    from frames_oracle import JSON

    if value is None:
        return ""
    if name in JSON.get(table, ()):
        return json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))
    return value


def test_csv_is_as_harmless_as_everywhere():
    import pyarrow as pa

    from graven.report.safe_text import harmless as safe

    texts = [*EVIL, "a;=b", "a\t=b\r@c\n-d", ";;=x", "＝x", "a;＠b", "\0=x", "=\0", "x\n=y", None]
    batch = pa.record_batch({"a": pa.array(texts)})
    expected = [None if text is None else safe(text) for text in texts]
    assert harmless(batch).column(0).to_pylist() == expected


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_other_engines_read_text_files(store, tmp_path, form):
    store.save(sample_run("r1", 1.5))
    store.save(sample_run("r2", float("nan")))
    export_tables(store, form, tmp_path / "out")
    reader = "read_csv" if form == "csv" else "read_json"
    path = f"{tmp_path}/out/metrics/*/*.{form}"
    found = duckdb.sql(
        f"SELECT run_id, value::DOUBLE AS v FROM {reader}('{path}', hive_partitioning = true)"
        " ORDER BY 1"
    ).fetchall()
    assert str(found) == "[('r1', 1.5), ('r2', nan)]"


@pytest.mark.parametrize("form", FILES)
def test_a_second_call_writes_nothing(odd_store, tmp_path, form):
    folder = tmp_path / "out"
    export_tables(odd_store, form, folder)
    before = files(folder)
    report = export_tables(odd_store, form, folder)
    assert (report.written, report.removed, report.rows) == (0, 0, 0)
    assert files(folder) == before


@pytest.mark.parametrize("form", FORMATS)
def test_what_changes_is_changed(store, tmp_path, form):
    if form == "delta":
        pytest.importorskip("deltalake")
    folder = tmp_path / "out"
    for number in range(6):  # of January, and of February
        store.save(sample_run(f"r{number}", float(number), minute=number % 2 * 60 * 24 * 31))
    export_tables(store, form, folder)
    assert values(folder, form) == {f"r{n}": float(n) for n in range(6)}
    store.save(sample_run("new", 9.0))
    report = export_tables(store, form, folder)
    assert report.rows < 20
    assert values(folder, form)["new"] == 9.0
    store.save(sample_run("r2", 20.0))
    store.delete("r3")
    store.attach("r1", "artifacts/a.txt", b"x")
    export_tables(store, form, folder)
    assert values(folder, form) == {
        "r0": 0.0, "r1": 1.0, "r2": 20.0, "r4": 4.0, "r5": 5.0, "new": 9.0,
    }  # fmt: skip
    export_tables(store, form, folder, where="metric.time < 5")
    assert values(folder, form) == {"r0": 0.0, "r1": 1.0, "r4": 4.0}
    for run_id in store.select_ids(""):
        store.delete(run_id)
    export_tables(store, form, folder)
    assert values(folder, form) == {}


def values(folder, form):
    """Run to value, as some engine reads them now."""
    if form == "delta":
        import deltalake

        rows = deltalake.DeltaTable(folder / "metrics").to_pyarrow_table().to_pylist()
        return {row["run_id"]: row["value"] for row in rows}
    found = sorted((folder / "metrics").rglob(f"part-*.{form}")) if folder.exists() else []
    if not found:
        return {}
    readers = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_json"}
    listed = ", ".join(f"'{path}'" for path in found)
    rows = duckdb.sql(f"SELECT run_id, value FROM {readers[form]}([{listed}])").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_delta_writes_no_transaction_where_nothing_changed(store, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    folder = tmp_path / "out"
    store.save(sample_run("a"))
    export_tables(store, "delta", folder)
    before = files(folder)
    report = export_tables(store, "delta", folder)
    assert (report.written, report.kept) == (0, len(TABLES))
    assert files(folder) == before
    store.save(sample_run("b", 2.0))
    export_tables(store, "delta", folder)
    assert deltalake.DeltaTable(folder / "metrics").version() == 1  # one transaction, appended
    deltalake.DeltaTable(folder / "metrics").delete("run_id = 'a'")  # somebody else's
    export_tables(store, "delta", folder)
    assert values(folder, "delta") == {"a": 1.0, "b": 2.0}


def test_delta_after_a_call_that_was_broken_off(store, tmp_path, monkeypatch):
    pytest.importorskip("deltalake")
    from graven.export import delta

    folder = tmp_path / "out"
    store.save(sample_run("a"))
    export_tables(store, "delta", folder)
    store.save(sample_run("b", 2.0))

    def no_room(*_args, **_more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(delta, "save", no_room)
        with pytest.raises(BackendUnavailable, match="No space left"):
            export_tables(store, "delta", folder)
    export_tables(store, "delta", folder)
    assert values(folder, "delta") == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("step", range(0, 40, 3))
def test_a_call_that_is_broken_off_is_completed_by_the_next(
    store, tmp_path, monkeypatch, form, step
):
    folder = tmp_path / "out"
    for number in range(3):
        store.save(sample_run(f"r{number}", float(number)))
    export_tables(store, form, folder)
    store.save(sample_run("r1", 10.0))
    store.save(sample_run("r9", 9.0))

    class Killed(BaseException):
        pass

    calls = []
    real = {name: getattr(os, name) for name in ("replace", "fsync", "unlink")}

    def counted(name):
        def call(*args, **more):
            calls.append(name)
            if len(calls) > step:
                raise Killed
            return real[name](*args, **more)

        return call

    with monkeypatch.context() as broken:
        for name in real:
            broken.setattr(os, name, counted(name))
        with contextlib.suppress(Killed):
            export_tables(store, form, folder)
    # All that was there before, or all that is there now, may be seen twice, never lost.
    export_tables(store, form, folder)
    assert values(folder, form) == {"r0": 0.0, "r1": 10.0, "r2": 2.0, "r9": 9.0}
    left = files(folder)
    assert not [name for name in left if ".tmp" in name]
    fresh = tmp_path / "fresh"
    export_tables(store, form, fresh)
    counts = {table: sum(n.startswith(table + "/") for n in left) for table in TABLES}
    assert min(counts.values()) >= 1


def test_files_that_are_gone_or_cut_short_are_written_again(store, tmp_path):
    folder = tmp_path / "out"
    store.save(sample_run("a"))
    export_tables(store, "parquet", folder)
    [metrics] = (folder / "metrics").rglob("*.parquet")
    [points] = (folder / "points").rglob("*.parquet")
    metrics.unlink()
    points.write_bytes(b"PAR1")
    report = export_tables(store, "parquet", folder)
    assert report.written == 2
    assert values(folder, "parquet") == {"a": 1.0}


def test_delta_without_one_of_its_files_is_written_again(store, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    store.save(sample_run("r1"))
    export_tables(store, "delta", tmp_path / "out")
    [path] = (tmp_path / "out" / "metrics").glob("*/*.parquet")
    path.unlink()
    assert export_tables(store, "delta", tmp_path / "out").written == 1
    rows = deltalake.DeltaTable(tmp_path / "out" / "metrics").to_pyarrow_table().to_pylist()
    check(rows, store, "metrics")
    assert export_tables(store, "delta", tmp_path / "out").written == 0


def test_only_some_tables(store, tmp_path):
    folder = tmp_path / "out"
    store.save(sample_run("a"))
    export_tables(store, "parquet", folder, tables=["runs", "metrics"])
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {"runs", "metrics"}
    report = export_tables(store, "parquet", folder, tables=["runs", "samples"])
    assert {p.name for p in folder.iterdir() if p.is_dir()} == {"runs", "samples"}
    assert (report.written, report.removed) == (1, 1)


def test_what_others_put_there_stays(store, tmp_path):
    folder = tmp_path / "out"
    store.save(sample_run("a"))
    export_tables(store, "parquet", folder)
    mine = folder / "metrics" / "month=2026-01" / "notes.txt"
    mine.write_text("mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ("part-" + "0" * 20 + ".parquet")).write_text("not ours")
    (folder / "metrics" / "link").symlink_to(outside)
    store.delete("a")
    export_tables(store, "parquet", folder)
    assert mine.read_text() == "mine"
    assert len(list(outside.iterdir())) == 1


def test_folders_of_others_are_left_alone(store, tmp_path):
    store.save(sample_run("a"))
    with pytest.raises(Conflict) as error:
        export_tables(store, "parquet", store.path)
    assert error.value.kind == "folder-taken"
    export_tables(store, "parquet", tmp_path / "out")
    with pytest.raises(Conflict, match="another format"):
        export_tables(store, "csv", tmp_path / "out")
    other = Store(tmp_path / "other", durable=False)
    with pytest.raises(Conflict, match="another store"):
        export_tables(other, "parquet", tmp_path / "out")
    other.close()
    (tmp_path / "out" / "_graven_tables.json").write_text("{}")
    with pytest.raises(Corrupt):
        export_tables(store, "parquet", tmp_path / "out")


def test_bad_input_is_told_before_anything_is_written(store, tmp_path):
    folder = tmp_path / "out"
    for wrong in (
        {"format": "xml"}, {"tables": ["metric"]}, {"where": "nonsense >"}, {"where": "a.b = 1"},
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            export_tables(store, **{"format": "parquet", "folder": folder, **wrong})
    assert not folder.exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(BackendUnavailable):
        export_tables(store, "parquet", tmp_path / "file")


def test_an_empty_store(store, tmp_path):
    for form in FILES:
        report = export_tables(store, form, tmp_path / form)
        assert report.runs == 0
        assert not list((tmp_path / form).glob("metrics/*"))


def test_a_run_that_changes_meanwhile_is_written_as_it_is_now(store, tmp_path, monkeypatch):
    for number in range(3):
        store.save(sample_run(f"r{number}", float(number)))
    real = folder_module.TableFolder._write_group
    done = []

    def write(self, frames, table, group, places):
        if not done:
            done.append(table)
            assert len(frames.bulk) == 3  # listed, and now:
            store.save(sample_run("r1", 10.0))
            store.delete("r2")
        return real(self, frames, table, group, places)

    monkeypatch.setattr(folder_module.TableFolder, "_write_group", write)
    export_tables(store, "parquet", tmp_path / "out")
    assert values(tmp_path / "out", "parquet") == {"r0": 0.0, "r1": 10.0}

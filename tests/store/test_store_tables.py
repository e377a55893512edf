"""Tables of one run: where they stand, what is written twice, what is refused."""

import random
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest

from graven import Store
from graven.errors import BackendUnavailable, Corrupt, GravenWarning, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import hash_bytes
from graven.objects import loose
from graven.store import table_writing
from graven.testing.remote import counted
from graven.testing.runs import sample_run

SMALL = pa.table({"x": [1, 2, 3], "y": ["a", "b", None]})
_RANDOM = random.Random(7)
LARGE = pa.table({"x": [_RANDOM.random() for _ in range(200_000)]})


@pytest.fixture
def runs(store):
    store.save(sample_run("a"))
    store.save(sample_run("b"))
    return store


def files(store):
    return [found.key for found in loose.iter_loose(store.parts.backend)]


def pack_count(store):
    return len(store.packs())


def test_a_small_table_is_one_pack(runs):
    packs = pack_count(runs)
    put = runs.put_table("a", "trades", SMALL)
    assert (put.name, put.media_type) == ("tables/trades", "application/vnd.apache.parquet")
    assert pack_count(runs) == packs + 1
    assert files(runs) == []
    assert runs.get_table("a", "trades").equals(SMALL)
    assert runs.get_table("a", "tables/trades").equals(SMALL)
    assert [t.name for t in runs.tables("a")] == ["tables/trades"]
    assert runs.table_names() == {"trades": 1}
    note = {r.name: r.note for r in runs.iter_refs()}["runs/a/tables/trades"]
    assert note["rows"] == 3
    assert len(note["schema"]) == 16


def test_a_large_table_is_a_file_that_other_engines_read(runs):
    runs.put_table("a", "ticks", LARGE)
    (key,) = files(runs)
    object_id = layout.parse_loose_key(key)
    data = (runs.path / key).read_bytes()
    assert hash_bytes(data) == object_id
    import duckdb

    found = duckdb.sql(f"SELECT count(*) FROM read_parquet('{runs.path / key}')").fetchall()
    assert found == [(200_000,)]
    assert runs.get_table("a", "ticks").equals(LARGE)
    assert runs.read_attachment("a", "tables/ticks") == data
    assert runs.fsck("full").ok


def test_an_equal_table_is_not_written_again(runs):
    for table in (SMALL, LARGE):
        runs.put_table("a", "t", table)
        size = sum(pack.size for pack in runs.packs())
        there = files(runs)
        runs.put_table("b", "t", table)
        assert files(runs) == there
        assert sum(pack.size for pack in runs.packs()) - size < 700  # the ref alone
        assert runs.get_table("b", "t").equals(table)
    packs = pack_count(runs)
    runs.put_table("b", "t", LARGE)  # nothing at all has changed
    assert pack_count(runs) == packs


def test_a_vanished_file_is_put_anew(runs):
    runs.put_table("a", "t", LARGE)
    runs.parts.backend.delete(files(runs)[0])
    with pytest.raises(NotFound):
        runs.get_table("a", "t")
    runs.put_table("b", "t", LARGE)
    assert runs.get_table("b", "t").equals(LARGE)
    assert runs.get_table("a", "t").equals(LARGE)
    runs.parts.backend.delete(files(runs)[0])
    runs.put_table("b", "t", LARGE)  # under a name that stands for it already
    again = Store(runs.path, durable=False)
    again._index.catalog.reset()
    assert again.scan("t", {"run_id": "b"}).count_rows() == LARGE.num_rows
    again.close()


def test_a_condemned_file_does_not_count(runs, monkeypatch):
    runs.put_table("a", "t", LARGE)
    condemned = frozenset(files(runs))
    monkeypatch.setattr(type(runs.parts.session), "condemned", condemned)
    runs.put_table("b", "t", LARGE)
    assert len(files(runs)) == 2
    note = {r.name: r.note for r in runs.iter_refs()}["runs/b/tables/t"]
    assert layout.loose_key(layout.parse_loose_key(files(runs)[0]), note["loose"]) not in condemned


def test_a_batch_has_tables_in_its_one_pack(runs):
    packs = pack_count(runs)
    with runs.batch() as batch:
        for number in range(20):
            batch.save(sample_run(f"x{number}"))
            batch.put_table(f"x{number}", "t", {"n": [number]})
        batch.put_table("a", "t", SMALL)
        batch.put_table("b", "t", LARGE)
        with pytest.raises(NotFound):
            batch.put_table("nobody", "t", SMALL)
        with pytest.raises(InvalidInput, match="not a table"):
            batch.put_table("a", "t", 7)
        assert runs.table_names() == {}
    assert pack_count(runs) == packs + 1
    assert runs.table_names() == {"t": 22}
    assert runs.get_table("x7", "t").to_pydict() == {"n": [7]}
    assert runs.get_table("b", "t").equals(LARGE)
    assert runs.scan("t", {"run_id": "a"}).count_rows() == 3
    assert runs.fsck("full").ok


def test_a_run_is_not_restored_with_a_table_that_is_gone(runs):
    runs.put_table("a", "t", LARGE)
    runs.put_table("a", "small", SMALL)
    runs.delete("a")
    runs.parts.backend.delete(files(runs)[0])
    with pytest.warns(GravenWarning, match="tables/t"):
        runs.restore("a")
    assert [t.name for t in runs.tables("a")] == ["tables/small"]
    assert runs.fsck("full").ok


def test_a_condemned_file_is_written_anew_by_a_restore(runs, monkeypatch):
    runs.put_table("a", "t", LARGE)
    runs.delete("a")
    condemned = frozenset(files(runs))
    monkeypatch.setattr(type(runs.parts.session), "condemned", condemned)
    runs.restore("a")
    for key in condemned:
        runs.parts.backend.delete(key)
    assert runs.get_table("a", "t").equals(LARGE)


def test_what_is_gone_is_not_counted(runs):
    runs.put_table("a", "t", LARGE)
    assert runs.stats().loose == 1
    runs.parts.backend.delete(files(runs)[0])
    assert runs.stats().loose == 0


def test_a_disk_that_fills_under_a_stream_is_told(runs, monkeypatch):
    """And does not end the process, as Parquet's writer would."""
    full = Path("/dev/full")
    monkeypatch.setattr(
        tempfile,
        "TemporaryFile",
        lambda **_: full.open("w+b"),
    )
    for table in (LARGE, SMALL):
        with pytest.raises(BackendUnavailable, match="no space left to write") as caught:
            runs.put_table("a", "trades", table.to_reader())
        assert caught.value.kind == "disk-full"
    assert runs.attachments("a") == []


def test_a_store_that_is_full_is_told(runs, monkeypatch):
    def full(key, data):
        part = memoryview(data)[1:]
        raise BackendUnavailable(f"no space left for {len(part)} bytes")

    monkeypatch.setattr(runs.parts.backend, "put", full)
    with pytest.raises(BackendUnavailable, match="no space left"):
        runs.put_table("a", "trades", LARGE.to_reader())
    assert runs.attachments("a") == []


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_stream_of_batches_is_the_table(runs, monkeypatch, in_memory):
    if not in_memory:
        monkeypatch.setattr(loose, "IN_MEMORY_BYTES", 1000)
        monkeypatch.setattr(table_writing, "_IN_MEMORY_BYTES", 1000)
    runs.put_table("a", "t", LARGE)
    batches = LARGE.to_batches(max_chunksize=777)
    runs.put_table("b", "t", pa.RecordBatchReader.from_batches(LARGE.schema, batches))
    (first,), (second,) = runs.tables("a"), runs.tables("b")
    assert first.object_id == second.object_id
    assert runs.get_table("b", "t").equals(LARGE)


def test_a_source_that_fails_leaves_nothing(runs):
    def batches():
        yield LARGE.to_batches()[0]
        raise RuntimeError("the source broke")

    packs = pack_count(runs)
    with pytest.raises(RuntimeError, match="the source broke"):
        runs.put_table("a", "t", pa.RecordBatchReader.from_batches(LARGE.schema, batches()))
    assert pack_count(runs) == packs
    assert files(runs) == []


def test_a_flipped_bit_is_found(runs):
    runs.put_table("a", "t", LARGE)
    (key,) = files(runs)
    path = runs.path / key
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    with pytest.raises(Corrupt, match="does not match its name"):
        runs.get_table("a", "t")
    assert not runs.fsck("full").ok


def test_what_is_no_table_is_told(runs):
    runs.attach("a", "tables/t", b"no parquet")
    with pytest.raises(Corrupt, match="table 't' of run a is no Parquet file"):
        runs.get_table("a", "t")
    with pytest.raises(NotFound):
        runs.get_table("a", "other")
    with pytest.raises(NotFound):
        runs.get_table("nobody", "t")
    with pytest.raises(NotFound):
        runs.put_table("nobody", "t", SMALL)
    with pytest.raises(InvalidInput, match="name"):
        runs.put_table("a", "", SMALL)
    with pytest.raises(InvalidInput, match="control"):
        runs.put_table("a", "x\0y", SMALL)


def test_a_limit_of_the_caller(runs):
    runs.put_table("a", "t", {"zero": [0] * 100_000})
    with pytest.raises(InvalidInput, match=r"over 1,000$") as caught:
        runs.get_table("a", "t", max_bytes=1000)
    assert caught.value.kind == "table-too-large"
    assert runs.get_table("a", "t", max_bytes=10_000_000).num_rows == 100_000


def test_names_are_data(runs):
    for name in ("../../evil", "C:\\x", "a/b/c", "größe", "tables"):
        runs.put_table("a", name, SMALL)
        assert runs.get_table("a", name).equals(SMALL)
    assert len(runs.tables("a")) == 5
    assert set(runs.table_names()) == {"../../evil", "C:\\x", "a/b/c", "größe", "tables"}


def test_a_table_of_a_chunked_file_is_read_too(runs):
    runs.put_table("a", "t", LARGE)
    runs.attach("b", "tables/t", runs.read_attachment("a", "tables/t"))
    assert runs.get_table("b", "t").equals(LARGE)


def test_a_large_table_on_a_remote_store_comes_before_its_ref(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    from graven.backends.memory import MemoryBackend

    store = Store("unused", backend=counted("tables"), views="none")
    try:
        store.save(sample_run("a"))
        inner = store.parts.backend.inner
        before = len(inner.calls)
        store.put_table("a", "t", LARGE)
        puts = [key for method, key in inner.calls[before:] if method == "put"]
        assert [key.partition("/")[0] for key in puts] == ["objects", "packs"]
        assert store.get_table("a", "t").equals(LARGE)
    finally:
        MemoryBackend.forget("here/tables")


def test_without_pyarrow_the_hint_says_what_to_install(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidInput, match="tables need pyarrow") as caught:
        runs.put_table("a", "t", {"x": [1]})
    assert caught.value.hint == "pip install 'graven[tables]'"

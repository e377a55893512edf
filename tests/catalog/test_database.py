"""The catalog may be lost, damaged, old or somebody else's: the answers stay the same."""

import errno
import multiprocessing
import os
import shutil
import sqlite3
from functools import partial

import pytest

from graven import Store
from graven.catalog import database, schema
from graven.errors import BackendUnavailable, InvalidInput
from graven.formats.envelope import RUN, VERSIONS
from graven.testing.racing import race
from graven.testing.runs import sample_run


@pytest.fixture
def store(open_store):
    store = open_store()
    for n in range(3):
        store.save(sample_run(f"r{n}", n + 0.5, minute=n))
    store.delete("r1")
    return store


def answers(store):
    return (
        [h.run_id for h in store.headers()],
        [p.value for p in store.extract_trend("time", "sort/quick", {}).points],
        store.load("r2"),
    )


def catalog_path(store):
    return store.path / "cache" / "catalog.sqlite"


@pytest.fixture
def expected(store):
    found = answers(store)
    store.close()
    return found


def damage_whole(path):
    path.write_bytes(b"no database at all, though it is long enough to be looked at" * 50)


def damage_empty(path):
    path.write_bytes(b"")


def damage_middle(path):
    data = bytearray(path.read_bytes())
    data[200:] = bytes(b ^ 0x5A for b in data[200:])
    path.write_bytes(data)


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:10_000])


def other_schema(path):
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = replace(value, '1', '0')")
    connection.close()


def other_tables(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE meta(something)")
        connection.execute("CREATE TABLE run(x, y)")
    connection.close()


def dropped_table(path):
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE shape")
        connection.execute("DROP TABLE run")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        damage_whole,
        damage_empty,
        damage_middle,
        damage_cut,
        other_schema,
        other_tables,
        dropped_table,
    ],
)
def test_a_catalog_that_cannot_be_right_is_made_anew(store, expected, open_store, damage):
    path = catalog_path(store)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    damage(path)
    again = open_store()
    assert answers(again) == expected
    assert catalog_path(again).stat().st_size > 1000
    again.close()
    assert answers(open_store()) == expected


def test_damage_under_an_open_store_is_mended(store, expected):
    assert answers(store) == expected
    path = catalog_path(store)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE ref")
        connection.execute("DROP TABLE run")
    connection.close()
    assert answers(store) == expected


def test_a_deleted_cache_is_only_a_cache(store, expected, open_store):
    shutil.rmtree(store.path / "cache")
    assert answers(open_store()) == expected


def test_the_catalog_is_bound_to_the_version_of_runs():
    assert VERSIONS[RUN] == schema.RUN_VERSION


@pytest.mark.parametrize("name", ["SCHEMA_VERSION", "RUN_VERSION"])
def test_a_new_version_means_a_new_catalog(store, expected, open_store, monkeypatch, name):
    monkeypatch.setattr(database, name, getattr(schema, name) + 1)
    again = open_store()
    assert answers(again) == expected
    (identity,) = again._index.catalog.rows("SELECT value FROM meta WHERE key = 'identity'")
    wanted = [schema.SCHEMA_VERSION, schema.RUN_VERSION]
    wanted[name == "RUN_VERSION"] += 1
    assert identity[0].startswith("{}.{} ".format(*wanted))


def test_the_catalog_of_a_copied_store_is_thrown_away(store, expected, open_store, tmp_path):
    shutil.copytree(store.path, tmp_path / "copy")
    copy = open_store("copy")
    copy.delete("r2")
    assert [h.run_id for h in copy.headers()] == ["r0"]
    assert answers(open_store()) == expected


def test_the_catalog_of_another_store_is_thrown_away(store, expected, open_store, tmp_path):
    other = open_store("other")
    other.save(sample_run("stranger"))
    assert other.count() == 1
    other.close()
    shutil.copytree(other.path / "cache", store.path / "cache", dirs_exist_ok=True)
    assert answers(open_store()) == expected


def test_a_pack_that_is_gone_takes_its_runs_along(store, open_store):
    by_run = {}
    for info in store.packs():
        for update in store.show_pack(info.name).updates:
            by_run.setdefault(update["name"], []).append(info.name)
    (tombstone,) = set(by_run["runs/r1"]) & {store.packs()[-1].name}
    (store.path / "packs" / tombstone).unlink()
    # The deletion is undone, since nobody knows of it any more.
    assert [h.run_id for h in store.headers()] == ["r2", "r1", "r0"]
    (store.path / "packs" / by_run["runs/r2"][0]).unlink()
    assert [h.run_id for h in store.headers()] == ["r1", "r0"]
    assert store.latest().id == "r1"
    assert open_store().count() == 2


def test_a_place_nobody_may_write_in_is_answered_from_memory(
    store, expected, open_store, monkeypatch
):
    shutil.rmtree(store.path / "cache")
    real = os.makedirs

    def refuse(path, *args, **more):
        if "cache" in str(path):
            raise PermissionError(13, "denied", str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(os, "makedirs", refuse)
    again = open_store()
    assert answers(again) == expected
    assert again._index.catalog.path is None
    assert not (store.path / "cache").exists()


def test_a_readonly_store_writes_no_catalog(store, expected, open_store):
    shutil.rmtree(store.path / "cache")
    assert answers(open_store(readonly=True)) == expected
    assert not (store.path / "cache").exists()


def test_a_pack_within_the_same_tick_is_seen(store):
    # Whatever the file system's clock does, a listing that may be stale is not trusted.
    seen = []
    for n in range(30):
        store.save(sample_run(f"t{n:02}", minute=100 + n))
        seen.append(store.latest().id)
    assert seen == [f"t{n:02}" for n in range(30)]


def test_a_pack_of_another_writer_within_the_same_tick_is_seen(store, open_store):
    other = open_store()
    for n in range(30):
        (store if n % 2 else other).save(sample_run(f"t{n:02}", minute=100 + n))
        assert store.latest().id == other.latest().id == f"t{n:02}"


def test_strangers_among_the_packs_are_passed_over(store, expected):
    (store.path / "packs" / "notes.pack").write_bytes(b"not a pack")
    (store.path / "packs" / "notes.txt").write_bytes(b"not a pack")
    assert answers(store) == expected
    assert answers(store) == expected


@pytest.mark.parametrize("value", ["\ud800", "a\0b"])
def test_a_question_nobody_can_answer_costs_no_catalog(store, value):
    assert store.count() == 2  # a question, so that the catalog knows of the last write
    before = store._index.catalog.rows("SELECT count(*) FROM pack")
    with pytest.raises((InvalidInput, KeyError)):
        store.load(value)
    with pytest.raises(InvalidInput):
        store.load(7)
    with pytest.raises(InvalidInput):
        store._index.catalog.rows("SELECT ?", (object(),))
    with pytest.raises(InvalidInput):
        store._index.catalog.rows("SELECT ?", (2**70,))
    assert store._index.catalog.rows("SELECT count(*) FROM pack") == before


def catalogs(tmp_path, count, folder="cache"):
    path = str(tmp_path / folder / "catalog.sqlite")
    return [database.Catalog(path, store_id="ab" * 16, url="here") for _ in range(count)]


def counted(catalog):
    """A question to one catalog, as a call for `race`."""
    return lambda: catalog.rows("SELECT count(*) FROM run")


def test_a_catalog_that_several_make_at_once_is_made_once(tmp_path):
    # SQLite does not wait where two switch a file to WAL; the fault shows in one of twenty.
    for attempt in range(60):
        several = catalogs(tmp_path, 6, f"cache-{attempt}")
        assert race([counted(catalog) for catalog in several]) == [[(0,)]] * 6
        assert all(catalog.path is not None for catalog in several)
        for catalog in several:
            catalog.close()


def test_a_damaged_catalog_that_several_open_at_once_answers_all(store, expected, open_store):
    # Each finds it damaged; none may take away what another has just made.
    for _ in range(15):
        several = [open_store() for _ in range(4)]
        path = catalog_path(store)
        path.write_bytes(b"no database" * 10 + path.read_bytes()[110:])
        for found in race([partial(answers, each) for each in several]):
            assert found == expected
        assert all(each._index.catalog.path is not None for each in several)
        for each in several:
            each.close()


def test_a_reset_leaves_what_another_has_made_since(tmp_path):
    one, other, third = catalogs(tmp_path, 3)
    assert counted(one)() == counted(other)() == [(0,)]
    one.reset()
    with one.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES('mark', 1)")
    other.reset()  # its own file has no name any more: there is nothing to remove
    assert [catalog.get_meta("mark") for catalog in (one, other, third)] == [1, 1, 1]


def test_a_reset_within_a_transaction_holds_nobody_up(tmp_path):
    one, other = catalogs(tmp_path, 2)
    with pytest.raises(database.CatalogLost), one.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES('mark', 1)")
        raise sqlite3.DatabaseError("malformed")
    assert other.get_meta("mark") is one.get_meta("mark") is None


def test_a_catalog_that_stays_locked_is_said_and_not_made_up(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    one, other = catalogs(tmp_path, 2)
    assert counted(one)() == counted(other)() == [(0,)]
    with one.transaction():
        for _ in range(2):
            with (
                pytest.raises(BackendUnavailable, match="was locked by another process"),
                other.transaction(),
            ):
                pass
    assert other.path is not None
    with other.transaction() as connection:
        connection.execute("INSERT INTO meta VALUES('mark', 1)")
    assert one.get_meta("mark") == 1


def test_a_catalog_that_is_locked_while_it_is_made_is_no_catalog_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    (catalog,) = catalogs(tmp_path, 1)
    (tmp_path / "cache").mkdir()
    with sqlite3.connect(catalog.path) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        for _ in range(2):
            with pytest.raises(BackendUnavailable, match="was locked by another process"):
                counted(catalog)()
    holder.close()
    assert counted(catalog)() == [(0,)]
    assert catalog.path is not None


def test_an_interrupted_opening_leaves_no_half_made_catalog(tmp_path, monkeypatch):
    (catalog,) = catalogs(tmp_path, 1)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "create_indexes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        counted(catalog)()
    monkeypatch.undo()
    assert counted(catalog)() == [(0,)]
    assert catalog.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'run_by_time'") == [(1,)]


def test_where_folders_cannot_be_locked_the_catalog_works(store, expected, open_store, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="locks on folders are POSIX only")

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    again = open_store()
    assert answers(again) == expected
    again._index.catalog.reset()
    assert answers(again) == expected
    assert again._index.catalog.path is not None


def _ask(folder, start, out):
    store = Store(folder, durable=False)
    start.wait()
    for n in range(5):
        store.save(sample_run(f"{os.getpid()}-{n}"))
        out.put((n, store.count(), len(store.extract_trend("time", "sort/quick", {}).points)))
    store.close()


def test_processes_that_refresh_at_once_agree(store):
    context = multiprocessing.get_context("spawn")
    out, start = context.Queue(), context.Barrier(3)
    workers = [context.Process(target=_ask, args=(store.path, start, out)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    counts = [out.get(timeout=5) for _ in range(15)]
    assert all(n + 3 <= count <= trend <= 17 for n, count, trend in counts)
    assert store.count() == len(store.list_runs()) == 17
    assert len(store.extract_trend("time", "sort/quick", {}).points) == 17


def test_a_catalog_that_was_never_made_can_be_thrown_away(tmp_path):
    catalog = database.Catalog(
        str(tmp_path / "cache" / "catalog.sqlite"), store_id="0" * 32, url="u"
    )
    catalog.reset()
    assert catalog.path is not None
    catalog.close()

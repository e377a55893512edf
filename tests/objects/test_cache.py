"""The cache of objects: what it gives is right, and whatever goes wrong costs only speed."""

import errno
import multiprocessing
import os
import random
import sqlite3
import threading
from functools import partial

import pytest

from graven import clock
from graven.ids import hash_bytes
from graven.objects import cache as module
from graven.objects.cache import MAX_OBJECT_BYTES, ObjectCache
from graven.testing.racing import race

MIB = 1024 * 1024


def pairs_of(count, size=1000, seed=0):
    rng = random.Random(seed)
    return [(hash_bytes(data), data) for data in (rng.randbytes(size) for _ in range(count))]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "user" / "cache" / "objects.sqlite")


@pytest.fixture
def cache(path):
    cache = ObjectCache(path, 64 * MIB)
    yield cache
    cache.close()
    cache.close()  # twice is fine


def rows(path, sql, values=()):
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def files(path):
    return sorted(os.listdir(os.path.dirname(path)))


def test_what_is_put_comes_back_also_to_others(cache, path):
    pairs = [*pairs_of(700), (hash_bytes(b""), b""), (hash_bytes(b"a" * 5000), b"a" * 5000)]
    cache.put_many(pairs)
    cache.put_many(pairs[:5])  # again
    assert cache.get_many([object_id for object_id, _ in pairs]) == dict(pairs)
    assert cache.get_many([hash_bytes(b"never put"), pairs[3][0]]) == dict(pairs[3:4])
    assert cache.get_many([]) == {}
    other = ObjectCache(path, 64 * MIB)
    assert other.get_many([pairs[0][0]]) == dict(pairs[:1])
    other.close()
    assert rows(path, "SELECT count(*) FROM body") == [(len(pairs),)]


def test_looking_makes_no_file(cache, path):
    assert cache.get_many([hash_bytes(b"x")]) == {}
    assert cache.size() == 0
    cache.clear()
    assert not os.path.exists(os.path.dirname(path))


def test_a_limit_of_nothing_holds_nothing(path):
    cache = ObjectCache(path, 0)
    cache.put_many(pairs_of(3))
    assert cache.get_many([pairs_of(3)[0][0]]) == {}
    assert not os.path.exists(os.path.dirname(path))


def test_bodies_are_packed_where_that_helps(cache, path):
    cache.put_many([(hash_bytes(b"a" * 9000), b"a" * 9000), *pairs_of(1, 9000)])
    found = rows(path, "SELECT codec, raw, length(data) FROM body ORDER BY length(data)")
    assert found[0][0] == 1
    assert found[0][2] < 100
    assert found[1] == (0, 9000, 9000)


def test_large_objects_are_left_out(cache, path):
    largest, larger = bytes(MAX_OBJECT_BYTES), bytes(MAX_OBJECT_BYTES + 1)
    cache.put_many([(hash_bytes(body), body) for body in (largest, larger)])
    assert cache.get_many([hash_bytes(largest), hash_bytes(larger)]).keys() == {hash_bytes(largest)}
    small = ObjectCache(path + "-small", 80_000)
    small.put_many(pairs_of(1, 10_001))
    assert small.size() == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE body SET data = CAST(X'00' || substr(data, 2) AS BLOB)",
        "UPDATE body SET data = 'text'",
        "UPDATE body SET data = 7",
        "UPDATE body SET raw = 'text', codec = 1",
        "UPDATE body SET data = X''",
        "UPDATE body SET raw = raw + 1, codec = 1",
        "UPDATE body SET raw = 1 << 40, codec = 1",
        "UPDATE body SET codec = 7",
        "UPDATE entry SET body = body % 3 + 1",
    ],
)
def test_what_does_not_match_its_name_is_dropped(cache, path, damage):
    pairs = pairs_of(3)
    cache.put_many(pairs)
    rows(path, damage)
    assert cache.get_many([object_id for object_id, _ in pairs]) == {}
    assert rows(path, "SELECT count(*) FROM entry") == [(0,)]
    cache.put_many(pairs)
    assert cache.get_many([object_id for object_id, _ in pairs]) == dict(pairs)


def test_the_oldest_uses_go_first_and_the_limit_holds(path, monkeypatch):
    now = [1_000_000_000_000]
    monkeypatch.setattr(clock, "wall_ms", lambda: now[0])
    limit = 4 * MIB
    cache = ObjectCache(path, limit)
    groups = [pairs_of(100, 10_000, seed) for seed in range(12)]
    for pairs in groups:
        cache.put_many(pairs)
        assert cache.size() <= limit
        assert cache.get_many([groups[0][0][0]])  # what is used again and again stays
        now[0] += 3_600_000
    assert len(cache.get_many([object_id for object_id, _ in groups[-1]])) == 100
    assert len(cache.get_many([object_id for object_id, _ in groups[0]])) == 1
    assert cache.get_many([object_id for object_id, _ in groups[1]]) == {}
    cache.close()
    assert os.path.getsize(path) <= limit * 1.3


def test_an_eviction_goes_to_four_fifths(path):
    limit = 4 * MIB
    cache = ObjectCache(path, limit)
    cache.put_many(pairs_of(1000, 10_000))
    assert 0.7 * limit < cache.size() <= 0.8 * limit
    cache.close()


def test_a_lower_limit_gives_room_back(path):
    first = ObjectCache(path, 16 * MIB)
    first.put_many(pairs_of(1000, 10_000))
    first.close()
    second = ObjectCache(path, 2 * MIB)
    second.put_many(pairs_of(1, 10, seed=1))
    assert second.size() <= 2 * MIB
    second.close()
    assert os.path.getsize(path) <= 2.6 * MIB


def test_reading_writes_once_an_hour_at_most(cache, path, monkeypatch):
    pairs = pairs_of(3)
    now = [1_000_000_000_000]
    monkeypatch.setattr(clock, "wall_ms", lambda: now[0])
    cache.put_many(pairs)
    changes = []
    real = ObjectCache._change
    monkeypatch.setattr(
        ObjectCache, "_change", lambda self, *rest: changes.append(1) or real(self, *rest)
    )
    for hours, expected in ((0, 0), (1, 1), (0, 1), (-5, 2)):  # also where a clock goes back
        now[0] += hours * 3_600_000
        for _ in range(3):
            cache.get_many([pairs[0][0]])
        assert len(changes) == expected


def test_clear_gives_everything_back(cache, path):
    cache.put_many(pairs_of(1000, 5000))
    assert cache.size() > 4 * MIB
    cache.clear()
    assert cache.size() < 100_000
    assert cache.get_many([pairs_of(1, 5000)[0][0]]) == {}
    cache.close()
    assert os.path.getsize(path) < 100_000
    cache.put_many(pairs_of(3))
    assert len(cache.get_many([object_id for object_id, _ in pairs_of(3)])) == 3


# What goes wrong.


def test_a_busy_cache_is_skipped(cache, path, monkeypatch):
    monkeypatch.setattr(module, "_BUSY_SECONDS", 0.01)
    pairs = pairs_of(4)
    cache.put_many(pairs[:2])
    cache.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache.put_many(pairs[2:])
    assert cache.get_many([object_id for object_id, _ in pairs]) == dict(pairs[:2])
    other.execute("COMMIT")
    other.close()
    cache.put_many(pairs[2:])
    assert cache.get_many([object_id for object_id, _ in pairs]) == dict(pairs)


@pytest.mark.parametrize("body", [b"no database at all, " * 1000, b"x", b"SQLite format 3\0" * 90])
def test_a_file_that_is_no_database_is_made_anew(cache, path, body):
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(body)
    pairs = pairs_of(2)
    assert cache.get_many([pairs[0][0]]) == {}
    cache.put_many(pairs)
    assert cache.get_many([object_id for object_id, _ in pairs]) == dict(pairs)


def test_tables_of_another_version_are_made_anew(cache, path):
    cache.put_many(pairs_of(2))
    cache.close()
    rows(path, "PRAGMA user_version = 999")
    cache.put_many(pairs_of(2, seed=1))  # finds the others, and throws them away
    cache.put_many(pairs_of(2, seed=1))
    assert len(cache.get_many([object_id for object_id, _ in pairs_of(2, seed=1)])) == 2
    assert cache.get_many([pairs_of(2)[0][0]]) == {}


def test_no_flipped_byte_gives_a_wrong_object_or_an_error(path):
    pairs = [*pairs_of(60, 300), *pairs_of(3, 30_000)]
    wanted = dict(pairs)
    cache = ObjectCache(path, 8 * MIB)
    cache.put_many(pairs)
    cache.close()
    with open(path, "rb") as file:
        whole = file.read()
    rng = random.Random(20260708)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 50))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with open(path, "wb") as file:
            file.write(data[: rng.choice((len(data), len(data), rng.randrange(len(data))))])
        for ending in ("-wal", "-shm"):
            if os.path.exists(path + ending):
                os.unlink(path + ending)
        cache = ObjectCache(path, 8 * MIB)
        for _ in range(3):
            found = cache.get_many(list(wanted))
            assert all(wanted[object_id] == body for object_id, body in found.items())
            cache.put_many(pairs)
            cache.put_many(pairs_of(5, 100, seed=1))
        cache.size()
        cache.close()


def test_damage_without_end_turns_it_off(cache, path, monkeypatch):
    def fail(_):
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(module, "_prepare", fail)
    for _ in range(5):
        cache.put_many(pairs_of(1))
    monkeypatch.undo()
    cache.put_many(pairs_of(1))
    assert cache.get_many([pairs_of(1)[0][0]]) == {}


def test_a_full_disk_turns_it_off_without_a_word(cache, path):
    pairs = pairs_of(100, 10_000)
    cache.put_many(pairs[:1])
    pages = cache._connection.execute("PRAGMA page_count").fetchone()[0]
    cache._connection.execute(f"PRAGMA max_page_count = {pages}")  # "database or disk is full"
    cache.put_many(pairs[1:])
    assert cache.get_many([pairs[0][0]]) == {}
    assert cache._connection is None
    other = ObjectCache(path, 64 * MIB)  # the file is whole
    assert other.get_many([object_id for object_id, _ in pairs]) == dict(pairs[:1])
    other.close()


def test_a_folder_that_cannot_be_made_turns_it_off(tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")
    cache = ObjectCache(str(tmp_path / "file" / "objects.sqlite"), MIB)
    cache.put_many(pairs_of(1))
    assert cache.get_many([pairs_of(1)[0][0]]) == {}
    cache.clear()
    assert cache.size() == 0


def test_a_disk_that_takes_no_folder_turns_it_off(cache, monkeypatch):
    def makedirs(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "makedirs", makedirs)
    cache.put_many(pairs_of(1))
    monkeypatch.undo()
    cache.put_many(pairs_of(1))
    assert cache.get_many([pairs_of(1)[0][0]]) == {}


def test_the_folder_is_the_users_own(cache, path):
    cache.put_many(pairs_of(1))
    if os.name == "posix":
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


# Many at once.


def use(path, seed, rounds=20):
    """What a client does; False if it was given anything wrong."""
    cache = ObjectCache(path, 3 * MIB)
    right = True
    for number in range(rounds):
        pairs = pairs_of(20, 5000, seed=(seed * 7 + number) % 50)
        cache.put_many(pairs)
        wanted = dict(pairs)
        found = cache.get_many(list(wanted))
        right = right and all(wanted[key] == body for key, body in found.items())
    cache.close()
    return right


def test_threads_share_one(path):
    cache = ObjectCache(path, 3 * MIB)

    def work(seed):
        for number in range(10):
            pairs = pairs_of(20, 5000, seed=seed + number)
            cache.put_many(pairs)
            wanted = dict(pairs)
            for key, body in cache.get_many(list(wanted)).items():
                assert wanted[key] == body
            if number == 5:
                cache.close()

    race([partial(work, seed) for seed in range(6)])
    assert 0 < cache.size() <= 3 * MIB
    cache.close()


def test_processes_share_one_file(path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        assert pool.starmap(use, [(path, seed) for seed in range(8)]) == [True] * 8
    cache = ObjectCache(path, 3 * MIB)
    assert 0 < cache.size() <= 3 * MIB
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    cache.close()


def test_processes_that_find_damage_at_once_go_on(path):
    os.makedirs(os.path.dirname(path))
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        for _ in range(3):
            with open(path, "wb") as file:
                file.write(b"no database" * 9000)
            assert pool.starmap(use, [(path, seed, 5) for seed in range(4)]) == [True] * 4
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_while_others_read_and_write_leaves_both_sides_alive(cache):
    pairs = pairs_of(50, 2000)
    wanted = dict(pairs)
    cache.put_many(pairs)
    done = threading.Event()

    def work():
        while not done.is_set():
            cache.get_many(list(wanted))
            cache.put_many(pairs_of(5, 2000, seed=2))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                cache.put_many(pairs_of(1, 100, seed=3))
                os._exit(0 if cache.get_many(list(wanted)) == wanted else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert cache.get_many(list(wanted)) == wanted

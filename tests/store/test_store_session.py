"""Many writers at once: threads share packs, processes share nothing, none loses a run."""

import multiprocessing
import os
import threading
from functools import partial

import pytest

from graven import Store, clock
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, InvalidInput
from graven.formats import pack
from graven.formats.packbuild import Item
from graven.ids import hash_bytes
from graven.store.session import Intent, Session
from graven.testing.faulty import FaultyBackend
from graven.testing.invariants import check_store
from graven.testing.racing import race
from graven.testing.runs import sample_run

FORK = multiprocessing.get_context("fork")


def run_all(context, target, arguments):
    processes = [context.Process(target=target, args=args) for args in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def save_many(folder, writer, count):
    store = Store(folder)
    for number in range(count):
        store.save(sample_run(f"p{writer}-{number}", float(number), minute=number))


def save_one_id(folder, writer, count):
    store = Store(folder)
    for number in range(count):
        store.save(sample_run("shared", float(1000 * writer + number)))


def open_and_ask(folder, writer):
    store = Store(folder)
    assert store.store_id
    store.save(sample_run(f"p{writer}"))
    assert f"p{writer}" in [header.run_id for header in store.headers()]
    assert store.query()


def test_threads_share_packs_and_lose_nothing(tmp_path):
    store = Store(tmp_path / "s")

    def work(thread):
        for number in range(50):
            store.save(sample_run(f"t{thread}-{number}", float(number)))

    race([partial(work, thread) for thread in range(16)])
    assert store.count() == 800
    assert len(store.packs()) < 800
    check_store(
        store,
        {f"t{t}-{n}": sample_run(f"t{t}-{n}", float(n)) for t in range(16) for n in range(50)},
    )


def test_processes_lose_nothing(tmp_path):
    folder = tmp_path / "s"
    run_all(FORK, save_many, [(folder, writer, 20) for writer in range(16)])
    expected = {
        f"p{w}-{n}": sample_run(f"p{w}-{n}", float(n), minute=n)
        for w in range(16)
        for n in range(20)
    }
    check_store(Store(folder), expected)


@pytest.mark.slow
def test_sixteen_processes_of_a_hundred_saves_lose_nothing(tmp_path):
    folder = tmp_path / "s"
    run_all(FORK, save_many, [(folder, writer, 100) for writer in range(16)])
    assert Store(folder).count() == 1600


def test_processes_that_save_one_id_end_with_one_of_the_values(tmp_path):
    folder = tmp_path / "s"
    run_all(FORK, save_one_id, [(folder, writer, 10) for writer in range(4)])
    store = Store(folder)
    assert store.count() == 1
    value = store.load("shared").points[0].metrics["time"].value
    assert value in {1000.0 * writer + 9 for writer in range(4)}
    check_store(store)


def test_processes_that_open_a_new_store_at_once_agree(tmp_path):
    folder = tmp_path / "s"
    run_all(FORK, open_and_ask, [(folder, writer) for writer in range(16)])
    store = Store(folder)
    assert {header.run_id for header in store.headers()} == {f"p{w}" for w in range(16)}
    check_store(store)


def test_a_forked_child_goes_on_under_a_writer_id_of_its_own(tmp_path):
    store = Store(tmp_path / "s")
    store.save(sample_run("before"))
    assert store.count() == 1

    def child(number):
        store.save(sample_run(f"child{number}"))
        assert store.load("before") == sample_run("before")
        store.delete("before") if number == 0 else store.attach("before", "logs/x", b"x")

    processes = [FORK.Process(target=child, args=(n,)) for n in (1, 0)]
    for process in processes:
        process.start()
        store.save(sample_run(f"parent-{process.pid}"))
        process.join(60)
        assert process.exitcode == 0
    writers = {store.show_pack(found.name).writer for found in store.packs()}
    assert len(writers) == 3
    assert store.count() == 4
    check_store(store)


def test_a_child_that_is_forked_within_a_batch_is_another_writer(tmp_path):
    store = Store(tmp_path / "s")
    with store.batch() as batch:
        batch.save(sample_run("a"))
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                batch.save(sample_run("b"))
                batch._writer.finish()
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
    writers = {store.show_pack(found.name).writer for found in store.packs()}
    assert len(writers) == 2
    check_store(store, {name: sample_run(name) for name in "ab"})


def test_two_stores_on_one_folder_see_each_others_writes_at_once(tmp_path):
    first, second = Store(tmp_path / "s"), Store(tmp_path / "s")
    for number in range(20):
        writer, reader = (first, second) if number % 2 else (second, first)
        writer.save(sample_run(f"r{number}"))
        assert reader.count() == number + 1
        assert reader.load(f"r{number}").id == f"r{number}"
    writer.delete("r3")
    assert reader.count() == 19
    check_store(first)
    check_store(second)


# --- group commit ---


class Gate(LocalBackend):
    """Holds the first pack back until others have queued up behind it."""

    def __init__(self, root):
        super().__init__(root, fsync=False)
        self.reached = threading.Event()
        self.go = threading.Event()

    def put(self, key, data, *, durable=True):
        if key.startswith("packs/") and not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(30)
        super().put(key, data, durable=durable)


def queue_behind(gate, store, first, others):
    """Let ``first`` reach the disk and ``others`` wait for the next pack; their errors."""
    errors = {}

    def call(name, action):
        try:
            action()
            errors[name] = None
        except (BackendUnavailable, InvalidInput) as error:
            errors[name] = error

    threads = [threading.Thread(target=call, args=("first", first))]
    threads[0].start()
    assert gate.reached.wait(30)
    for name, action in others.items():
        threads.append(threading.Thread(target=call, args=(name, action)))
        threads[-1].start()
    for _ in range(3000):
        if len(store._session._queue) + len(errors) >= len(others):
            break
        clock.sleep(0.01)
    gate.go.set()
    for thread in threads:
        thread.join(30)
    return errors


def test_one_bad_run_does_not_fail_those_that_wait_with_it(tmp_path, monkeypatch):
    gate = Gate(tmp_path / "s")
    store = Store("", backend=gate)
    store.config.get("views")
    monkeypatch.setattr(pack, "MAX_FRAME_RAW", 4000)
    huge = sample_run("huge", metadata={"text": "x" * 5000})
    errors = queue_behind(
        gate,
        store,
        lambda: store.save(sample_run("a")),
        {
            "b": lambda: store.save(sample_run("b")),
            "huge": lambda: store.save(huge),
            "c": lambda: store.save(sample_run("c")),
        },
    )
    assert errors.pop("huge").kind == "object-too-large"
    assert errors == {"first": None, "b": None, "c": None}
    assert sorted(h.run_id for h in store.headers()) == ["a", "b", "c"]


def test_all_of_a_shared_pack_hear_of_its_failure(tmp_path):
    gate = Gate(tmp_path / "s")
    faulty = FaultyBackend(gate)
    store = Store("", backend=faulty)
    store.config.set("views", "none")
    faulty.fail(2, method="put", error=lambda: BackendUnavailable("full", kind="disk-full"))
    errors = queue_behind(
        gate,
        store,
        lambda: store.save(sample_run("a")),
        {name: partial(store.save, sample_run(name)) for name in "bcd"},
    )
    assert errors.pop("first") is None
    assert [error.kind for error in errors.values()] == ["disk-full"] * 3
    assert len(set(map(id, errors.values()))) == 3, "threads must not share one traceback"
    store.save(sample_run("e"))
    check_store(Store(tmp_path / "s"), {name: sample_run(name) for name in "ae"})


def test_a_failed_pack_is_forgotten_with_what_it_would_have_shared(tmp_path):
    faulty = FaultyBackend(LocalBackend(tmp_path / "s"))
    store = Store("", backend=faulty)
    faulty.fail(method="put", error=lambda: BackendUnavailable("full", kind="disk-full"))
    with pytest.raises(BackendUnavailable):
        store.save(sample_run("a"))
    store.save(sample_run("b"))  # shares environment and definitions with the lost one
    check_store(Store(tmp_path / "s"), {"b": sample_run("b")})


def test_a_request_that_a_dead_leader_took_along_is_not_acknowledged(tmp_path):
    session = Session(LocalBackend(tmp_path, fsync=False))
    data = b"x"
    session._lead = session._queue.clear  # an interrupt between taking and writing
    with pytest.raises(BackendUnavailable) as caught:
        session.commit([Item(hash_bytes(data), "blob", data)], [Intent("x", hash_bytes(data))])
    assert caught.value.kind == "interrupted"


def test_an_interrupt_of_the_leader_is_told_to_all(tmp_path):
    faulty = FaultyBackend(LocalBackend(tmp_path / "s"))
    store = Store("", backend=faulty)
    faulty.fail(method="put", error=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(sample_run("a"))
    store.save(sample_run("b"))
    assert [h.run_id for h in store.headers()] == ["b"]


# --- stamps ---


def test_a_session_begins_above_all_that_is_there(tmp_path, monkeypatch):
    ahead = clock.wall_ms() + 600_000
    store = Store(tmp_path / "s")
    with monkeypatch.context() as patch:
        patch.setattr(clock.HybridClock.__init__, "__defaults__", (lambda: ahead, 0))
        store.save(sample_run("a", 1.0))
    other = Store(tmp_path / "s")
    other.save(sample_run("a", 2.0))
    assert store.load("a") == sample_run("a", 2.0)
    other.delete("a")
    assert store.count() == 0


def test_a_store_whose_clock_is_hours_ahead_refuses_writes_and_reads_on(tmp_path, monkeypatch):
    store = Store(tmp_path / "s")
    ahead = clock.wall_ms() + 3 * 3_600_000
    with monkeypatch.context() as patch:
        patch.setattr(clock.HybridClock.__init__, "__defaults__", (lambda: ahead, 0))
        store.save(sample_run("a"))
    other = Store(tmp_path / "s")
    with pytest.raises(BackendUnavailable) as caught:
        other.save(sample_run("b"))
    assert caught.value.kind == "clock-skew"
    check_store(other, {"a": sample_run("a")})


def test_children_forked_while_threads_work_do_not_wait_for_their_locks(tmp_path):
    store = Store(tmp_path / "s", durable=False)
    store.save(sample_run("first"))
    stop = threading.Event()

    def work(thread):
        number = 0
        while not stop.is_set():
            number += 1
            store.save(sample_run(f"t{thread}-{number}"))
            store.count()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(15):
            process = FORK.Process(target=_child_saves, args=(store, number))
            process.start()
            process.join(30)
            stuck = process.exitcode is None
            if stuck:
                process.kill()
            assert not stuck, f"child {number} waits for a lock that no thread of it holds"
            assert process.exitcode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    found = {header.run_id for header in store.headers()}
    assert {f"c{number}" for number in range(15)} <= found


def _child_saves(store, number):
    store.save(sample_run(f"c{number}"))
    assert store.load("first").id == "first"

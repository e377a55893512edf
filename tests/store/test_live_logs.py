"""Logs that grow: seen while they do, kept when closed, recovered when their writer died."""

import logging
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from graven import Store, clock
from graven.errors import BackendUnavailable, Conflict, InvalidInput, NotFound
from graven.testing.runs import sample_run


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def store(store):
    store.save(sample_run("a"))
    return store


def files_in(state):
    return sorted(p.name for p in state.rglob("*") if p.is_file())


def test_a_log_is_read_while_it_grows_and_kept_when_closed(store, open_store, state):
    with store.live_log("a", "train") as log:
        log.write("one\n")
        assert open_store().read_attachment("a", "logs/train") == b"one\n"
        log.writelines(["two\n", b"three\n"])
        assert open_store().read_attachment("a", "logs/train") == b"one\ntwo\nthree\n"
        assert store.attachments("a") == []
        assert files_in(state) == ["about.json", "log"]
    assert [(a.name, a.media_type) for a in store.attachments("a")] == [
        ("logs/train", "text/plain")
    ]
    assert open_store().read_attachment("a", "logs/train") == b"one\ntwo\nthree\n"
    assert files_in(state) == []


def test_handlers_and_children_append_to_its_path(store):
    with store.live_log("a", "logs/train") as log:
        handler = logging.FileHandler(log.path)
        handler.emit(logging.makeLogRecord({"msg": "from a handler"}))
        handler.close()
        subprocess.run([sys.executable, "-c", f"open({log.path!r}, 'a').write('from a child\\n')"],
                       check=True)  # fmt: skip
        log.write("from here\n")
    wanted = b"from a handler\nfrom a child\nfrom here\n"
    assert store.read_attachment("a", "logs/train") == wanted


def test_it_is_kept_after_an_error_too(store):
    with pytest.raises(RuntimeError), store.live_log("a", "train") as log:
        log.write("before\n")
        raise RuntimeError
    assert store.read_attachment("a", "logs/train") == b"before\n"


def test_a_closed_log_takes_nothing_more(store):
    log = store.live_log("a", "train")
    assert log.close() is not None
    assert log.close() is None
    with pytest.raises(InvalidInput) as error:
        log.write("late")
    assert error.value.kind == "log-closed"


def test_two_writers_of_one_log(store, open_store):
    with store.live_log("a", "train"):
        with pytest.raises(Conflict) as error:
            open_store().live_log("a", "train")
        assert error.value.kind == "log-open"
        with store.live_log("a", "other") as other:
            other.write("x")
    assert store.read_attachment("a", "logs/other") == b"x"


def test_a_new_log_replaces_the_old_or_goes_on_from_it(store):
    store.put_log("a", "train", "old\n")
    with store.live_log("a", "train", append=True) as log:
        log.write("more\n")
    assert store.read_attachment("a", "logs/train") == b"old\nmore\n"
    with store.live_log("a", "train") as log:
        log.write("new\n")
    assert store.read_attachment("a", "logs/train") == b"new\n"


def test_names_with_and_without_their_kind(store):
    store.put_log("a", "x", "1")
    store.put_log("a", "logs/x", "2")
    store.put_log("a", "artifacts/x", "3")
    names = [a.name for a in store.attachments("a")]
    assert names == ["logs/artifacts/x", "logs/x"]
    assert store.read_attachment("a", "logs/x") == b"2"


def test_logs_of_runs_whose_ids_begin_alike(store):
    store.save(sample_run("a_b"))
    store.put_log("a", "b/x", "of a")
    store.put_log("a_b", "x", "of a_b")
    assert [a.name for a in store.attachments("a")] == ["logs/b/x"]
    store.delete("a")
    assert store.read_attachment("a_b", "logs/x") == b"of a_b"


def test_no_run_no_log(store, state):
    with pytest.raises(NotFound):
        store.live_log("b", "train")
    with pytest.raises(InvalidInput):
        store.live_log("a", "bad\nname")
    assert files_in(state) == []


def test_a_read_only_store_begins_no_log(store, open_store):
    with pytest.raises(BackendUnavailable):
        open_store(readonly=True).live_log("a", "train")


WRITER = """
import sys
from graven import Store
log = Store(sys.argv[1], durable=False).live_log("a", "train")
log.write("line 1\\n")
print("ready", flush=True)
sys.stdin.read()
"""


def killed_writer(store):
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout.readline() == b"ready\n"
    yield child
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    yield child


def test_what_a_killed_writer_wrote_is_recovered(store, open_store, state):
    steps = killed_writer(store)
    next(steps)
    assert store.recover_logs() == []  # its writer lives
    assert store.read_attachment("a", "logs/train") == b"line 1\n"
    next(steps)
    assert store.read_attachment("a", "logs/train") == b"line 1\n"
    with pytest.raises(NotFound):
        store.attachment("a", "logs/train")
    (found,) = open_store().recover_logs()
    assert (found.run_id, found.name, found.error) == ("a", "logs/train", None)
    assert store.attachment("a", "logs/train").size == 7
    assert files_in(state) == []
    assert store.recover_logs() == []


def test_the_next_log_of_the_store_recovers_it(store, open_store):
    for _ in pairwise(killed_writer(store)):
        pass
    with open_store().live_log("a", "train", append=True) as log:
        log.write("line 2\n")
    assert store.read_attachment("a", "logs/train") == b"line 1\nline 2\n"


def test_a_log_whose_run_was_deleted_stays_and_is_told(store, open_store, state):
    for _ in pairwise(killed_writer(store)):
        pass
    store.delete("a")
    (found,) = open_store().recover_logs()
    assert found.error.kind == "run-deleted"
    assert Path(found.path).read_bytes() == b"line 1\n"
    store.restore("a")
    (found,) = open_store().recover_logs()
    assert found.error is None
    assert store.read_attachment("a", "logs/train") == b"line 1\n"


def test_remains_that_say_nothing_are_removed(store, state):
    with store.live_log("a", "x") as log:
        folder = os.path.dirname(log.path)
    os.makedirs(folder)
    open(os.path.join(folder, "about.json"), "w").close()
    assert store.recover_logs() == []
    assert files_in(state) == []


def test_following_ends_with_the_log(store, monkeypatch):
    log = store.live_log("a", "train")
    log.write("one\n")
    waits = iter([lambda: log.write("two\n"), lambda: (log.write("three\n"), log.close())])
    monkeypatch.setattr(clock, "sleep", lambda seconds: next(waits)())
    assert b"".join(store.follow_log("a", "train")) == b"one\ntwo\nthree\n"
    assert b"".join(store.follow_log("a", "train")) == b"one\ntwo\nthree\n"


def test_copies_of_a_store_have_logs_of_their_own(store, tmp_path):
    import shutil

    store.close()
    shutil.copytree(store.path, tmp_path / "copy")
    copy = Store(tmp_path / "copy", durable=False)
    with store.live_log("a", "train") as log, copy.live_log("a", "train") as other:
        log.write("here")
        other.write("there")
    assert store.read_attachment("a", "logs/train") == b"here"
    assert copy.read_attachment("a", "logs/train") == b"there"
    copy.close()


def test_a_store_that_cannot_be_written_leaves_the_log(store, monkeypatch, open_store):
    log = store.live_log("a", "train")
    log.write("kept\n")

    def fail(*args, **options):
        raise BackendUnavailable("no network")

    with monkeypatch.context() as broken:
        broken.setattr(store, "attach", fail)
        with pytest.raises(BackendUnavailable):
            log.close()
    assert store.read_attachment("a", "logs/train") == b"kept\n"
    (found,) = open_store().recover_logs()
    assert found.error is None

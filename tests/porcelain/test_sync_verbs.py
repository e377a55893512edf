"""push, pull, clone, remote, bundle, status and ingest with a bucket, as values."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import pytest

import graven
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, InvalidInput, NotFound, QueuedWarning
from graven.porcelain.clone import clone, place_of_clone
from graven.porcelain.ingest import ingest
from graven.porcelain.pull import pull, select
from graven.porcelain.push import push
from graven.porcelain.remote import add_remote, list_remotes
from graven.porcelain.status import status
from graven.store import Store
from graven.testing.remote import RemoteMemory, counted
from graven.testing.runs import sample_run


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    yield
    MemoryBackend.forget("here/b")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.fixture
def store(tmp_path):
    store = graven.init(tmp_path / "store")
    store.save(sample_run("one", branch="main"))
    return store


def bucket(backend=None, **options):
    return Store("unused", backend=backend or RemoteMemory("b"), **options)


def cut(backend, kind="unreachable"):
    for nth in range(1, 400):
        backend.fail(nth, error=lambda: BackendUnavailable("cannot reach it", kind=kind))


def queue(name):
    backend = counted("b")
    store = bucket(backend)
    cut(backend)
    with pytest.warns(QueuedWarning):
        store.save(sample_run(name))
    return store


# --- push and pull ---


def test_push_sends_what_the_store_has_and_what_waits_for_the_remote(store):
    bucket()
    queue("two")
    report = push(store, "memory://b", backend=RemoteMemory("b"))
    assert (report.delivered.runs, report.sent.runs) == (["two"], ["one"])
    assert report.to_dict()["remote"] is None
    assert sorted(run.id for run in bucket().list_runs()) == ["one", "two"]
    again = push(store, "memory://b", backend=RemoteMemory("b"))
    assert [part.packs for part in again.parts] == [0, 0]


def test_push_of_a_bucket_itself_sends_what_waits_for_it():
    bucket()
    queue("two")
    report = push(bucket())
    assert (report.sent, report.delivered.runs) == (None, ["two"])
    assert len(report.parts) == 1


def test_push_between_two_buckets(store):
    source = bucket()
    source.save(sample_run("two"))
    report = push(source, str(store.path))
    assert report.sent.runs == ["two"]
    assert store.load("two") == sample_run("two")


def test_a_push_with_nothing_new_is_two_requests(store):
    bucket().save(sample_run("x"))
    push(store, "memory://b", backend=RemoteMemory("b"))
    backend = counted("b")
    push(store, "memory://b", backend=backend, refresh_every=2.0)
    made = [method for method, _ in backend.calls if method != "listing_token"]
    assert made == ["names", "list"]


def test_pull_names_its_own_side_ours(store, tmp_path):
    other = graven.init(tmp_path / "other")
    store.save(sample_run("two"))
    push(store, str(other.path))
    store.baselines.set("main", "one")
    other.baselines.set("main", "two")
    (conflict,) = pull(store, str(other.path)).received.conflicts
    assert (conflict.ours[0].run, conflict.theirs[0].run) == ("one", "two")


def test_pull_all_of_a_part_makes_it_whole(store, tmp_path):
    store.save(sample_run("two", branch="dev"))
    made = clone(str(store.path), str(tmp_path / "copy"), selection=select(branch="dev"))
    copy = graven.open(made.path)
    assert pull(copy).selection.branch == "dev"
    assert pull(copy, branch="main").received.runs == ["one"]
    assert not list_remotes(copy)[0].selection.whole
    assert pull(copy, everything=True).selection.whole
    assert list_remotes(copy)[0].selection.whole


def test_a_time_is_kept_to_the_microsecond():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert select(moment).since == 1_767_323_045_678_901


@pytest.mark.parametrize("verb", [push, pull])
def test_offline_refuses_the_network_and_nothing_else(store, tmp_path, verb):
    graven.init(tmp_path / "other")
    with pytest.raises(InvalidInput) as caught:
        verb(store, "s3://bench/p", offline=True)
    assert caught.value.kind == "offline"
    verb(store, str(tmp_path / "other"), offline=True)
    with pytest.raises(InvalidInput):
        clone("s3://bench/p", str(tmp_path / "copy"), offline=True)


def test_push_to_where_no_store_is_says_how_to_make_one(store, tmp_path):
    with pytest.raises(NotFound) as caught:
        push(store, str(tmp_path / "new"))
    assert caught.value.hint == f"'graven init {tmp_path / 'new'}' makes one"


# --- clone ---


@pytest.mark.parametrize(
    ("url", "folder", "place"),
    [
        ("s3://bench/project", None, "project/.graven"),
        ("s3://bench/project/", None, "project/.graven"),
        ("s3://bench", None, "bench/.graven"),
        ("s3://bench/project.graven", None, "project/.graven"),
        ("zip:///x/nightly.zip", None, "nightly/.graven"),
        ("/home/ann/project/.graven", None, "project/.graven"),
        ("/home/ann/project", ".", "./.graven"),
        ("/home/ann/project", "x.graven", "x.graven"),
        ("/home/ann/project", ".graven/", ".graven/"),
    ],
)
def test_where_a_clone_goes(url, folder, place):
    assert place_of_clone(url, folder) == place.replace("/", os.sep)


@pytest.mark.parametrize("url", ["/", "s3://", "s3://.graven", "/.graven"])
def test_where_a_clone_cannot_go(url):
    with pytest.raises(InvalidInput) as caught:
        place_of_clone(url)
    assert caught.value.kind == "no-name"


def test_a_clone_that_breaks_off_says_how_to_go_on(store, tmp_path, monkeypatch):
    from graven.store.session import Session

    def fail(*_words, **_more):
        raise BackendUnavailable("no room", kind="no-space")

    monkeypatch.setattr(Session, "forward", fail)
    with pytest.raises(BackendUnavailable) as caught:
        clone(str(store.path), str(tmp_path / "copy"))
    assert caught.value.kind == "no-space"
    assert "goes on" in caught.value.hint
    monkeypatch.undo()
    assert clone(str(store.path), str(tmp_path / "copy")).received.runs == ["one"]


# --- status ---


def test_status_tells_of_a_bucket_what_waits_and_when_it_was_looked_at():
    bucket()
    assert status(bucket()).waiting.packs == 0
    queue("two")
    found = status(bucket())
    assert (found.waiting.packs, found.waiting.runs, found.offline) == (1, 1, False)
    assert found.as_of is not None
    assert status(bucket(offline=True)).offline
    record = found.to_dict()
    assert record["waiting"] == {"packs": 1, "runs": 1}
    json.dumps(record)


def test_status_of_a_clone_shows_its_remotes(store):
    add_remote(store, "origin", "s3://bench/p")
    found = status(store)
    assert [remote.name for remote in found.remotes] == ["origin"]
    assert (found.as_of, found.waiting.packs) == (None, 0)


# --- ingest without a network ---


@pytest.fixture
def results(tmp_path):
    """Three files of hyperfine and one run with an id of its own."""
    files = []
    for number in range(3):
        file = tmp_path / f"h{number}.json"
        result = {"command": "x", "mean": 0.1, "times": [0.1 + number]}
        file.write_text(json.dumps({"results": [result]}))
        files.append(file)
    named = tmp_path / "named.json"
    named.write_text(json.dumps(sample_run("named").to_dict()))
    return [*files, named]


def outcomes(report):
    return [run.outcome for run in report.runs]


def test_ingest_asks_once_and_queues_all(results):
    bucket()
    backend = counted("b")
    store = bucket(backend)
    cut(backend)
    with pytest.warns(QueuedWarning, match=r"queued: .*, .*, .* and 1 more"):
        report = ingest(store, results)
    assert outcomes(report) == ["queued"] * 4
    assert report.queued
    assert report.failed == ()
    made = [method for method, _ in backend.calls]
    # Of what no look has brought: runs, clock. Settings there are none, as store.json says.
    assert made.count("get_with_version") == 0
    assert made.count("names_after") == 1
    assert made.count("put") == 0
    push(bucket())
    assert outcomes(ingest(bucket(), results)) == ["unchanged"] * 4


def test_ingest_goes_by_what_was_last_seen(results):
    assert outcomes(ingest(bucket(), results[:2])) == ["saved"] * 2
    ingest(bucket(), results[3:])
    bucket().count()
    backend = counted("b")
    store = bucket(backend)
    cut(backend)
    with pytest.warns(QueuedWarning):
        report = ingest(store, results)
    assert sorted(outcomes(report)) == ["queued", "unchanged", "unchanged"]
    (failed,) = report.failed
    assert failed.source == str(results[3])
    assert (failed.error.exit_code, failed.error.kind) == (6, "unreachable")


def test_ingest_does_not_queue_what_was_refused(results):
    bucket()
    backend = counted("b")
    store = bucket(backend)
    store.settings_for_writing()
    cut(backend, kind="denied")
    report = ingest(store, results)
    assert (report.runs, len(report.failed), report.queued) == ((), 4, False)
    assert store.outbox.packs() == []


def test_ingest_keeps_to_the_setting_that_was_last_seen(results):
    first = bucket()
    first.config.set("ingest.keep_raw", False)
    backend = counted("b")
    store = bucket(backend)
    cut(backend)
    with pytest.warns(QueuedWarning):
        ingest(store, results[:1])
    push(bucket())
    (header,) = bucket().headers()
    assert bucket().attachments(header.run_id) == []

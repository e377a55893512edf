"""A store on a bucket: what it asks for, what it keeps, and what it does without a network."""

import os
import warnings

import pytest

from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.store import Store, init
from graven.store.base import QueuedWarning
from graven.sync.delivery import deliver
from graven.sync.transfer import transfer
from graven.testing.invariants import check_store
from graven.testing.remote import RemoteMemory, counted
from graven.testing.runs import sample_run


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    yield
    for endpoint in ("here", "there"):
        MemoryBackend.forget(f"{endpoint}/b")


def opened(backend=None, **options):
    return Store("unused", backend=backend or counted("b"), **options)


def unreachable():
    return BackendUnavailable("cannot reach it", kind="unreachable")


def cut(backend):
    """Take the network away from now on."""
    for nth in range(1, 400):
        backend.fail(nth, error=unreachable)


def calls(store):
    """Requests so far (a listing token is none)."""
    made = store.parts.backend.inner.calls
    return [method for method, _ in made if method != "listing_token"]


def test_a_cold_save_is_three_requests_and_a_warm_one_two():
    opened()
    cold = opened(views="none", cache_dir=os.devnull)
    cold.save(sample_run("a"))
    assert calls(cold) == ["get_with_version", "names_after", "put"]
    warm = opened(views="none")
    warm.save(sample_run("b"))
    assert calls(warm) == ["names_after", "put"]
    warm.save(sample_run("c"))
    assert calls(warm) == ["names_after", "put", "put"]


def test_a_view_costs_its_own_put_and_nothing_more():
    opened()
    cold = opened(cache_dir=os.devnull)
    cold.save(sample_run("a"))
    assert calls(cold) == ["get_with_version", "names_after", "put", "put"]
    first = opened()
    first.save(sample_run("b"))
    assert calls(first)[-3:] == ["names_after", "put", "put"]
    assert "config.json" not in [key for _, key in first.parts.backend.inner.calls]


def test_settings_that_somebody_made_are_looked_at_once_an_hour():
    first = opened()
    first.config.set("views", "none")
    second = opened(cache_dir=os.devnull)
    second.save(sample_run("c"))
    assert [key for _, key in second.parts.backend.inner.calls][:2] == ["store.json", "config.json"]
    third = opened()
    third.save(sample_run("d"))
    assert calls(third) == ["names_after", "put"]
    assert [entry.key for entry in third.parts.backend.list("runs/")] == []


def test_settings_that_were_put_there_by_hand_are_heeded_once_anybody_saw_them(tmp_path):
    opened().parts.backend.put("config.json", b'{"views": "none"}')
    seen = opened(cache_dir=str(tmp_path / "other"))
    assert seen.config.get("views") == "none"
    last = opened(cache_dir=str(tmp_path / "third"))
    last.save(sample_run("a"))
    assert [entry.key for entry in last.parts.backend.list("runs/")] == []


def test_a_look_is_one_listing_and_the_new_metadata():
    writer = opened()
    for name in "abc":
        writer.save(sample_run(name))
    reader = opened(cache_dir=os.devnull)
    assert reader.count() == 3
    assert calls(reader) == ["get_with_version", "names", "get_tail", "get_tail", "get_tail"]
    assert reader.count() == 3
    assert calls(reader)[-1] == "names"


def test_the_next_process_finds_the_catalog_and_the_objects():
    writer = opened()
    writer.save(sample_run("a"))
    assert opened().load("a") == sample_run("a")
    third = opened()
    assert third.load("a") == sample_run("a")
    assert calls(third) == ["names"]


def test_with_a_span_one_look_serves_all_questions():
    store = opened(refresh_every=3600.0)
    store.save(sample_run("a"))
    before = len(calls(store))
    store.count(), store.headers(), store.latest()
    assert calls(store)[before:].count("names") == 1
    store.save(sample_run("b"))
    assert store.count() == 2  # what was changed from here is seen at once


def test_what_others_write_is_seen_at_once():
    one, two = opened(), opened(cache_dir=os.devnull)
    one.save(sample_run("a"))
    assert two.load("a").id == "a"
    two.delete("a")
    with pytest.raises(NotFound):
        one.load("a")
    check_store(one)
    check_store(two)


def test_a_copy_at_another_place_is_never_mixed_up_with_its_original():
    original = opened()
    original.save(sample_run("a"))
    copy = RemoteMemory("b", "there")
    for entry in list(original.parts.backend.list("")):
        copy.put(entry.key, original.parts.backend.get(entry.key))
    other = opened(copy)
    assert other.store_id == original.store_id
    assert other.url == original.url
    other.save(sample_run("only-there"))
    assert [h.run_id for h in original.headers()] == ["a"]
    assert sorted(h.run_id for h in opened(RemoteMemory("b", "there")).headers()) == [
        "a",
        "only-there",
    ]
    assert [h.run_id for h in opened().headers()] == ["a"]


def test_a_store_that_was_deleted_is_missed_at_the_first_look():
    store = opened()
    store.save(sample_run("a"))
    assert store.count() == 1
    for entry in list(store.parts.backend.list("")):
        store.parts.backend.delete(entry.key)
    with pytest.raises(NotFound, match="no graven store"):
        opened(create=False).count()


def test_a_store_made_anew_at_the_place_is_another_one():
    store = opened()
    store.save(sample_run("a"))
    backend = store.parts.backend
    for entry in list(backend.list("")):
        backend.delete(entry.key)
    init("unused", backend=RemoteMemory("b"))
    stale = opened(create=False)
    with pytest.raises(BackendUnavailable) as caught:
        stale.count()
    assert caught.value.kind == "store-replaced"
    assert opened(create=False).count() == 0


def test_a_cache_that_cannot_be_written_changes_no_answer(tmp_path):
    (tmp_path / "file").write_text("")
    store = opened(cache_dir=str(tmp_path / "file"))
    store.save(sample_run("a"))
    assert store.load("a") == sample_run("a")
    store.baselines.set("main", "a")
    check_store(store)


# --- without a network ---


def test_offline_answers_come_from_what_was_read_and_say_when():
    store = opened()
    store.save(sample_run("a"))
    store.baselines.set("main", "a")
    assert (store.count(), store.load("a").id) == (1, "a")
    offline = opened(offline=True)
    assert offline.count() == 1
    assert offline.load("a") == sample_run("a")
    assert offline.baselines.names() == ["main"]
    assert offline.get_baseline() == sample_run("a")
    assert offline.as_of is not None
    with pytest.raises(BackendUnavailable) as caught:
        offline.save(sample_run("b"))
    assert caught.value.kind == "read-only"


def test_offline_with_nothing_kept_says_so():
    opened()
    with pytest.raises(BackendUnavailable) as caught:
        opened(offline=True, cache_dir=os.devnull).count()
    assert caught.value.kind == "offline"


def test_offline_the_catalog_is_not_thrown_away():
    store = opened()
    store.save(sample_run("a"))
    assert store.count() == 1
    with pytest.raises(InvalidInput) as caught:
        opened(offline=True).reindex()
    assert caught.value.kind == "offline"
    assert opened(offline=True).count() == 1


def test_an_object_that_is_not_kept_is_named_offline():
    writer = opened()
    writer.save(sample_run("a"))
    assert writer.count() == 1
    with pytest.raises((BackendUnavailable, NotFound)):
        opened(offline=True).load("a")


def test_a_save_with_no_network_is_queued_and_push_delivers_it():
    store = opened()
    store.save(sample_run("a"))
    backend = counted("b")
    cut_off = opened(backend)
    cut(backend)
    with pytest.warns(QueuedWarning, match="queued: b"):
        cut_off.save(sample_run("b"))
    with pytest.warns(QueuedWarning, match="queued: c"), cut_off.batch() as batch:
        batch.save(sample_run("c"))
    assert batch.queued
    assert len(cut_off.outbox.packs()) == 2
    assert [h.run_id for h in opened().headers()] == ["a"]
    online = opened()
    report = deliver(online)
    assert sorted(report.runs) == ["b", "c"]
    assert online.outbox.packs() == []
    check_store(online, {name: sample_run(name) for name in "abc"})
    assert deliver(online).runs == []


def test_what_is_queued_is_whole_though_the_session_sent_parts_before():
    backend = counted("b")
    store = opened(backend)
    store.save(sample_run("a"))  # the environment is known to the session now
    cut(backend)
    with pytest.warns(QueuedWarning):
        store.save(sample_run("b"))
    check_store(Store(store.outbox.path), {"b": sample_run("b")})


def test_queued_runs_come_after_what_was_seen_of_the_store():
    backend = counted("b")
    store = opened(backend)
    store.save(sample_run("a", branch="old"))
    store.count()
    cut(backend)
    with pytest.warns(QueuedWarning):
        store.save(sample_run("a", branch="new"))
    deliver(opened())
    assert opened().load("a").branch == "new"


def test_a_delivery_that_fails_keeps_all():
    backend = counted("b")
    store = opened(backend)
    cut(backend)
    with pytest.warns(QueuedWarning):
        store.save(sample_run("b"))
    with pytest.raises(BackendUnavailable):
        deliver(store)
    assert len(store.outbox.packs()) == 1


def test_a_refusal_is_no_reason_to_queue():
    backend = counted("b")
    store = opened(backend)
    backend.fail(1, method="put", error=lambda: BackendUnavailable("no right", kind="denied"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BackendUnavailable, match="no right"):
            store.save(sample_run("a"))
    assert store.outbox.packs() == []


def test_a_deletion_is_never_queued():
    backend = counted("b")
    store = opened(backend)
    store.save(sample_run("a"))
    store.count()
    cut(backend)
    with pytest.raises(BackendUnavailable):
        store.delete("a")


@pytest.mark.parametrize("days", [-30, 30])
def test_a_machine_whose_clock_is_wrong_goes_by_the_storages(days):
    wrong = counted("b")
    wrong.inner.ahead_ms = days * 86_400_000  # seen from a machine that is as far behind

    def stamp_ms(store, run_id):
        (header,) = [h for h in store.headers() if h.run_id == run_id]
        return header.stamp >> 16

    elsewhere = opened(wrong, cache_dir=os.devnull)
    elsewhere.save(sample_run("b"))
    assert abs(stamp_ms(elsewhere, "b") - wrong.inner.now_ms()) < 60_000


def test_two_remote_stores_talk_to_each_other():
    here, there = opened(), opened(RemoteMemory("b", "there"))
    here.save(sample_run("a"))
    here.baselines.set("main", "a")
    transfer(here, there)
    check_store(there, {"a": sample_run("a")})
    before = len(calls(here))
    transfer(here, there)
    assert calls(here)[before:] == ["names", "list"]

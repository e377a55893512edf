"""What waits on a machine, and how it gets away."""

import random

import pytest

from graven.errors import BackendUnavailable, GravenWarning, QueuedWarning
from graven.store import Store
from graven.sync.delivery import deliver, waiting
from graven.sync.transfer import SyncReport, transfer
from graven.testing.invariants import check_store
from graven.testing.remote import RemoteMemory, counted
from graven.testing.runs import sample_run

pytestmark = pytest.mark.usefixtures("machine")


def opened(backend=None, **options):
    return Store("unused", backend=backend or RemoteMemory("b"), **options)


def queue(*names, **fields):
    """Save runs while the network is away."""
    backend = counted("b")
    store = opened(backend)
    for nth in range(1, 400):
        backend.fail(nth, error=lambda: BackendUnavailable("cannot reach it", kind="unreachable"))
    for name in names:
        with pytest.warns(QueuedWarning):
            store.save(sample_run(name, **fields))
    return store


def test_what_waits_is_counted_without_asking_the_store():
    opened()
    store = queue("a", "b")
    asked = len(store.parts.backend.inner.calls)
    assert waiting(store).to_dict() == {"packs": 2, "runs": 2}
    assert len(store.parts.backend.inner.calls) == asked
    assert waiting(opened(readonly=True)).runs == 2
    assert waiting(opened(offline=True)).runs == 2


def test_a_local_store_has_nothing_waiting(tmp_path):
    store = Store(tmp_path / "store")
    assert waiting(store).packs == 0
    assert deliver(store) == SyncReport()


def test_each_machine_sends_its_own(machine):
    opened()
    queue("a")
    machine("other")
    assert waiting(opened()).packs == 0
    queue("b")
    assert deliver(opened()).runs == ["b"]
    machine("this")
    assert waiting(opened()).runs == 1
    assert deliver(opened()).runs == ["a"]
    check_store(opened(), {name: sample_run(name) for name in "ab"})


def test_two_machines_that_queued_one_run_agree(machine):
    opened()
    queue("a", branch="this")
    machine("other")
    queue("a", branch="other")
    deliver(opened())
    machine("this")
    deliver(opened())
    here = opened().load("a").branch
    machine("other")
    assert opened().load("a").branch == here == "other"  # the later write


def test_what_another_queues_meanwhile_stays():
    opened()
    queue("a")
    store = opened()
    packs = store.outbox.packs
    first = packs()

    def during():
        found = packs()
        queue("b")
        store.outbox.packs = packs
        return found

    store.outbox.packs = during
    deliver(store)
    left = store.outbox.packs()
    assert len(left) == 1
    assert left != first
    assert deliver(opened()).runs == []  # it went along, and is known to be there
    assert store.outbox.packs() == []
    check_store(opened(), {name: sample_run(name) for name in "ab"})


def test_a_copy_elsewhere_does_not_get_what_waits_for_the_original():
    original = opened()
    queue("a")
    copy = RemoteMemory("b", "there")
    for entry in list(original.parts.backend.list("")):
        copy.put(entry.key, original.parts.backend.get(entry.key))
    assert waiting(opened(copy)).packs == 0
    assert deliver(opened(copy)).runs == []
    assert waiting(opened()).packs == 1


def test_a_store_opened_read_only_delivers_nothing():
    opened()
    queue("a")
    with pytest.raises(BackendUnavailable):
        deliver(opened(readonly=True))
    assert waiting(opened()).packs == 1


def test_a_deletion_that_came_first_does_not_undo_a_later_save():
    store = opened()
    store.save(sample_run("a"))
    store.count()
    store.delete("a")
    opened().count()
    queue("a", branch="new")
    deliver(opened())
    assert opened().load("a").branch == "new"


def test_what_waits_for_a_store_that_was_made_anew_is_not_forgotten():
    opened()
    stray = queue("a").outbox.path
    RemoteMemory("b").delete("store.json")
    opened().parts.client.memo.forget()
    store = opened()
    assert store.outbox.path != stray
    for ask in (waiting, deliver):
        with pytest.warns(GravenWarning, match="for another store that was at") as told:
            ask(store)
        assert stray in str(told[0].message)
    assert transfer(Store(stray, create=False), store).runs == ["a"]


def test_a_batch_that_counts_on_a_file_of_the_store_cannot_wait():
    # The file of an equal table may be gone when the network is back.
    pa = pytest.importorskip("pyarrow")
    rows = [bytes([n]) * 9000 + random.Random(n).randbytes(9000) for n in range(130)]
    table = pa.table({"x": rows})
    store = opened()
    store.save(sample_run("a"))
    store.put_table("a", "t", table)
    backend = counted("b")
    store = opened(backend)
    with (
        pytest.raises(BackendUnavailable, match="cannot reach it"),
        store.batch() as batch,
    ):
        batch.save(sample_run("b"))
        batch.put_table("b", "t", table)
        for nth in range(1, 400):
            backend.fail(
                nth, error=lambda: BackendUnavailable("cannot reach it", kind="unreachable")
            )
    assert waiting(opened()).packs == 0

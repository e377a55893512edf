"""Writers and plans: what is condemned is not counted on, and old decisions are refused."""

import pytest

from graven import Store
from graven.errors import BackendUnavailable, NotFound
from graven.formats import layout
from graven.ids import hash_bytes
from graven.refs.guarded import GuardedRefs
from graven.store.session import Intent
from graven.sync.transfer import transfer
from graven.testing.invariants import check_nothing_damaged, check_runs_load
from graven.testing.runs import sample_run
from graven.upkeep.gc import collect
from graven.upkeep.repack import repack

DAY = 86_400.0


def sweep(open_store, time, seconds=DAY + 1):
    time.forward(seconds)
    return collect(open_store()).swept


def condemn_a_deleted_run(open_store, **attachments):
    store = open_store()
    store.save(sample_run("run-000"))
    for name, data in attachments.items():
        store.attach("run-000", f"artifacts/{name}", data)
    open_store().save(sample_run("other", environment={"cpu": "x"}))
    open_store().delete("run-000")
    assert collect(open_store()).condemned


def test_restore_within_the_grace_is_written_anew_and_outlives_the_sweep(open_store, time):
    large = bytes(range(256)) * 9000
    condemn_a_deleted_run(open_store, small=b"small", large=large)
    store = open_store()
    assert store.parts.session.condemned
    store.restore("run-000")
    swept = sweep(open_store, time)
    assert swept.spared == []  # all of it has a new home
    assert len(swept.deleted) >= 3
    store = open_store()
    assert store.load("run-000") == sample_run("run-000")
    assert store.read_attachment("run-000", "artifacts/small") == b"small"
    assert store.read_attachment("run-000", "artifacts/large") == large
    check_nothing_damaged(store)


def test_restore_without_plans_writes_no_object_again(open_store, place):
    store = open_store()
    store.save(sample_run("run-000"))
    store.delete("run-000")
    objects = store.stats().copies
    open_store().restore("run-000")
    assert open_store().stats().copies == objects


def test_restore_says_so_when_a_part_is_gone(open_store, place, time):
    store = open_store()
    store.save(sample_run("first"))
    (with_shared,) = (n for n in place.names(layout.PACKS) if n.endswith(".pack"))
    store.save(sample_run("second"))  # environment and definitions stand in the other pack
    store.delete("second")
    place.delete(layout.pack_key(with_shared))
    with pytest.raises(NotFound, match="its objects are gone"):
        open_store().restore("second")


def test_a_restore_that_was_decided_long_ago_is_refused(open_store, time, monkeypatch):
    condemn_a_deleted_run(open_store)
    store = open_store()
    real = type(store.parts.session)._stamp

    def suspended(self, intents):
        time.forward(DAY / 2 + 60)
        return real(self, intents)

    monkeypatch.setattr(type(store.parts.session), "_stamp", suspended)
    with pytest.raises(BackendUnavailable) as caught:
        store.restore("run-000")
    assert caught.value.kind == "session-old"
    monkeypatch.undo()
    open_store().restore("run-000")


def test_a_baseline_of_a_condemned_object_gets_it_written_anew(open_store, time):
    store = open_store()
    store.save(sample_run("run-000"))
    old = store.headers()[0].object_id
    store.save(sample_run("run-000", 2.0, environment={"cpu": "new"}))
    assert collect(open_store()).condemned
    store = open_store()
    store.baselines.set("main", old)
    assert sweep(open_store, time).spared == []
    assert open_store().load_rev("main") == sample_run("run-000")
    check_runs_load(open_store())


def test_a_baseline_that_was_decided_long_ago_is_refused(open_store, time, monkeypatch):
    store = open_store()
    store.save(sample_run("run-000"))
    real = GuardedRefs._next

    def suspended(self, *args):
        time.forward(DAY / 2 + 60)
        return real(self, *args)

    monkeypatch.setattr(GuardedRefs, "_next", suspended)
    with pytest.raises(BackendUnavailable) as caught:
        store.baselines.set("main", "run-000")
    assert caught.value.kind == "session-old"
    monkeypatch.undo()
    assert open_store().baselines.names() == []


def test_a_push_sends_what_stands_only_in_condemned_packs(open_store, time, tmp_path):
    near = Store(tmp_path / "near", durable=False, views="none")
    data = b"the same bytes" * 1000
    near.save(sample_run("kept"))
    near.attach("kept", "artifacts/data", data)
    far = open_store()
    far.save(sample_run("run-000"))
    far.attach("run-000", "artifacts/data", data)
    open_store().delete("run-000")
    assert collect(open_store()).condemned
    transfer(near, open_store())
    assert sweep(open_store, time).spared == []
    assert open_store().read_attachment("kept", "artifacts/data") == data
    check_nothing_damaged(open_store())


def test_a_push_that_takes_too_long_is_refused_and_can_be_repeated(
    open_store, time, tmp_path, monkeypatch
):
    near = Store(tmp_path / "near", durable=False, views="none")
    near.save(sample_run("run-000"))
    far = open_store()
    session = type(far.parts.session)
    real = session._ticks

    def suspended(self, count):
        time.forward(DAY / 2 + 60)
        return real(self, count)

    far.save(sample_run("shares", 5.0))  # environment and definitions are there
    far = open_store()
    monkeypatch.setattr(session, "_ticks", suspended)
    with pytest.raises(BackendUnavailable) as caught:
        transfer(near, far)
    assert caught.value.kind == "session-old"
    monkeypatch.undo()
    assert transfer(near, open_store()).runs == ["run-000"]


def test_an_old_decision_does_not_hold_up_those_who_share_its_pack(store):
    session = store.parts.session
    store.save(sample_run("run-000"))
    with pytest.raises(BackendUnavailable) as caught:
        session.commit([], [Intent(layout.run_ref("x"), hash_bytes(b"x"))], since=-1e9)
    assert caught.value.kind == "session-old"
    store.save(sample_run("run-001"))
    assert store.count() == 2


def test_attachments_do_not_count_on_condemned_chunks(open_store, time):
    large = bytes(range(256)) * 9000
    condemn_a_deleted_run(open_store, large=large)
    store = open_store()
    store.attach("other", "artifacts/large", large)
    assert sweep(open_store, time).spared == []
    assert open_store().read_attachment("other", "artifacts/large") == large
    check_nothing_damaged(open_store())


def test_plans_cost_a_writer_a_request_each_and_none_without(open_store, place):
    from graven.testing.faulty import FaultyBackend

    condemn_a_deleted_run(open_store)
    faulty = FaultyBackend(place)
    store = open_store(backend=faulty)
    store.save(sample_run("run-009"))
    asked = [call for call in faulty.calls if "plan-" in call[1]]
    assert len(asked) == 1
    store.save(sample_run("run-010"))
    assert len([call for call in faulty.calls if "plan-" in call[1]]) == 1


def test_a_session_sees_new_plans_when_it_has_grown_old(open_store, time):
    store = open_store()
    store.save(sample_run("run-000"))
    assert not store.parts.session.condemned
    open_store().delete("run-000")
    assert collect(open_store()).condemned
    assert not store.parts.session.condemned
    time.forward(DAY / 2 + 1)
    store.save(sample_run("run-001"))
    assert store.parts.session.condemned


def test_a_repack_beside_a_writer_who_counts_on_the_small_packs(open_store, time):
    store = open_store()
    store.save(sample_run("run-000"))
    store.save(sample_run("run-001"))
    assert repack(open_store()).merged
    sweep(open_store, time, 601)
    store.save(sample_run("run-002"))  # its environment stood in a pack that is gone
    assert [run.id for run in open_store().list_runs()] == ["run-002", "run-001", "run-000"] or {
        run.id for run in open_store().list_runs()
    } == {"run-000", "run-001", "run-002"}
    check_nothing_damaged(open_store())

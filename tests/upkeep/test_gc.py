"""The collector's two visits: what goes, what stays, and what stops it."""

import pytest

from graven.errors import BackendUnavailable, Corrupt, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import hash_bytes
from graven.testing.invariants import check_nothing_damaged, check_runs_load
from graven.testing.runs import sample_run
from graven.upkeep.gc import collect
from graven.upkeep.listing import look_over
from graven.upkeep.sweep import sweep

HOUR = 3600.0
DAY = 24 * HOUR


def fill(store, count, first=0, **fields):
    for number in range(first, first + count):
        store.save(sample_run(f"run-{number:03d}", float(number), minute=number, **fields))


def packs(place):
    return sorted(n for n in place.names(layout.PACKS) if n.endswith(".pack"))


def plans(place):
    return sorted(n for n in place.names(layout.PACKS) if n.startswith("plan-"))


def sweep_all(open_store, time):
    """Let all that is condemned go, and the plans too."""
    collect(open_store())
    time.forward(DAY + 1)
    collect(open_store())
    time.forward(DAY / 2 + 1)
    return collect(open_store())


def test_deleted_runs_go_after_two_visits_and_nothing_else(open_store, place, time):
    fill(open_store(), 10)
    for number in range(5):
        open_store().delete(f"run-{number:03d}")
    before = packs(place)
    first = collect(open_store())
    assert first.condemned
    assert set(before) <= set(packs(place))
    time.forward(DAY - 60)
    assert collect(open_store()).swept.deleted == []
    time.forward(120)
    swept = collect(open_store()).swept
    assert sorted(swept.deleted) == sorted(first.condemned)
    assert swept.spared == []
    store = open_store()
    assert [run.id for run in store.list_runs()] == [f"run-{n:03d}" for n in range(9, 4, -1)]
    check_runs_load(store)
    check_nothing_damaged(store)
    with pytest.raises(NotFound, match="gone"):
        store.restore("run-000")


def test_a_dry_run_says_the_same_and_changes_nothing(open_store, place):
    fill(open_store(), 4)
    open_store().delete("run-001")
    before = {entry.key for entry in place.list("")}
    planned = collect(open_store(), dry_run=True)
    assert {entry.key for entry in place.list("")} == before
    done = collect(open_store())
    assert planned.condemned == done.condemned
    assert planned.rewritten == done.rewritten


def test_a_store_without_garbage_gets_no_plan(open_store, place):
    fill(open_store(), 5)
    report = collect(open_store())
    assert report.condemned == []
    assert report.kept == 5
    assert plans(place) == []


def test_plan_and_done_file_go_half_a_grace_later_the_plan_first(open_store, place, time):
    fill(open_store(), 3)
    open_store().delete("run-001")
    collect(open_store())
    time.forward(DAY + 1)
    collect(open_store())
    assert len(plans(place)) == 2
    time.forward(DAY / 2 - 60)
    collect(open_store())
    assert len(plans(place)) == 2
    time.forward(120)
    assert collect(open_store()).swept.removed == 1
    assert plans(place) == []


def test_floors_are_carried_so_that_a_late_clone_brings_nothing_back(open_store, time, tmp_path):
    from graven import Store
    from graven.sync.transfer import transfer

    fill(open_store(), 3)
    clone = Store(tmp_path / "clone", durable=False, views="none")
    transfer(open_store(), clone)
    store = open_store()
    store.attach("run-001", "logs/x", b"before")
    store.delete("run-001")
    store.save(sample_run("run-001", 7.0))  # again, above the floor
    open_store().delete("run-002")
    sweep_all(open_store, time)
    transfer(clone, open_store())
    store = open_store()
    assert [h.run_id for h in store.headers()] == ["run-001", "run-000"] or {
        h.run_id for h in store.headers()
    } == {"run-000", "run-001"}
    assert store.load("run-001").points[0].metrics["time"].value == 7.0
    assert store.attachments("run-001") == []


def test_baselines_keep_their_runs_and_their_history(open_store, time):
    store = open_store()
    fill(store, 4)
    for number in range(4):
        store.baselines.set("main", f"run-{number:03d}")
    for number in range(3):
        store.delete(f"run-{number:03d}", force=True)
    sweep_all(open_store, time)
    store = open_store()
    assert [value.run for value in store.baselines.history("main")] == [
        "run-003",
        "run-002",
        "run-001",
        "run-000",
    ]
    assert store.load_rev("main~3").id == "run-000"
    check_runs_load(store)


def test_values_before_the_last_twenty_keep_no_run(open_store, time):
    store = open_store()
    fill(store, 24)
    for number in range(24):
        store.baselines.set("main", f"run-{number:03d}")
    for number in range(23):
        store.delete(f"run-{number:03d}", force=True)
    sweep_all(open_store, time)
    store = open_store()
    assert len(store.baselines.history("main")) == 24
    assert store.load_rev("main~19").id == "run-004"
    with pytest.raises(NotFound):
        store.load_rev("main~20")
    assert collect(open_store()).condemned == []  # what is pruned does not stop it


def test_attachments_go_with_their_run_and_live_with_it(open_store, time):
    store = open_store()
    fill(store, 2)
    large = bytes(range(256)) * 20_000
    for number in range(2):
        store.attach(f"run-{number:03d}", "artifacts/large", large + bytes([number]) * 1_500_000)
    store.delete("run-000")
    report = sweep_all(open_store, time)
    assert report.condemned == []
    store = open_store()
    assert store.read_attachment("run-001", "artifacts/large")[: len(large)] == large
    assert store.stats().pack_bytes < 4_000_000
    check_nothing_damaged(store)


def test_an_attachment_above_the_floor_of_a_deleted_run_stays(open_store, time):
    ann, bob = open_store(), open_store()
    fill(ann, 1)
    bob.headers()
    ann.delete("run-000")
    time.forward(1)
    item = bob.attach  # by a client that has not seen the deletion
    bob._header = lambda run_id: ann.headers(include_deleted=True)[0]._replace(deleted=False)
    item("run-000", "logs/late", b"late")
    sweep_all(open_store, time)
    open_store().save(sample_run("run-000", 2.0))
    assert open_store().read_attachment("run-000", "logs/late") == b"late"


def test_a_transaction_under_way_is_let_alone_for_an_hour(open_store, place, time):
    fill(open_store(), 1)
    open_store().put_object(b"nobody names it" * 10)
    assert collect(open_store()).condemned == []
    time.forward(HOUR + 1)
    assert len(collect(open_store()).condemned) == 1


def damage(place, name, at):
    key = layout.pack_key(name)
    data = bytearray(place.get(key))
    data[at] ^= 255
    place.put(key, bytes(data))


def test_a_pack_that_cannot_be_read_stops_it(open_store, place):
    fill(open_store(), 3)
    open_store().delete("run-001")
    damage(place, packs(place)[0], -40)  # in its metadata
    with pytest.raises(Corrupt, match="cannot be read whole") as caught:
        collect(open_store())
    assert packs(place)[0] in caught.value.message
    assert plans(place) == []


def test_a_record_that_cannot_be_read_stops_it(open_store, place):
    store = open_store()
    store.save(sample_run("run-000"))
    name = packs(place)[0]
    frame = store.show_pack(name).frames[-1]  # the run's
    damage(place, name, frame["offset"] + 30)
    open_store().save(sample_run("run-001"))
    open_store().delete("run-001")
    with pytest.raises(Corrupt, match="cannot be read, so what it needs is not known"):
        collect(open_store())
    assert plans(place) == []


def test_a_missing_record_stops_it(open_store, place, time):
    fill(open_store(), 2)
    first = packs(place)[0]
    data = place.get(layout.pack_key(first))
    fill(open_store(), 1, first=5)
    open_store().set_baseline("run-000")
    place.delete(layout.pack_key(first))
    with pytest.raises(Corrupt, match="needed and missing"):
        collect(open_store())
    place.put(layout.pack_key(first), data)
    assert collect(open_store()).condemned == []


def test_a_plan_that_cannot_be_read_stops_gc_and_makes_writers_count_on_nothing(
    open_store, place, time
):
    fill(open_store(), 1)
    place.put(layout.PACKS + layout.plan_name("0" * 32), b"{")
    with pytest.raises(Corrupt, match="plan"):
        collect(open_store())
    store = open_store()
    assert "any pack at all" in store.parts.session.condemned
    store.delete("run-000")
    store.restore("run-000")  # written anew
    assert len(packs(place)) >= 3
    with_run = [p for p in store.packs() if p.objects >= 3]
    assert len(with_run) == 2


def test_a_place_without_a_clock_gets_no_gc(open_store, place):
    from dataclasses import replace

    fill(open_store(), 1)
    store = open_store()
    place.capabilities = replace(place.capabilities, trusted_clock=False)
    with pytest.raises(BackendUnavailable, match="tells no time") as caught:
        collect(store)
    assert caught.value.kind == "no-clock"


def test_a_shorter_grace_is_refused(open_store):
    with pytest.raises(InvalidInput, match="below the store's"):
        collect(open_store(), grace_seconds=60)


def test_a_longer_grace_is_kept_to(open_store, time):
    fill(open_store(), 2)
    open_store().delete("run-001")
    assert collect(open_store(), grace_seconds=3 * 86_400).condemned
    time.forward(2 * DAY)
    assert collect(open_store()).swept.deleted == []
    time.forward(DAY + 1)
    assert collect(open_store()).swept.deleted


def test_an_object_that_is_a_blob_here_and_a_record_there_keeps_what_it_names(
    open_store, place, time
):
    store = open_store()
    store.save(sample_run("run-000"))
    run_object = store.headers()[0].object_id
    record = store.get_object(run_object)
    other = open_store()
    other.save(sample_run("run-001", environment={"cpu": "another"}))
    other.attach("run-001", "artifacts/copy", record)  # the run's own bytes
    for number in range(40):  # the other pack weighs more
        other.attach("run-001", f"artifacts/{number}", bytes([number]) * 500)
    store.attach("run-000", "artifacts/gone", b"x" * 5000)
    sweep_all(open_store, time)
    assert open_store().load("run-000") == sample_run("run-000")
    check_nothing_damaged(open_store())


def test_two_collectors_that_each_condemn_what_the_other_keeps_take_nothing(
    open_store, place, time
):
    from graven.formats.plan import Plan
    from graven.upkeep.plans import condemn

    store = open_store()
    store.save(sample_run("run-000"))
    (first,) = packs(place)
    place.put(layout.pack_key(layout.pack_name(2**62, hash_bytes(b"copy"))), b"")
    place.delete(layout.pack_key(layout.pack_name(2**62, hash_bytes(b"copy"))))
    # The same pack a second time, under another stamp.
    second = layout.pack_name(2**60, layout.parse_pack_name(first).digest)
    place.put(layout.pack_key(second), place.get(layout.pack_key(first)))
    condemn(place, Plan("repack", 600, (first,)))
    condemn(place, Plan("gc", 600, (second,)))
    time.forward(601)
    swept = collect(open_store()).swept
    assert swept.deleted == []
    assert len(swept.spared) == 2
    assert open_store().load("run-000") == sample_run("run-000")


def test_what_became_alive_within_the_grace_is_spared(open_store, place, time):
    store = open_store()
    store.save(sample_run("run-000"))
    store.delete("run-000")
    collect(open_store())
    assert look_over(place).condemned
    # A writer of before the plan, who refers to what stands there.
    item = store.headers(include_deleted=True)
    assert item
    store.restore("run-000")
    time.forward(DAY + 1)
    swept = collect(open_store()).swept
    assert swept.spared
    assert open_store().load("run-000") == sample_run("run-000")


def test_what_never_ended_is_removed(open_store, place, time):
    fill(open_store(), 1)
    place.put("probe/" + "0" * 32 + "/swap", b"x")
    collect(open_store())
    assert list(place.list("probe/"))
    time.forward(DAY + 1)
    assert collect(open_store()).swept.temporaries == 1
    assert not list(place.list("probe/"))


def test_loose_objects_that_nothing_names_go_the_same_way(open_store, place, time):
    from graven.objects.loose import write_loose

    fill(open_store(), 1)
    key = write_loose(place, hash_bytes(b"table"), b"table")
    assert collect(open_store()).condemned == []
    time.forward(HOUR + 1)
    assert collect(open_store()).condemned == [key]
    time.forward(DAY + 1)
    assert collect(open_store()).swept.deleted == [key]
    assert place.head(key) is None


def test_a_sweep_that_took_too_long_goes_on_the_next_time(open_store, place, time, monkeypatch):
    fill(open_store(), 3)
    for number in range(3):
        open_store().delete(f"run-{number:03d}")
    planned = collect(open_store())
    time.forward(DAY + 1)
    real = type(place).delete

    def slow(self, key):
        real(self, key)
        time.forward(DAY)

    monkeypatch.setattr(type(place), "delete", slow)
    swept = collect(open_store()).swept
    assert swept.unfinished == 1
    assert len(swept.deleted) == 1
    monkeypatch.undo()
    later = collect(open_store()).swept
    assert sorted(swept.deleted + later.deleted) == sorted(planned.condemned)


def test_the_last_good_copy_is_spared(open_store, place, time):
    """What was merged is damaged before the sweep: an index alone is no proof."""
    fill(open_store(), 4)
    before = packs(place)
    report = open_store().repack()
    assert len(report.merged) == 4
    (merged,) = set(packs(place)) - set(before)
    frame = open_store().show_pack(merged).frames[-1]  # the runs'
    damage(place, merged, frame["offset"] + 30)
    time.forward(DAY)
    swept = sweep(open_store().parts.backend, open_store().grace_seconds)
    assert swept.deleted == []
    assert sorted(swept.spared) == [layout.pack_key(name) for name in before]
    check_runs_load(open_store())

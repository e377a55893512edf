"""Many packs into few: nothing is lost, whoever is at work, and nothing is believed unread."""

import pytest

from graven import Store
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, Corrupt, InvalidInput
from graven.formats import layout
from graven.formats.plan import Plan
from graven.store.session import Session
from graven.testing.invariants import check_nothing_damaged, check_runs_load
from graven.testing.runs import sample_run
from graven.upkeep.gc import collect
from graven.upkeep.plans import condemn
from graven.upkeep.repack import GRACE_SECONDS, repack

DAY = 86_400.0


def fill(open_store, count, first=0):
    for number in range(first, first + count):
        open_store().save(sample_run(f"run-{number:03d}", float(number), minute=number))


def packs(place):
    return sorted(n for n in place.names(layout.PACKS) if n.endswith(".pack"))


def facts(store):
    return [(r.name, r.target, r.stamp, r.floor, r.note) for r in store.iter_refs()]


def past(store):
    return store._index.ask(
        lambda catalog: sorted(
            catalog.rows(
                "SELECT p.name, p.stamp, w.id, p.target, p.header FROM past p"
                " JOIN writer w ON w.n = p.writer"
            )
        )
    )


def test_all_updates_and_objects_stand_in_one_pack_and_the_small_ones_go(open_store, place, time):
    fill(open_store, 12)
    store = open_store()
    store.save(sample_run("run-003", 9.0))
    store.delete("run-004")
    store.attach("run-005", "logs/x", b"x" * 5000)
    before, history, objects = facts(open_store()), past(open_store()), store.stats().objects
    report = repack(open_store())
    assert (len(report.merged), report.packs) == (15, 1)
    assert report.new_bytes < report.bytes
    assert len(packs(place)) == 16
    assert facts(open_store()) == before
    time.forward(GRACE_SECONDS + 1)
    assert len(repack(open_store()).swept.deleted) == 15
    assert len(packs(place)) == 1
    store = open_store()
    assert facts(store) == before
    assert past(store) == history
    assert store.stats().objects == objects
    store.restore("run-004")  # what is dead was copied too
    check_runs_load(store)
    check_nothing_damaged(store)


def test_it_does_nothing_twice(open_store, place):
    fill(open_store, 5)
    assert repack(open_store()).merged
    before = place.names(layout.PACKS)
    again = repack(open_store())
    assert again.merged == []
    assert sorted(place.names(layout.PACKS)) == sorted(before)


@pytest.fixture
def far_reader(place, open_store, tmp_path):
    """A client of a bucket, who looks for new packs once an hour."""

    def far_reader():
        backend = MemoryBackend(place.url.removeprefix("memory://"))
        backend.remote = True
        return open_store(backend, refresh_every=3600.0, cache_dir=str(tmp_path / "far"))

    return far_reader


def repack_and_sweep(open_store, time):
    repack(open_store())
    time.forward(GRACE_SECONDS + 1)
    assert repack(open_store()).swept.deleted


def test_a_reader_that_was_there_before_finds_what_has_moved(open_store, far_reader, time):
    fill(open_store, 30)
    reader = far_reader()
    iterator = reader.iter_runs()
    assert next(iterator).id == "run-029"
    repack_and_sweep(open_store, time)
    assert [run.id for run in iterator] == [f"run-{n:03d}" for n in range(28, -1, -1)]
    assert reader.load("run-000") == sample_run("run-000", 0.0)


def test_trends_find_what_has_moved(open_store, far_reader, time):
    fill(open_store, 6)
    reader = far_reader()
    assert reader.count() == 6
    repack_and_sweep(open_store, time)
    series = reader.extract_trend("time", "sort/quick", {})
    assert [point.value for point in series.points] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [point.lower for point in series.points] == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5]


def test_a_push_finds_what_has_moved_at_its_source(open_store, far_reader, time, tmp_path):
    from graven.sync.transfer import transfer

    fill(open_store, 4)
    open_store().attach("run-002", "artifacts/large", bytes(range(256)) * 9000)
    source = far_reader()
    assert source.count() == 4
    repack_and_sweep(open_store, time)
    target = Store(tmp_path / "t", durable=False, views="none")
    report = transfer(source, target)
    assert not report.failed
    assert target.count() == 4


def test_attachments_that_have_moved_are_found(open_store, far_reader, time):
    fill(open_store, 1)
    large = bytes(range(256)) * 9000
    open_store().attach("run-000", "artifacts/large", large)
    open_store().attach("run-000", "artifacts/small", b"small")
    reader = far_reader()
    assert len(reader.attachments("run-000")) == 2
    repack_and_sweep(open_store, time)
    assert reader.read_attachment("run-000", "artifacts/large") == large
    assert reader.read_attachment("run-000", "artifacts/small") == b"small"


def test_a_damaged_pack_is_left_alone(open_store, place):
    fill(open_store, 4)
    hurt = layout.pack_key(packs(place)[1])
    data = bytearray(place.get(hurt))
    data[60] ^= 1
    place.put(hurt, bytes(data))
    report = repack(open_store())
    assert report.left == [hurt]
    assert hurt not in report.merged
    assert len(report.merged) == 3


def test_what_is_condemned_is_left_alone(open_store, place):
    fill(open_store, 4)
    first, second, *_ = packs(place)
    condemn(place, Plan("gc", 86_400, (first, second)))
    merged = repack(open_store()).merged
    assert layout.pack_key(first) not in merged
    assert len(merged) == 2


def test_what_comes_back_otherwise_than_written_condemns_nothing(open_store, place, monkeypatch):
    fill(open_store, 4)
    real = Session._write

    def lying(self, stamp, data):
        name = real(self, stamp, data)
        key = layout.pack_key(name)
        hurt = bytearray(place.get(key))
        hurt[70] ^= 1
        place.put(key, bytes(hurt))
        return name

    store = open_store()
    monkeypatch.setattr(Session, "_write", lying)
    with pytest.raises(Corrupt):
        repack(store)
    assert not any(n.startswith("plan-") for n in place.names(layout.PACKS))


def test_new_packs_that_a_collector_has_condemned_replace_nothing(open_store, place, monkeypatch):
    from graven.upkeep import repack as module

    fill(open_store, 4)
    real = module.look_over

    def with_a_collector(backend, **how):
        new = packs(place)[-1]
        condemn(place, Plan("gc", 86_400, (new,)))
        return real(backend, **how)

    calls = []

    def look(backend, **how):
        calls.append(1)
        return with_a_collector(backend, **how) if len(calls) == 2 else real(backend, **how)

    monkeypatch.setattr(module, "look_over", look)
    with pytest.raises(BackendUnavailable, match="condemned while they were written"):
        repack(open_store())
    assert sum(n.startswith("plan-") for n in place.names(layout.PACKS)) == 1


def test_a_repacker_that_slept_writes_no_plan(open_store, place, time, monkeypatch):
    from graven.upkeep import repack as module

    fill(open_store, 4)
    real = module.look_over
    calls = []

    def look(backend, **how):
        calls.append(1)
        found = real(backend, **how)
        if len(calls) == 2:
            time.forward(DAY)
        return found

    monkeypatch.setattr(module, "look_over", look)
    with pytest.raises(BackendUnavailable) as caught:
        repack(open_store())
    assert caught.value.kind == "session-old"
    assert not any(n.startswith("plan-") for n in place.names(layout.PACKS))


def test_two_repackers_at_once_do_no_harm(open_store, place, time, monkeypatch):
    from graven.upkeep import repack as module

    fill(open_store, 6)
    real = module._condemn

    def after_another(store, taken, written):
        monkeypatch.setattr(module, "_condemn", real)
        repack(open_store())
        real(store, taken, written)

    monkeypatch.setattr(module, "_condemn", after_another)
    with pytest.raises(BackendUnavailable, match="condemned while they were written"):
        repack(open_store())  # the other took its new pack along
    for _ in range(3):
        time.forward(DAY)
        repack(open_store())
        collect(open_store())
    store = open_store()
    assert store.count() == 6
    check_nothing_damaged(store)


def test_gc_and_repack_by_turns_keep_what_lives(open_store, place, time):
    fill(open_store, 9)
    for number in range(0, 9, 2):
        open_store().delete(f"run-{number:03d}")
        repack(open_store())
        collect(open_store())
        time.forward(DAY / 3)
    for _ in range(8):
        time.forward(DAY / 2 + 1)
        collect(open_store())
        repack(open_store())
    store = open_store()
    assert [h.run_id for h in store.headers()] == ["run-007", "run-005", "run-003", "run-001"]
    assert len(store.headers(include_deleted=True)) == 9
    assert len(packs(place)) <= 2
    check_runs_load(store)
    check_nothing_damaged(store)


def test_the_level_is_the_writers_choice_and_all_packs_can_be_taken(open_store, place, time):
    store = open_store()
    text = b"".join(b"line %d of a text that shrinks\n" % n for n in range(200_000))
    store.save(sample_run("run-000"))
    store.attach("run-000", "artifacts/text", text)
    quick = sum(entry.size for entry in place.list(layout.PACKS))
    repack(open_store(), level=19, every=True)
    time.forward(GRACE_SECONDS + 1)
    repack(open_store())
    assert sum(e.size for e in place.list(layout.PACKS) if e.key.endswith(".pack")) < quick * 0.9
    assert open_store().read_attachment("run-000", "artifacts/text") == text
    with pytest.raises(InvalidInput, match="no such level"):
        repack(open_store(), level=20)


def test_one_name_of_many_writers_keeps_its_winner(open_store, place, time):
    for number in range(5):
        open_store().save(sample_run("run-000", float(number)))
    before = facts(open_store())
    repack(open_store())
    time.forward(GRACE_SECONDS + 1)
    repack(open_store())
    assert facts(open_store()) == before
    assert open_store().load("run-000").points[0].metrics["time"].value == 4.0

"""A store whose files are moved, replaced or unreadable while a program has it open."""

import os
import shutil
import threading
import warnings

import pytest

from graven import Metric, Point, Run, Store
from graven.errors import BackendUnavailable, Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.objects import reader as object_reader
from graven.store import writing
from graven.store.base import GravenWarning


def make(number, **more):
    point = Point(name="p", scenario="s", metrics={"t": Metric(value=float(number))})
    return Run(id=f"run-{number:04}", points=(point,), environment={"cpu": "one"}, **more)


def test_a_store_made_anew_under_an_open_handle_keeps_what_is_saved(open_store):
    store = open_store()
    store.save(make(0))
    shutil.rmtree(store.path)
    open_store()
    store.save(make(1))
    again = open_store()
    assert again.load("run-0001") == store.load("run-0001")
    assert again.fsck("full").ok


def test_packs_restored_from_an_older_copy_keep_what_is_saved(open_store):
    store = open_store()
    for pack in [store.save(make(0)), *(store.path / "packs").iterdir()]:
        pack.unlink()
    store.save(make(1))
    assert open_store().load("run-0001").environment == {"cpu": "one"}
    assert open_store().fsck("full").ok


@pytest.mark.parametrize("way", ["save", "batch"])
def test_a_store_that_is_gone_takes_nothing(store, tmp_path, way):
    store.save(make(0))
    store.path.rename(tmp_path / "elsewhere")
    with pytest.raises(NotFound) as caught:
        if way == "save":
            store.save(make(1))
        else:
            with store.batch() as batch:
                batch.save(make(1))
    assert caught.value.kind == "store-missing"
    assert [run.id for run in Store(tmp_path / "elsewhere").list_runs()] == ["run-0000"]


@pytest.fixture
def sick(open_store, monkeypatch):
    """Three runs in three packs; reading the second fails as a bad sector does."""
    store = open_store()
    for number in range(3):
        store.save(make(number))
    bad = sorted(os.listdir(store.path / "packs"))[1]
    backend = type(store._backend)
    state = {"kind": "io-error"}

    def failing(name):
        real = getattr(backend, name)

        def read(self, key, *rest):
            if key == layout.pack_key(bad) and state["kind"]:
                raise BackendUnavailable("cannot read it", kind=state["kind"])
            return real(self, key, *rest)

        return read

    for name in ("get", "get_range", "get_ranges", "get_tail"):
        monkeypatch.setattr(backend, name, failing(name))
    return store, bad, state


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("kind", ["io-error", "denied"])
def test_a_pack_that_cannot_be_read_stops_only_its_runs(sick, open_store, warm, kind):
    store, bad, state = sick
    if warm:
        state["kind"] = None
        assert store.count() == 3
    else:
        shutil.rmtree(store.path / "cache", ignore_errors=True)
    state["kind"] = kind
    store = open_store()
    with pytest.warns(GravenWarning, match=bad):
        assert [run.id for run in store.list_runs()] == ["run-0002", "run-0000"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        assert store.series()
        assert len(store.query()) == 2
        with pytest.raises((Corrupt, NotFound)):
            store.load("run-0001")
        report = store.fsck("full")
        assert any(bad in damage.place for damage in report.damage)
        state["kind"] = None  # the disk is well again: nothing has to be made anew
        assert store.load("run-0001").id == "run-0001"
        assert open_store().fsck("full").ok
        assert len(open_store().list_runs()) == 3


def test_a_backend_that_is_away_is_not_damage(sick):
    store, _, state = sick
    state["kind"] = "timeout"
    with pytest.raises(BackendUnavailable):
        store.list_runs()


def test_a_copy_is_read_where_another_is_of_a_newer_format(store, monkeypatch):
    store.save(make(0))
    places = store._index.ask(
        lambda catalog: catalog.rows("SELECT object FROM run WHERE run_id = 'run-0000'")
    )
    object_id = places[0][0]
    good = store._index.reader._locate(object_id)[0]
    newer = good._replace(pack="other")
    real = store._index.reader._frame

    def frame(place):
        if place.pack == "other":
            raise FormatTooNew("frame codec 9 is not known")
        return real(place)

    monkeypatch.setattr(store._index.reader, "_frame", frame)
    assert store._index.reader.get_at(object_id, [newer, good])
    with pytest.raises(FormatTooNew):
        store._index.reader.get_at(object_id, [newer])


def test_a_write_far_in_the_future_is_named_with_the_way_out(store, open_store, monkeypatch):
    from graven import clock

    now = clock.wall_ms()
    monkeypatch.setattr(clock.HybridClock.__init__, "__defaults__", (lambda: now + 10**10, 0))
    store.save(make(0))
    monkeypatch.setattr(clock.HybridClock.__init__, "__defaults__", (lambda: now, 0))
    (pack,) = os.listdir(store.path / "packs")
    with pytest.raises(BackendUnavailable) as caught:
        open_store().save(make(1))
    assert caught.value.kind == "clock-skew"
    assert f"packs/{pack}" in caught.value.hint
    (store.path / "packs" / pack).unlink()
    open_store().save(make(1))
    assert [run.id for run in open_store().list_runs()] == ["run-0001"]


def test_large_runs_are_read_a_few_at_a_time(store, monkeypatch):
    with store.batch() as batch:
        for number in range(20):
            batch.save(make(number))
    monkeypatch.setattr(object_reader, "PORTION_BYTES", 300)
    real = type(store._index.reader).get_many
    asked = []

    def get_many(self, wanted):
        asked.append(len(wanted))
        return real(self, wanted)

    monkeypatch.setattr(type(store._index.reader), "get_many", get_many)
    runs = store.iter_runs()
    next(runs)
    assert sum(asked) <= 4  # the first portion and what it shares
    assert 1 + len(list(runs)) == 20


def test_views_of_a_large_batch_are_written_from_the_store(store, monkeypatch):
    monkeypatch.setattr(writing, "MAX_VIEWS_BYTES", 400)
    with store.batch() as batch:
        for number in range(10):
            batch.save(make(number))
        assert len(batch._views) < 10
    before = {path.name: path.read_bytes() for path in (store.path / "runs").iterdir()}
    assert len(before) == 10
    store.write_views()
    assert {p.name: p.read_bytes() for p in (store.path / "runs").iterdir()} == before


def test_threads_that_look_at_a_field_first_see_one_object(store):
    with store.batch() as batch:
        for number in range(50):
            batch.save(make(number))
    for run in store.list_runs():
        seen = []
        start = threading.Barrier(4)

        def look(run=run, seen=seen, start=start):
            start.wait()
            seen.append((run.environment, run.points))

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(e is run.environment and p is run.points for e, p in seen)


def test_a_relabel_sees_what_another_wrote_while_it_read(store, open_store, monkeypatch):
    store.save(make(0))
    other = open_store()
    real = type(store).load_object
    calls = []

    def load_object(self, object_id):
        run = real(self, object_id)
        if self is store and not calls:
            calls.append(1)
            other.relabel("run-0000", branch="theirs")
        return run

    monkeypatch.setattr(type(store), "load_object", load_object)
    store.relabel("run-0000", experiment="ours")
    run = open_store().load("run-0000")
    assert (run.branch, run.experiment) == ("theirs", "ours")


def test_a_run_deleted_while_it_is_relabelled_stays_deleted(store, open_store, monkeypatch):
    store.save(make(0))
    other = open_store()
    real = type(store).load_object

    def load_object(self, object_id):
        run = real(self, object_id)
        other.delete("run-0000")
        return run

    monkeypatch.setattr(type(store), "load_object", load_object)
    with pytest.raises(NotFound):
        store.relabel("run-0000", branch="x")
    assert open_store().list_runs() == []

"""Collectors that die at each of their calls, and others who are at work meanwhile."""

import pytest

from graven import Store
from graven.errors import GravenError
from graven.formats import layout
from graven.sync.transfer import transfer
from graven.testing.faulty import FaultyBackend, SimulatedCrash
from graven.testing.invariants import check_nothing_damaged, check_runs_load
from graven.testing.runs import sample_run
from graven.upkeep.gc import collect
from graven.upkeep.repack import repack

DAY = 86_400.0
LARGE = bytes(range(256)) * 4200  # over 1 MiB: kept in chunks


def build(open_store):
    """Runs, dead ones among them, one of a baseline, and attachments."""
    for number in range(6):
        store = open_store()
        store.save(sample_run(f"run-{number}", float(number), minute=number))
    store = open_store()
    store.attach("run-1", "artifacts/large", LARGE)
    store.attach("run-2", "artifacts/gone", LARGE[::-1])
    store.baselines.set("main", "run-0")
    store.baselines.set("main", "run-3")
    store.delete("run-2")
    store.delete("run-0", force=True)
    open_store().save(sample_run("run-4", 40.0))


def check(open_store):
    store = open_store()
    assert {h.run_id for h in store.headers()} == {"run-1", "run-3", "run-4", "run-5"}
    assert store.load("run-4").points[0].metrics["time"].value == 40.0
    assert store.read_attachment("run-1", "artifacts/large") == LARGE
    assert store.load_rev("main~1").id == "run-0"
    check_runs_load(store)
    check_nothing_damaged(store)


def died(work, backend, nth):
    """Run ``work`` on a backend that dies at its ``nth`` call; True if it came so far."""
    faulty = FaultyBackend(backend)
    faulty.crash(nth)
    try:
        work(faulty)
    except SimulatedCrash:
        return True
    return False


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_life_of_visits_each_broken_off_one_write_later(open_store, place, time, when):
    build(open_store)

    def dying_visit(work, nth):
        faulty = FaultyBackend(place)
        faulty.fail(nth, method=None, when=when, error=SimulatedCrash)
        writes = 0
        try:
            work(open_store(faulty))
        except SimulatedCrash:
            writes = 1
        return writes

    for work in (collect, repack):
        nth = 1
        while dying_visit(work, nth) and nth < 200:
            check(open_store) if nth % 10 == 0 else None
            nth += 3
            time.forward(DAY / 4)
        check(open_store)
    for _ in range(6):
        collect(open_store())
        repack(open_store())
        time.forward(DAY / 2 + 1)
    check(open_store)
    names = place.names(layout.PACKS)
    assert sum(name.endswith(".pack") for name in names) <= 3


def test_a_sweep_that_dies_at_each_of_its_calls(open_store, place, time):
    build(open_store)
    assert len(collect(open_store()).condemned) > 2
    time.forward(DAY + 1)
    nth = 1
    while died(lambda faulty: collect(open_store(faulty)), place, nth):
        nth += 1
        if nth % 8 == 0:
            check(open_store)
    assert nth > 10
    check(open_store)


def test_a_delete_whose_answer_is_lost(open_store, place, time):
    build(open_store)
    planned = collect(open_store()).condemned
    time.forward(DAY + 1)
    faulty = FaultyBackend(place)
    faulty.lose_answer(1, method="delete")
    with pytest.raises(GravenError):
        collect(open_store(faulty))
    collect(open_store())
    assert not {entry.key for entry in place.list("packs/")} & set(planned)
    check(open_store)


def test_a_plan_whose_answer_is_lost_is_a_plan(open_store, place):
    build(open_store)
    faulty = FaultyBackend(place)
    faulty.lose_answer(1, method="put_if_absent")
    with pytest.raises(GravenError):
        collect(open_store(faulty))
    assert collect(open_store()).earlier == 1
    check(open_store)


def between(backend, method, action):
    """Let ``action`` happen before the first call of a method."""

    class Interleaved(FaultyBackend):
        done = False

        def _do(self, name, key, call):
            if name == method and not self.done:
                self.done = True
                action()
            return super()._do(name, key, call)

    return Interleaved(backend)


STEPS = ["list", "get_tail", "get_ranges", "get_range", "get", "put", "put_if_absent", "delete"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("act", ["save", "restore", "baseline", "push", "gc", "repack", "attach"])
def test_others_at_work_between_two_calls_of_a_visit(open_store, place, time, tmp_path, step, act):
    build(open_store)
    near = Store(tmp_path / "near", durable=False, views="none")
    near.save(sample_run("pushed"))
    near.attach("pushed", "artifacts/same", LARGE[::-1])
    old = open_store().headers(include_deleted=True)
    assert old
    first = (
        open_store()
        ._index.ask(lambda c: c.one("SELECT target FROM past WHERE name = 'runs/run-4'"))[0]
        .hex()
    )

    actions = {
        "save": lambda: open_store().save(sample_run("late")),
        "restore": lambda: open_store().restore("run-2"),
        "baseline": lambda: open_store().baselines.set("old", first),
        "push": lambda: transfer(near, open_store()),
        "gc": lambda: collect(open_store()),
        "repack": lambda: repack(open_store()),
        "attach": lambda: open_store().attach("run-5", "artifacts/same", LARGE[::-1]),
    }

    def act_quietly():
        try:
            actions[act]()
        except GravenError as error:
            acts.append(error)
        else:
            acts.append(None)

    acts = []
    for _ in range(2):
        for work in (collect, repack):
            try:
                work(open_store(between(place, step, act_quietly if not acts else list)))
            except GravenError as error:
                assert error.kind in ("packs-moved", "busy")
        time.forward(DAY + 1)
    for _ in range(3):
        collect(open_store())
        time.forward(DAY / 2 + 1)
    store = open_store()
    check_runs_load(store)
    check_nothing_damaged(store)
    done = acts == [None]
    if act == "save" and done:
        assert store.load("late")
    if act == "restore" and done:
        assert store.read_attachment("run-2", "artifacts/gone") == LARGE[::-1]
    if act == "baseline" and done:
        assert store.load_rev("old").points[0].metrics["time"].value == 4.0
    if act == "push" and done:
        assert store.read_attachment("pushed", "artifacts/same") == LARGE[::-1]
    if act == "attach" and done:
        assert store.read_attachment("run-5", "artifacts/same") == LARGE[::-1]

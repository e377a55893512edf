"""No baseline is moved at a remote place that was not seen to compare and swap."""

import pytest

import graven
from graven.backends.base import Capabilities
from graven.errors import BackendUnavailable, InvalidInput
from graven.store.proving import PROVEN_SECONDS, SWAP_FACT
from graven.sync.transfer import transfer
from graven.testing.careless import CarelessBackend
from graven.testing.faulty import FaultyBackend
from graven.testing.runs import sample_run

NO_CONDITIONS = Capabilities(create=False, swap=False, durable=True, trusted_clock=True)


@pytest.fixture
def opened(tmp_path):
    """Opens stores on a backend as processes of one machine, or of others, would."""

    def open_(inner, machine="here"):
        backend = FaultyBackend(inner)
        store = graven.Store("", backend=backend, cache_dir=str(tmp_path / machine))
        backend.calls.clear()
        return store, backend

    return open_


def filled(inner, opened):
    store, _ = opened(inner)
    for n in range(3):
        store.save(sample_run(f"r{n}", minute=n))
    return inner


def probes(backend):
    return [call for call in backend.calls if call[1].startswith("probe/")]


@pytest.fixture
def good(opened):
    return filled(CarelessBackend(), opened)


@pytest.fixture
def careless(opened):
    return filled(CarelessBackend(ignores=frozenset(["swap"])), opened)


def test_the_first_change_asks_and_later_ones_cost_nothing_more(good, opened):
    store, backend = opened(good)
    store.baselines.set("main", "r0")
    assert len(probes(backend)) == 5
    store.baselines.set("main", "r1")
    store.tags.set("v1", "r1")
    assert len(probes(backend)) == 5
    again, backend = opened(good)
    again.baselines.set("main", "r2")
    assert probes(backend) == []
    assert [key for key in (e.key for e in good.list("")) if key.startswith("probe/")] == []


def test_each_machine_asks_for_itself(good, opened):
    for machine in ("here", "there"):
        store, backend = opened(good, machine)
        store.baselines.set(machine, "r0")
        assert len(probes(backend)) == 5


def test_reading_and_saving_ask_nothing(good, opened):
    store, backend = opened(good)
    store.save(sample_run("r9"))
    assert store.get_baseline() is None
    store.config.set("views", "none")
    assert probes(backend) == []


def test_a_place_that_ignores_conditions_is_refused(careless, opened):
    store, backend = opened(careless)
    for change in (
        lambda: store.baselines.set("main", "r0"),
        lambda: store.tags.set("v1", "r0"),
        lambda: store.baselines.delete("main"),
    ):
        with pytest.raises(InvalidInput, match=r"careless://: .*ignores the condition") as caught:
            change()
        assert caught.value.kind == "no-swap"
        assert "runs can be saved there" in caught.value.hint
    assert len(probes(backend)) == 5
    assert not [e.key for e in careless.list("") if e.key.startswith(("refs/", "probe/"))]
    store.save(sample_run("r9"))


def test_a_place_that_was_mended_is_asked_again(careless, opened):
    store, _ = opened(careless)
    with pytest.raises(InvalidInput):
        store.baselines.set("main", "r0")
    careless.ignores = frozenset()
    store, _ = opened(careless)
    store.baselines.set("main", "r0")
    assert store.parts.client.facts.recall(SWAP_FACT, PROVEN_SECONDS)


def test_no_answer_is_no_verdict(good, opened):
    store, backend = opened(good)
    backend.fail(method="put_if_absent")
    with pytest.raises(BackendUnavailable):
        store.baselines.set("main", "r0")
    store.baselines.set("main", "r0")
    assert store.baselines["main"].id == "r0"


def test_a_local_store_is_not_asked(store):
    store.save(sample_run("r0"))
    store.baselines.set("main", "r0")
    assert not (store.path / "probe").exists()


def test_a_push_says_why_baselines_stayed(store, careless, opened):
    store.save(sample_run("mine"))
    store.baselines.set("main", "mine")
    target, _ = opened(careless)
    report = transfer(store, target)
    assert "mine" in report.runs
    assert report.moved == []
    assert "ignores the condition" in report.refused


def test_settings_are_written_where_nothing_can_be_swapped(opened):
    inner = CarelessBackend(capabilities=NO_CONDITIONS)
    store, _ = opened(inner)
    store.save(sample_run("r0"))
    store.config.set("views", "none")
    store.config.set("views", "all")
    assert opened(inner)[0].config.get("views") == "all"
    with pytest.raises(InvalidInput, match="cannot compare and swap"):
        store.baselines.set("main", "latest")

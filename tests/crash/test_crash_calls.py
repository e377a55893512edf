"""Stop dead before and after each call to the backend, look again with fresh eyes."""

import shutil

import pytest
from scenes import CHANGES, State

from graven import Store
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable
from graven.testing.faulty import FaultyBackend, SimulatedCrash, SteppingLocalBackend
from graven.testing.invariants import check_store


def full():
    return BackendUnavailable("no space left", kind="disk-full", hint="free some space")


def attempt(store, change, folder):
    """True if the change was acknowledged."""
    try:
        CHANGES[change](store, folder)
    except (SimulatedCrash, BackendUnavailable):
        return False
    return True


def look(folder, before_and_after, acknowledged):
    """Old state or new one, never a third; the new one if that was said."""
    store = Store(folder, durable=False)
    check_store(store)
    state = State.of(store)
    before, after = before_and_after
    assert state == after if acknowledged else state in (before, after)
    store.close()
    return state


def copy(template, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    return folder


@pytest.mark.filterwarnings("ignore::graven.store.base.GravenWarning")
@pytest.mark.parametrize("how", ["crash-before", "crash-after", "full"])
def test_every_call_of_the_backend(template, tmp_path, change, before_and_after, how):
    number = 0
    seen = []
    while True:
        number += 1
        folder = copy(template, tmp_path / "s")
        faulty = FaultyBackend(LocalBackend(folder, fsync=False))
        store = Store("", backend=faulty)
        store.count()  # what was there is known
        if how == "full":
            for method in ("put", "put_if_absent", "put_if_version"):
                faulty.fail(number, method=method, error=full)
        else:
            faulty.crash(number, when=how.removeprefix("crash-"))
        start = len(faulty.calls)
        acknowledged = attempt(store, change, folder)
        seen.append(look(folder, before_and_after, acknowledged))
        if how == "full":  # once there is room again all goes on
            faulty._faults.clear()
            if not acknowledged:
                CHANGES[change](store, folder)
            look(folder, before_and_after, acknowledged=True)
        if acknowledged and len(faulty.calls) - start < number:
            break
        assert number < 200
    assert seen[-1] == before_and_after[1]
    assert number > 1


@pytest.mark.filterwarnings("ignore::graven.store.base.GravenWarning")
def test_every_step_of_a_put(template, tmp_path, change, before_and_after):
    steps = 0
    while True:
        steps += 1
        folder = copy(template, tmp_path / "s")
        backend = SteppingLocalBackend(folder, crash_after=steps)
        acknowledged = attempt(Store("", backend=backend), change, folder)
        look(folder, before_and_after, acknowledged)
        if not backend.crashed:
            break
    assert acknowledged
    assert steps > 4


def test_a_crash_while_a_store_is_made_leaves_none_or_a_whole_one(tmp_path):
    for steps in range(1, 10):
        folder = tmp_path / str(steps)
        backend = SteppingLocalBackend(folder, crash_after=steps)
        try:
            Store("", backend=backend)
        except SimulatedCrash:
            check_store(Store(folder), {})
            continue
        assert steps > 1
        return
    pytest.fail("making a store never came to its end")

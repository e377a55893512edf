"""A large table on its way into a store, and from one store to another: dead at each step."""

import random

import pyarrow as pa
import pytest

from graven import Store
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, NotFound
from graven.objects import loose
from graven.sync.transfer import transfer
from graven.testing.faulty import FaultyBackend, SimulatedCrash
from graven.testing.runs import sample_run

_CHANCE = random.Random(20261121)
LARGE = pa.table({"x": [_CHANCE.random() for _ in range(150_000)]})


@pytest.fixture(params=["crash before", "crash after", "error", "lost answer"])
def fault(request):
    crash = request.param.startswith("crash")
    return {
        "when": "after" if request.param in ("crash after", "lost answer") else "before",
        "error": SimulatedCrash if crash else lambda: BackendUnavailable("gone", kind="timeout"),
    }


def opened(name, backend=None):
    return Store("unused", backend=backend or MemoryBackend(name), views="none")


def steps(act, fault):
    """Do ``act`` with a fault at its first call, its second ... until none strikes."""
    for nth in range(1, 60):
        name = f"table-faults-{nth}"
        faulty = FaultyBackend(MemoryBackend(name))
        try:
            plain = opened(name)
            plain.save(sample_run("a"))
            store = opened(name, faulty)
            store.count()
            faulty.fail(nth, **fault)
            try:
                act(store)
                struck = False
            except (SimulatedCrash, BackendUnavailable):
                struck = True
            yield plain, struck
        finally:
            MemoryBackend.forget(name)
        if not struck:
            return
    raise AssertionError("it never came to an end")


def check(store):
    """What can be seen can be read; what was written for nothing is found again."""
    assert store.fsck("full").ok
    if store.table_names():
        assert store.get_table("a", "t").equals(LARGE)
        assert store.scan("t").count_rows() == LARGE.num_rows
    else:
        with pytest.raises(NotFound):
            store.scan("t")
    store.put_table("a", "t", LARGE)
    assert store.get_table("a", "t").equals(LARGE)
    assert len(list(loose.iter_loose(store.parts.backend))) <= 2
    assert store.fsck("full").ok


def test_a_put_that_breaks_off_leaves_nothing_that_cannot_be_read(fault):
    struck = 0
    for store, hit in steps(lambda store: store.put_table("a", "t", LARGE), fault):
        struck += hit
        check(store)
    assert struck >= 2  # the file and the pack at least


def test_a_push_that_breaks_off_goes_on(fault, tmp_path):
    source = Store(tmp_path / "source", durable=False, views="none")
    source.save(sample_run("a"))
    source.put_table("a", "t", LARGE)
    for target, _ in steps(lambda store: transfer(source, store), fault):
        transfer(source, target)
        assert target.get_table("a", "t").equals(LARGE)
        assert target.fsck("full").ok
    source.close()

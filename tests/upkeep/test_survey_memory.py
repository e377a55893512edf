"""A survey reads packs a few at a time: what a large one says takes 100 MB alone."""

import pytest

from graven.backends.memory import MemoryBackend
from graven.formats import layout
from graven.store import Store
from graven.testing.runs import sample_run
from graven.upkeep import survey

PACKS = 40


@pytest.fixture
def read_at_once(monkeypatch):
    """How many packs were read at once, each time."""
    seen = []
    run_all = survey.run_all

    def run(backend, calls):
        seen.append(len(calls))
        return run_all(backend, calls)

    monkeypatch.setattr(survey, "run_all", run)
    return seen


def surveyed(concurrency):
    backend = MemoryBackend()
    store = Store("unused", backend=backend)
    for number in range(PACKS):
        store.save(sample_run(f"r{number}"))
    backend.concurrency = concurrency
    names = [name for name in backend.names(layout.PACKS) if layout.parse_pack_name(name)]
    with survey.Survey(backend, names) as found:
        assert len(found.rows("SELECT DISTINCT pack FROM told")) == PACKS


def test_where_a_call_waits_for_nobody_packs_are_read_one_by_one(read_at_once):
    surveyed(1)
    assert read_at_once == [1] * PACKS


def test_of_small_packs_more_and_more_are_read_at_once(read_at_once):
    surveyed(4)
    assert read_at_once == [1, 2, 4, 8, 16, 9]


def test_large_packs_are_read_one_by_one(read_at_once, monkeypatch):
    monkeypatch.setattr(survey, "_WINDOW_UPDATES", 1)
    surveyed(4)
    assert read_at_once == [1] * PACKS

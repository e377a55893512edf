"""Pruning in the simulator: what goes was chosen, and a rule that is left out is missed."""

import pytest

from graven.sync.difference import ExactRuns
from graven.testing.simulation import POINTERS, Conditions, Outcome, Violation, World
from graven.testing.simulation.pruning import PRUNINGS
from graven.upkeep import prune, selection
from graven.upkeep.selection import Chosen

KEEP_ONE = PRUNINGS[0]


@pytest.fixture
def world():
    world = World(1, Conditions(clients=2))
    for number, run_id in enumerate("abc"):
        world.save(0, run_id, float(number))
    world.attach(0, "a", "derived/x", 1, large=False)
    world.run()
    world.put_table(0, "b", 1)
    world.set_pointer(0, POINTERS[0], "b", expecting=False)
    world.run()
    yield world
    world.close()


def pruned(world, criteria=KEEP_ONE, *, archive=False):
    world.prune(1, criteria, archive=archive)
    world.run()
    return world.tasks[-1]


@pytest.mark.parametrize("archive", [False, True])
def test_what_no_rule_keeps_goes(world, archive):
    task = pruned(world, archive=archive)
    assert task.outcome is Outcome.DONE
    assert world.models[0].runs.keys() == {"b", "c"}  # b is a baseline
    assert task.result.archived.keys() == ({"a"} if archive else set())
    world.finish()


def test_a_run_that_a_rule_keeps_is_missed(world, monkeypatch):
    def choose_all(index, criteria, among):
        for page in selection._pages(index, criteria, among):
            yield from (Chosen(run, None) for run in page)

    monkeypatch.setattr(prune, "choose", choose_all)
    with pytest.raises(Violation, match="chose"):
        pruned(world)


def test_a_baseline_is_missed(world, monkeypatch):
    monkeypatch.setattr(prune, "guarded_runs", lambda store: {})
    with pytest.raises(Violation, match="stood for all the time"):
        pruned(world)


def test_what_the_archive_lacks_is_missed(world, monkeypatch):
    takes_all = ExactRuns.takes_ref

    def takes_some(self, update, *of):
        return takes_all(self, update, *of) and "derived" not in update.name

    monkeypatch.setattr(ExactRuns, "takes_ref", takes_some)
    with pytest.raises(Violation, match="without"):
        pruned(world, archive=True)

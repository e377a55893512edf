"""Outboxes in the simulator: a bucket that cannot be reached, and what arrives once it can be."""

import pytest

from graven.store.base import StoreBase
from graven.testing.simulation import POINTERS, Conditions, Outcome, Violation, World, outboxes

OUTAGE = 20
DAYS_MS = 24 * 3_600_000


@pytest.fixture
def new_world():
    made = []

    def new(**how):
        world = World(1, Conditions(**({"clients": 2, "outboxes": True} | how)))
        made.append(world)
        return world

    yield new
    for world in made:
        world.close()


def queue(world, who, run_id):
    """Save a run while the bucket cannot be reached; the task."""
    world.look(who, run_id, POINTERS[0])  # its store is open
    world.run()
    world.cut_off(who, OUTAGE)
    world.save(who, run_id, 1.0)
    world.run()
    world.cut_off(who, 0)
    return world.tasks[-1]


def test_what_is_queued_arrives_when_it_is_sent(new_world):
    world = new_world()
    task = queue(world, 0, "a")
    assert (task.outcome, len(task.queued)) == (Outcome.DONE, 1)
    assert world.models[0].runs == {}
    world.deliver(1)  # another process of the machine
    world.run()
    assert list(world.models[0].runs) == ["a"]
    world.finish()


def test_who_comes_after_one_that_died_sends_what_it_queued(new_world):
    world = new_world()
    queue(world, 0, "a")
    world.deliver(0)
    world.run(3)
    world.crash(0)
    world.finish()
    assert list(world.models[0].runs) == ["a"]


def test_a_wrong_clock_does_not_keep_what_waits_from_being_taken(new_world):
    world = new_world()
    world.clients[0].clock.offset_ms = 30 * DAYS_MS
    task = queue(world, 0, "a")
    assert task.queued
    world.deliver(0)
    world.run()
    assert world.tasks[-1].outcome is Outcome.DONE, world.tasks[-1]
    assert list(world.models[0].runs) == ["a"]


def test_what_leaves_the_outbox_before_it_has_arrived_is_missed(new_world, monkeypatch):
    def remove_first(store):
        store.outbox.remove(store.outbox.packs())

    monkeypatch.setattr(outboxes, "deliver", remove_first)
    world = new_world()
    queue(world, 0, "a")
    world.deliver(0)
    with pytest.raises(Violation):
        world.run()


def test_what_is_queued_without_what_it_needs_is_missed(new_world, monkeypatch):
    queue_all = StoreBase._queue

    def queue_new(self, items, intents, error):
        known = self.parts.session._written
        return queue_all(self, [item for item in items if item.id not in known], intents, error)

    monkeypatch.setattr(StoreBase, "_queue", queue_new)
    world = new_world()
    world.save(0, "b", 1.0)
    world.run()
    assert queue(world, 0, "a").queued
    world.delete(1, "b", force=False)
    world.run()
    for hours in (0, 25, 25):
        world.jump(hours)
        world.collect(1)
        world.run()
    assert world.models[0].places.gone
    world.deliver(0)
    with pytest.raises(Violation, match="left"):
        world.run()

"""The model of the protocol loses nothing, and loses something without any of its rules.

``just simulate`` looks at a million interleavings: ``GRAVEN_INTERLEAVINGS`` says how many.
"""

import dataclasses
import os
import random

import pytest

from graven.testing.protocol import ALL, Collector, Loss, Rules, Storage, explore
from graven.testing.protocol.storage import CLOSURES, GRACE, HALF, rank_of, update_of

INTERLEAVINGS = int(os.environ.get("GRAVEN_INTERLEAVINGS", "100000"))
PARTS = 4

# From these seeds on a loss is found soon, without the rule. Whoever changes the model draws
# other interleavings, and looks for such seeds again.
SEEN_FROM = {
    "heed_condemned": 1013,
    "check_age": 3871,
    "age_through_suspend": 3131,
    "age_from_first_look": 14043,
    "end_requests": 98,
    "wait_for_grace": 2309,
    "storage_clock": 12095,
    "ask_again": 6,
    "all_plans": 177,
    "equal_listings": 37827,
    "keep_plans": 4190,
    "keep_tombstones": 1,
    "carry_floors": 11,
    "read_homes": 6,
    "repack_all": 14311,
    "keep_history": 1765,
    "follow_links": 4,
}
BOUND = 1_000
BY_HAND = {"keep_dormant", "sweep_in_time"}  # too rare to be met: a test each, below


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_interleaving_loses_anything(part):
    deleted = calls = 0
    for seed in range(part, INTERLEAVINGS, PARTS):
        storage = explore(seed)
        deleted += storage.deleted
        calls += 1
    assert deleted > calls  # there was something to lose


@pytest.mark.parametrize("rule", SEEN_FROM)
def test_a_rule_that_is_switched_off_is_missed(rule):
    rules = Rules(**{rule: False})
    with pytest.raises(Loss):
        for seed in range(SEEN_FROM[rule], SEEN_FROM[rule] + BOUND):
            explore(seed, rules)


def test_every_rule_is_missed_by_some_test():
    assert SEEN_FROM.keys() | BY_HAND == {field.name for field in dataclasses.fields(Rules)}


class ByHand:
    """A storage, and collectors that go on when they are told."""

    def __init__(self, rules):
        self.storage = Storage()
        self.rules = rules
        self.dice = random.Random(1)
        self.stamp = 0

    def put(self, name, target, objects=None):
        """Write an update with its objects, as a client does that knows best."""
        self.stamp += 1
        whole = CLOSURES[target] if target >= 0 else 0
        update = update_of(name, rank_of(self.stamp, 1, target))
        return self.storage.put(whole if objects is None else objects, (update,))

    def collector(self):
        return Collector(self.storage, self.rules, self.dice, 9, 0)

    def visit(self):
        for _ in self.collector().visit():
            pass

    def sweep(self, after=0):
        self.storage.now += after
        for _ in self.collector().sweep():
            pass


def attach_to_a_run_while_it_is_deleted(rules):
    scene = ByHand(rules)
    scene.put(0, 4)
    scene.put(0, -1)
    scene.put(2, 7)  # whoever wrote it had looked before the run was deleted
    for _ in range(10):  # some of these visits rewrite packs
        scene.visit()
        scene.sweep(GRACE + 1)
    scene.put(0, 5)  # somebody saves the run again, and what is attached to it is there again


def sweep_for_too_long(rules):
    scene = ByHand(rules)
    storage = scene.storage
    first = [storage.put(0) for _ in range(3)]
    home = storage.put(CLOSURES[4])
    scene.visit()
    storage.now += GRACE + 1
    slow = scene.collector().sweep()
    while first[0] in storage.places:  # it has looked, and begun to delete
        next(slow)
    other = storage.put(CLOSURES[4])
    scene.visit()
    assert other in set().union(*(plan.condemned for plan in storage.plans.values()))
    scene.put(0, 4, objects=0)  # by a session that began before `other` was condemned
    scene.sweep()  # spares both homes
    assert home in storage.places
    begun = storage.now
    for after, goes_on in [(HALF - 130, slow), (HALF + 1, None), (GRACE - 260, slow)]:
        storage.now = begun + after
        if goes_on is not None:  # no request takes long, and yet they take a day together
            next(goes_on, None)
        else:
            scene.sweep()  # the plan that condemned the first home goes
    storage.now = begun + GRACE + 1
    scene.sweep()
    for _ in slow:
        pass


@pytest.mark.parametrize(
    ("rule", "scene"),
    [
        ("keep_dormant", attach_to_a_run_while_it_is_deleted),
        ("sweep_in_time", sweep_for_too_long),
    ],
)
def test_a_rule_that_is_hardly_ever_needed_is_missed_too(rule, scene):
    scene(ALL)
    with pytest.raises(Loss):
        scene(Rules(**{rule: False}))


def test_a_seed_decides_everything():
    def digest(seed):
        storage = explore(seed)
        return storage.now, storage.deleted, sorted(storage.places), storage.truth.ranks

    assert [digest(seed) for seed in range(50)] == [digest(seed) for seed in range(50)]

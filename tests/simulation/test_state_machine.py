"""Hypothesis chooses what clients do; the seed, when they have their turn and what goes wrong.

``just simulate`` looks longer, and at other examples each time: ``GRAVEN_SIMULATE`` says how
many, and of how many steps.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from graven.testing.simulation import POINTERS, RUN_IDS, World
from graven.testing.simulation.keeping import ATTACHED, CONTENTS
from graven.testing.simulation.pruning import PRUNINGS
from graven.testing.simulation.scenario import OUTAGES
from graven.testing.simulation.world import HOURS

WANTED = os.environ.get("GRAVEN_SIMULATE")
# Few long ones meet in states that are far from an empty store; many short ones in many ways.
LONG, SHORT = (WANTED, None) if WANTED else ("300x100", "700x30")

SEEDS = st.integers(0, 2**32 - 1)
CLIENTS = st.integers(0, 3)
RUNS = st.sampled_from(RUN_IDS)
VALUES = st.integers(0, 5).map(float)
STEPS = st.integers(0, 12)


class BucketMachine(RuleBasedStateMachine):
    """Each rule hands something to a client, and lets all of them go on for some steps."""

    world = None

    @initialize(seed=SEEDS)
    def begin(self, seed):
        self.world = World(seed)

    @rule(who=CLIENTS, run_id=RUNS, value=VALUES, steps=STEPS)
    def save(self, who, run_id, value, steps):
        self.world.save(who, run_id, value)
        self.world.run(steps)

    @rule(
        who=CLIENTS,
        runs=st.lists(st.tuples(RUNS, VALUES), max_size=3),
        fails=st.booleans(),
        steps=STEPS,
    )
    def batch(self, who, runs, fails, steps):
        self.world.batch(who, runs, fails=fails)
        self.world.run(steps)

    @rule(who=CLIENTS, run_id=RUNS, force=st.booleans(), steps=STEPS)
    def delete(self, who, run_id, force, steps):
        self.world.delete(who, run_id, force=force)
        self.world.run(steps)

    @rule(who=CLIENTS, run_id=RUNS, steps=STEPS)
    def restore(self, who, run_id, steps):
        self.world.restore(who, run_id)
        self.world.run(steps)

    @rule(
        who=CLIENTS,
        pointer=st.sampled_from(POINTERS),
        run_id=RUNS,
        expecting=st.booleans(),
        steps=STEPS,
    )
    def set_pointer(self, who, pointer, run_id, expecting, steps):
        self.world.set_pointer(who, pointer, run_id, expecting=expecting)
        self.world.run(steps)

    @rule(who=CLIENTS, pointer=st.sampled_from(POINTERS), steps=STEPS)
    def delete_pointer(self, who, pointer, steps):
        self.world.delete_pointer(who, pointer)
        self.world.run(steps)

    @rule(who=CLIENTS, run_id=RUNS, pointer=st.sampled_from(POINTERS), steps=STEPS)
    def look(self, who, run_id, pointer, steps):
        self.world.look(who, run_id, pointer)
        self.world.run(steps)

    @rule(who=CLIENTS, steps=STEPS)
    def push(self, who, steps):
        self.world.push(who)
        self.world.run(steps)

    @rule(who=CLIENTS, steps=STEPS)
    def pull(self, who, steps):
        self.world.pull(who)
        self.world.run(steps)

    @rule(who=CLIENTS)
    def reopen(self, who):
        self.world.reopen(who)

    @rule(who=CLIENTS)
    def crash(self, who):
        self.world.crash(who)

    @rule(steps=st.integers(1, 60))
    def go_on(self, steps):
        self.world.run(steps)

    @rule(
        who=CLIENTS,
        run_id=RUNS,
        name=st.sampled_from(ATTACHED),
        number=st.integers(0, CONTENTS - 1),
        large=st.booleans(),
        steps=STEPS,
    )
    def attach(self, who, run_id, name, number, large, steps):
        self.world.attach(who, run_id, name, number, large=large)
        self.world.run(steps)

    @rule(who=CLIENTS, run_id=RUNS, name=st.sampled_from(ATTACHED), steps=STEPS)
    def detach(self, who, run_id, name, steps):
        self.world.detach(who, run_id, name)
        self.world.run(steps)

    @rule(who=CLIENTS, run_id=RUNS, number=st.integers(0, CONTENTS - 1), steps=STEPS)
    def put_table(self, who, run_id, number, steps):
        self.world.put_table(who, run_id, number)
        self.world.run(steps)

    @rule(
        who=CLIENTS,
        runs=st.lists(st.tuples(RUNS, VALUES), min_size=2, max_size=2),
        number=st.integers(0, CONTENTS - 1),
        hours=st.sampled_from(HOURS[:4]),
        steps=STEPS,
    )
    def long_batch(self, who, runs, number, hours, steps):
        self.world.long_batch(who, runs, number, hours)
        self.world.run(steps)

    @rule(who=CLIENTS, criteria=st.sampled_from(PRUNINGS), archive=st.booleans(), steps=STEPS)
    def prune(self, who, criteria, archive, steps):
        self.world.prune(who, criteria, archive=archive)
        self.world.run(steps)

    @rule(who=CLIENTS, requests=st.sampled_from(OUTAGES))
    def cut_off(self, who, requests):
        self.world.cut_off(who, requests)

    @rule(who=CLIENTS, steps=STEPS)
    def deliver(self, who, steps):
        self.world.deliver(who)
        self.world.run(steps)

    @rule(who=CLIENTS, steps=STEPS)
    def collect(self, who, steps):
        self.world.collect(who)
        self.world.run(steps)

    @rule(who=CLIENTS, steps=STEPS)
    def repack(self, who, steps):
        self.world.repack(who)
        self.world.run(steps)

    @rule(hours=st.sampled_from(HOURS))
    def jump(self, hours):
        self.world.jump(hours)

    def teardown(self):
        if self.world is not None:
            try:
                self.world.finish()
            finally:
                self.world.close()


class ShortBucketMachine(BucketMachine):
    """As `BucketMachine`, with a store that is young."""


def _sized(machine, size):
    """A test of so many examples of so many steps."""
    examples, steps = map(int, size.split("x"))
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=WANTED is None,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    case.pytestmark = [pytest.mark.slow]
    return case


TestBucketMachine = _sized(BucketMachine, LONG)
if SHORT:
    TestShortBucketMachine = _sized(ShortBucketMachine, SHORT)

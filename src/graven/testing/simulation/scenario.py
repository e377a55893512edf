"""What clients do, drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from graven.testing.simulation.keeping import ATTACHED, CONTENTS
from graven.testing.simulation.pruning import PRUNINGS
from graven.testing.simulation.world import HOURS, POINTERS, RUN_IDS, Conditions, World

OUTAGES = (3, 12)
"""So many requests never arrive."""


_Act = Callable[[World, int, random.Random], None]
Program = list[tuple[_Act, float]]
"""What may be done, and how often."""


def run_scenario(
    seed: int,
    steps: int = 200,
    conditions: Conditions | None = None,
    program: Program | None = None,
) -> World:
    """A world in which clients do things drawn from the seed, run to its end and checked."""
    choices = EVERYTHING if program is None else program
    world = World(seed, conditions)
    dice = random.Random(f"{seed} program")
    try:
        for _ in range(steps):
            act = dice.choices([act for act, _ in choices], [often for _, often in choices])[0]
            act(world, dice.randrange(8), dice)
            world.run(dice.randint(0, 12))
        world.finish()
    finally:
        world.close()
    return world


def _act_batch(world: World, who: int, dice: random.Random) -> None:
    world.batch(who, _runs(dice, dice.randrange(4)), fails=dice.random() < 0.2)


def _act_long_batch(world: World, who: int, dice: random.Random) -> None:
    world.long_batch(who, _runs(dice, 2), dice.randrange(CONTENTS), dice.choice(HOURS[:4]))


def _runs(dice: random.Random, count: int) -> list[tuple[str, float]]:
    return [(dice.choice(RUN_IDS), float(dice.randrange(6))) for _ in range(count)]


EVERYTHING: Program = [
    (lambda w, who, d: w.save(who, d.choice(RUN_IDS), float(d.randrange(6))), 6),
    (_act_batch, 2),
    (lambda w, who, d: w.delete(who, d.choice(RUN_IDS), force=d.random() < 0.5), 3),
    (lambda w, who, d: w.restore(who, d.choice(RUN_IDS)), 2),
    (
        lambda w, who, d: w.set_pointer(
            who, d.choice(POINTERS), d.choice(RUN_IDS), expecting=d.random() < 0.5
        ),
        4,
    ),
    (lambda w, who, d: w.delete_pointer(who, d.choice(POINTERS)), 2),
    (lambda w, who, d: w.look(who, d.choice(RUN_IDS), d.choice(POINTERS)), 3),
    (lambda w, who, d: w.push(who), 1),
    (lambda w, who, d: w.pull(who), 1),
    (
        lambda w, who, d: w.attach(
            who, d.choice(RUN_IDS), d.choice(ATTACHED), d.randrange(CONTENTS), large=False
        ),
        2,
    ),
    (
        lambda w, who, d: w.attach(
            who, d.choice(RUN_IDS), d.choice(ATTACHED), d.randrange(CONTENTS), large=True
        ),
        1,
    ),
    (lambda w, who, d: w.detach(who, d.choice(RUN_IDS), d.choice(ATTACHED)), 1),
    (lambda w, who, d: w.put_table(who, d.choice(RUN_IDS), d.randrange(CONTENTS)), 1),
    (_act_long_batch, 0.7),
    (lambda w, who, d: w.prune(who, d.choice(PRUNINGS), archive=d.random() < 0.3), 0.7),
    (lambda w, who, d: w.cut_off(who, d.choice(OUTAGES)), 0.5),
    (lambda w, who, d: w.deliver(who), 1.5),
    (lambda w, who, d: w.collect(who), 1.5),
    (lambda w, who, d: w.repack(who), 0.7),
    (lambda w, who, d: w.jump(d.choice(HOURS)), 2),
    (lambda w, who, d: w.reopen(who), 0.5),
    (lambda w, who, d: w.crash(who), 0.3),
]

DELETING: Program = [
    (lambda w, who, d: w.save(who, d.choice(RUN_IDS), float(d.randrange(6))), 3),
    (lambda w, who, d: w.delete(who, d.choice(RUN_IDS), force=True), 3),
    (lambda w, who, d: w.restore(who, d.choice(RUN_IDS)), 1),
    (
        lambda w, who, d: w.attach(who, d.choice(RUN_IDS), ATTACHED[0], d.randrange(2), large=True),
        2,
    ),
    (lambda w, who, d: w.put_table(who, d.choice(RUN_IDS), d.randrange(2)), 2),
    (_act_long_batch, 0.5),
    (lambda w, who, d: w.prune(who, d.choice(PRUNINGS), archive=False), 0.5),
    (lambda w, who, d: w.collect(who), 3),
    (lambda w, who, d: w.jump(d.choice(HOURS)), 3),
]
"""Where much is deleted, a rule of deleting that is broken is met sooner."""

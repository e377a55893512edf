"""One interleaving: clients take turns, time goes by, and processes die, as a seed says."""

from __future__ import annotations

import random
from collections.abc import Callable

from graven.testing.protocol.client import Steps
from graven.testing.protocol.collectors import Collector
from graven.testing.protocol.rules import ALL, Rules
from graven.testing.protocol.storage import (
    CLOSURES,
    GRACE,
    HALF,
    LEAVES,
    RUNS,
    VALUES,
    Storage,
    rank_of,
    update_of,
)

CALLS = 60
_LAST = 14  # calls kept for the collector that comes when all are done
_OFFSETS = (0, 0, 0, 30, -30, 3 * GRACE, -3 * GRACE)
_SPANS = (20, 20, HALF - 200, HALF - 100, HALF, HALF + 100, GRACE, GRACE + 20, GRACE + HALF)
_FOUNDER = 63


def explore(seed: int, rules: Rules = ALL) -> Storage:
    """Let up to `CALLS` calls happen; the storage after them.

    Raises:
        Loss: something live was lost.
    """
    dice = random.Random(seed)
    draw = dice.random
    storage = _founded(draw)
    clients = [
        _client(storage, rules, dice, number, draw) for number in range(2 + int(draw() * 2.5))
    ]
    collecting = 0.1 if draw() < 0.7 else 0.5
    doing = [_begun(client, draw, number, collecting) for number, client in enumerate(clients)]
    hurry = 0.08 + 0.15 * draw()
    asleep = -1  # one of them is suspended for long
    for call in range(CALLS - _LAST):
        turn = int(draw() * len(clients))
        storage.now += 1
        chance = draw()
        if chance < hurry:
            storage.now += _SPANS[int(draw() * len(_SPANS))]
        elif chance > 0.985:  # it dies, and another begins
            clients[turn] = _client(storage, rules, dice, len(clients) + turn, draw)
            doing[turn] = _begun(clients[turn], draw, turn, collecting)
            continue
        elif chance > 0.95:
            asleep = turn if asleep < 0 and call < CALLS // 2 else -1
        if turn == asleep:
            turn = (turn + 1) % len(clients)
        clients[turn].running += 1
        try:
            next(doing[turn])
        except StopIteration:
            doing[turn] = _begun(clients[turn], draw, turn, collecting)
    _collect(storage, rules, dice, doing)
    return storage


def _collect(storage: Storage, rules: Rules, dice: random.Random, doing: list[Steps]) -> None:
    """A collector makes its visits, and nothing may be lost by them, nor by what is left."""
    last = Collector(storage, rules, dice, 60, 0)
    calls = 0
    for work in (last.sweep, last.visit, last.sweep):
        storage.now += GRACE + 20
        for _ in work():
            calls += 1
            if calls == _LAST - len(doing):
                break
    for steps in doing:
        next(steps, None)


def _founded(draw: Callable[[], float]) -> Storage:
    """A storage in which some runs are, and some were."""
    storage = Storage()
    stamp = storage.now - 10 * GRACE
    for _ in range(1 + int(draw() * 4)):
        objects = 0
        updates = []
        for _ in range(1 + int(draw() * 2)):
            stamp += 1
            target = LEAVES + int(draw() * (VALUES - LEAVES)) if draw() < 0.75 else -1
            objects |= CLOSURES[target] if target >= 0 else 0
            name = int(draw() * RUNS)
            updates.append(update_of(name, rank_of(stamp, _FOUNDER, target)))
        storage.put(objects, tuple(updates))
    return storage


def _client(
    storage: Storage, rules: Rules, dice: random.Random, number: int, draw: Callable[[], float]
) -> Collector:
    client = Collector(storage, rules, dice, number, _OFFSETS[int(draw() * len(_OFFSETS))])
    if draw() < 0.6:  # a store of its own, as the shared one was
        client.clone.take(tuple(u for p in storage.places.values() for u in p.updates))
        for place in storage.places.values():
            client.cloned |= place.objects
    client.forgetful = draw() < 0.1
    client.careless = draw() < 0.1
    return client


def _begun(client: Collector, draw: Callable[[], float], number: int, collecting: float) -> Steps:
    """The next thing that a client does, up to its first call; such as there is a use for."""
    storage = client.storage
    while True:
        if number == 0 or draw() < collecting:
            work = _collectors_choice(storage, draw)
        else:
            work = _WRITERS[int(draw() * len(_WRITERS))]
            if work is Collector.restore and not _any_run(storage, there=False):
                continue
            if work in _NEED_A_RUN and not _any_run(storage, there=True):
                continue
        steps = work(client)
        try:
            next(steps)
        except StopIteration:
            continue
        return steps


def _collectors_choice(storage: Storage, draw: Callable[[], float]) -> Callable[..., Steps]:
    for key, plan in storage.plans.items():
        since = storage.done.get(key, plan.born)
        if storage.now - since > (HALF if key in storage.done else plan.grace) and draw() < 0.6:
            return Collector.sweep
    return _COLLECTORS[int(draw() * len(_COLLECTORS))]


def _any_run(storage: Storage, *, there: bool) -> bool:
    truth = storage.truth
    return any(truth.ranks[r] and (truth.target(r) >= 0) is there for r in range(RUNS))


_COLLECTORS = (Collector.visit, Collector.visit, Collector.sweep, Collector.repack)
_WRITERS = (
    Collector.save,
    Collector.save_large,
    Collector.save_large,
    Collector.attach,
    Collector.delete,
    Collector.delete,
    Collector.restore,
    Collector.restore,
    Collector.set_pointer,
    Collector.pull,
    Collector.push,
    Collector.push,
)
_NEED_A_RUN = frozenset([Collector.attach, Collector.delete])

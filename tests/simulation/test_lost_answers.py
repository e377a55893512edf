"""Guarded refs where answers get lost: what happened is never told as a conflict."""

import pytest

from graven.backends.retrying import RetryPolicy
from graven.errors import Conflict
from graven.ids import hash_bytes
from graven.refs.guarded import GuardedRefs
from graven.testing.simulation import BucketModel, Fault, Outcome, Pointer, Simulation

MAIN = Pointer("baselines", "main")
SWAPS = ("put_if_absent", "put_if_version")


class Refs:
    """Guarded refs on a simulated bucket; their `ref` objects lie in a dict."""

    def __init__(self, seed):
        self.simulation = Simulation(seed)
        self.bucket = self.simulation.bucket()
        self.model = BucketModel(self.bucket, self.simulation.true_ms, refs_alone=True)
        self.objects = {}

    def client(self, name, **how):
        return self.simulation.client(name, **how)

    def of(self, client):
        return GuardedRefs(
            client.backend(self.bucket), MAIN.space, self.put, self.objects.__getitem__
        )

    def put(self, data):
        object_id = hash_bytes(data)
        self.objects[object_id] = data
        return object_id

    def set(self, client, run, allowed=lambda _: None):
        wanted = hash_bytes(run.encode()).hex()
        return self.of(client).set_if(MAIN.name, run, wanted, allowed=allowed, message=run)

    @property
    def runs(self):
        """The history, oldest first."""
        return [value.run for value in self.model.chains[MAIN]]


@pytest.fixture
def at():
    refs = Refs(1)
    yield refs
    refs.simulation.close()


def expecting(before):
    """Refuse all but the value that was read before."""

    def allowed(current):
        if current != before:
            raise Conflict("moved", kind="ref-moved")

    return allowed


@pytest.mark.slow
def test_ten_thousand_lost_answers_and_no_false_conflict():
    at = Refs(2)
    lost = 0
    told = {Outcome.DONE: set(), Outcome.REFUSED: set()}

    def work(client):
        # Each looks, then sets on top of what it saw; every answer to the write is lost.
        nonlocal lost
        number = 0
        while lost < 10_000:
            number += 1
            run = f"{client.name}-{number}"
            before = at.of(client).read(MAIN.name)
            client.plan(Fault.LOST, "put_if_version" if before else "put_if_absent")
            try:
                at.set(client, run, expecting(before))
                told[Outcome.DONE].add(run)
            except Conflict:
                told[Outcome.REFUSED].add(run)
            client.planned.clear()
            lost = len(at.model.chains[MAIN])

    for number in range(3):
        patience = RetryPolicy(attempts=1 + number)  # who sends again is refused by its own write
        at.client(f"c{number}", retry=patience).begin(work)
    at.simulation.run()
    at.simulation.close()

    landed = at.runs
    answers = [step for step in at.simulation.trace if step.fault is Fault.LOST]
    assert len(answers) >= len(landed) >= 10_000
    assert len(set(landed)) == len(landed)
    assert told[Outcome.DONE] == set(landed)
    assert told[Outcome.REFUSED].isdisjoint(landed)
    assert len(told[Outcome.REFUSED]) > 1_000  # there were real ones


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("others", [1, 5])
def test_a_swap_that_was_followed_by_anothers_is_no_conflict(at, attempts, others):
    ann = at.client("ann", retry=RetryPolicy(attempts=attempts))
    bob = at.client("bob")
    ann.begin(lambda client: at.set(client, "0"))
    at.simulation.run()
    (before,) = at.model.chains[MAIN]
    ann.plan(Fault.LOST, "put_if_version")
    task = ann.begin(lambda client: at.set(client, "ann", expecting(before)))
    while "ann" not in at.runs:
        ann.resume()
    for number in range(others):
        bob.begin(lambda client, number=number: at.set(client, f"bob-{number}"))
    while bob.busy:
        bob.resume()
    assert task.outcome is Outcome.OPEN
    at.simulation.run()
    assert (task.outcome, task.result.run) == (Outcome.DONE, "ann")
    assert at.runs == ["0", "ann", *(f"bob-{number}" for number in range(others))]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.STRAGGLER, Fault.CONFLICT, Fault.STALE])
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_write_that_did_not_happen_is_sent_again(at, fault, attempts):
    ann = at.client("ann", retry=RetryPolicy(attempts=attempts))
    ann.begin(lambda client: at.set(client, "0"))
    at.simulation.run()
    (before,) = at.model.chains[MAIN]
    ann.plan(fault, "put_if_version")
    task = ann.begin(lambda client: at.set(client, "1", expecting(before)))
    at.simulation.run()
    at.simulation.settle()
    if fault is Fault.CONFLICT and attempts == 1:
        assert (task.outcome, at.runs) == (Outcome.FAILED, ["0"])
    else:
        assert (task.outcome, at.runs) == (Outcome.DONE, ["0", "1"])


def test_a_thousand_races_with_stragglers_leave_one_chain():
    at = Refs(3)
    told = set()

    def work(client):
        for number in range(100):
            run = f"{client.name}-{number}"
            client.plan((Fault.STRAGGLER, Fault.LOST, Fault.NONE)[number % 3], "put_if_version")
            told.add(at.set(client, run).run)
            client.planned.clear()

    for number in range(10):
        at.client(f"c{number}", retry=RetryPolicy(attempts=1 + number % 2)).begin(work)
    at.simulation.run()
    at.simulation.settle()
    at.simulation.close()
    assert len(at.runs) == 1_000
    assert set(at.runs) == told

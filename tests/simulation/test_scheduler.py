"""Turns, faults, clocks and crashes of the simulation itself."""

import pytest

from graven import clock, ids
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable, NotFound
from graven.testing.simulation import Fault, Faults, Outcome, Simulation


@pytest.fixture
def simulation():
    made = Simulation(seed=1)
    yield made
    made.close()


def test_a_task_runs_when_its_client_has_its_turn(simulation):
    bucket = simulation.bucket()
    ann = simulation.client("ann")
    task = ann.begin(lambda client: client.backend(bucket).put("k", b"x"))
    assert task.outcome is Outcome.OPEN
    simulation.run()
    assert (task.outcome, bucket.storage.get("k")) == (Outcome.DONE, b"x")
    (step,) = simulation.trace
    assert (step.client, step.method, step.key, step.fault) == ("ann", "put", "k", Fault.NONE)


def test_others_may_go_between_any_two_requests(simulation):
    bucket = simulation.bucket()

    def write(client):
        for number in range(20):
            client.backend(bucket).put(f"{client.name}/{number}", b"x")

    for name in ("ann", "bob"):
        simulation.client(name).begin(write)
    simulation.run()
    order = [step.client for step in simulation.trace]
    assert sorted(order) == ["ann"] * 20 + ["bob"] * 20
    assert order != sorted(order) != order[::-1]


@pytest.mark.parametrize(
    ("fault", "landed", "kind"),
    [
        (Fault.NONE, True, None),
        (Fault.LOST, True, "timeout"),
        (Fault.TIMEOUT, False, "timeout"),
        (Fault.STRAGGLER, False, "timeout"),
        (Fault.BUSY, False, "busy"),
        (Fault.CONFLICT, False, "busy"),
    ],
)
def test_what_becomes_of_a_request_and_what_is_told(simulation, fault, landed, kind):
    bucket = simulation.bucket()
    ann = simulation.client("ann")
    ann.plan(fault, "put_if_absent")
    task = ann.begin(lambda client: client.backend(bucket).put_if_absent("k", b"x"))
    simulation.run()
    assert (bucket.storage.head("k") is not None) == landed
    assert (task.error and task.error.kind) == kind
    assert len(task.wrote) == landed
    simulation.settle()
    assert (bucket.storage.head("k") is not None) == (landed or fault is Fault.STRAGGLER)


def test_a_patient_client_sends_again(simulation):
    bucket = simulation.bucket()
    ann = simulation.client("ann", retry=RetryPolicy(attempts=4))
    for fault in (Fault.BUSY, Fault.TIMEOUT, Fault.BUSY):
        ann.plan(fault, "put")
    before = simulation.time.ns
    task = ann.begin(lambda client: client.backend(bucket).put("k", b"x"))
    simulation.run()
    assert task.outcome is Outcome.DONE
    assert len(simulation.trace) == 4
    assert simulation.time.ns - before > 300e6  # waits by its own clock, which nobody sat out


def test_whoever_sleeps_lets_others_go_on(simulation):
    bucket = simulation.bucket()
    order = []

    def sleep(client):
        clock.sleep(60)
        order.append(client.name)

    def write(client):
        client.backend(bucket).put("k", b"x")
        order.append(client.name)

    simulation.client("ann").begin(sleep)
    simulation.client("bob").begin(write)
    simulation.run()
    assert order == ["bob", "ann"]


def test_each_client_has_a_clock_and_dice_of_its_own(simulation):
    days = 30 * 86_400_000
    tasks = [
        simulation.client(name, offset_ms=offset).begin(
            lambda _: (clock.wall_ms(), clock.monotonic(), ids.new_nonce())
        )
        for name, offset in (("ann", 0), ("bob", -days))
    ]
    simulation.run()
    (ann_ms, ann_s, ann_nonce), (bob_ms, bob_s, bob_nonce) = (task.result for task in tasks)
    assert ann_ms - bob_ms == days
    assert ann_s == bob_s
    assert ann_nonce != bob_nonce


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_the_dead_do_nothing_more(simulation, fault):
    bucket = simulation.bucket()
    ann = simulation.client("ann")
    ann.plan(fault, "put")

    def write_and_clean_up(client):
        backend = client.backend(bucket)
        try:
            backend.put("k", b"x")
        finally:
            backend.delete("k")

    task = ann.begin(write_and_clean_up)
    never = ann.begin(lambda client: client.backend(bucket).put("l", b"x"))
    simulation.run()
    assert ann.dead
    assert (task.outcome, never.outcome) == (Outcome.UNKNOWN, Outcome.OPEN)
    assert bucket.storage.names("") == (["k"] if fault is Fault.CRASH_AFTER else [])
    assert len(simulation.trace) == 1


def test_a_client_can_be_killed_where_it_stands(simulation):
    bucket = simulation.bucket()
    ann = simulation.client("ann")
    task = ann.begin(lambda client: client.backend(bucket).put("k", b"x"))
    simulation.run(steps=1)  # it has asked, and waits for its turn
    ann.crash()
    simulation.run()
    assert (task.outcome, bucket.storage.names("")) == (Outcome.UNKNOWN, [])


def test_a_late_listing_lacks_names_that_can_be_read():
    simulation = Simulation(seed=2)
    bucket = simulation.bucket(lateness=10)

    def look(client):
        backend = client.backend(bucket)
        backend.put("f/k", b"x")
        seen = [bool(backend.names("f")) and backend.get("f/k") == b"x" for _ in range(12)]
        return seen, backend.get("f/k")

    task = simulation.client("ann").begin(look)
    simulation.run()
    simulation.close()
    seen, body = task.result
    assert body == b"x"
    assert False in seen
    assert seen[-1]


def test_outcomes_are_told_apart(simulation):
    def fail(error):
        def do(client):
            raise error

        task = simulation.client(f"c{len(simulation.clients)}").begin(do)
        simulation.run()
        return task.outcome

    assert fail(NotFound("no")) is Outcome.REFUSED
    assert fail(BackendUnavailable("busy", kind="busy")) is Outcome.FAILED
    assert fail(BackendUnavailable("?", kind="unknown")) is Outcome.UNKNOWN
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_a_fault_that_cannot_happen_does_not():
    simulation = Simulation(1, Faults({Fault.CONFLICT: 0.5, Fault.STRAGGLER: 0.5}))
    bucket = simulation.bucket()
    bucket.storage.put("k", b"x")
    task = simulation.client("ann").begin(lambda client: client.backend(bucket).get("k"))
    simulation.run()
    simulation.close()
    assert task.result == b"x"

"""gc, repack and attachments in the simulator: days go by, and what nobody needs goes."""

import io
import random

import pytest

from graven.backends.retrying import RetryPolicy
from graven.errors import NotFound
from graven.formats import layout
from graven.testing.invariants import check_nothing_damaged
from graven.testing.runs import sample_run
from graven.testing.simulation import Outcome, Simulation, Violation
from graven.testing.simulation.model import BucketModel
from graven.upkeep import sweep

HOUR_MS = 3_600_000
LARGE = random.Random(5).randbytes(1_300_000)


class Scene:
    """One bucket with its model, and clients that do one thing after the other."""

    def __init__(self):
        self.simulation = Simulation(seed=1)
        self.bucket = self.simulation.bucket()
        self.model = BucketModel(self.bucket, self.simulation.true_ms)
        self.clients = {}

    def do(self, name, act):
        client = self.clients.get(name) or self.simulation.client(name)
        self.clients[name] = client
        task = client.begin(lambda client: act(client.store(self.bucket)))
        self.simulation.run()
        return task

    def alone(self, name, act):
        """Let a client do something to its end, while the others wait where they are."""
        task = self.simulation.client(name, weight=1e9).begin(
            lambda client: act(client.store(self.bucket))
        )
        while task.outcome is Outcome.OPEN:
            self.simulation.run(1)
        assert task.outcome is Outcome.DONE, task

    def done(self, name, act):
        task = self.do(name, act)
        assert task.outcome is Outcome.DONE, task
        return task.result


@pytest.fixture
def scene():
    scene = Scene()
    yield scene
    scene.simulation.close()


def test_a_deleted_run_goes_after_the_grace_and_can_be_restored_within(scene):
    run = sample_run("a", 1.0)
    scene.done("ann", lambda store: store.save(run))
    scene.done("ann", lambda store: store.attach("a", "artifacts/x", b"x" * 100))
    scene.done("ann", lambda store: store.delete("a"))
    scene.done("bob", lambda store: store.gc())
    scene.simulation.jump(13 * HOUR_MS)
    scene.done("ann", lambda store: store.restore("a"))  # out of packs that are condemned
    scene.simulation.jump(13 * HOUR_MS)
    scene.done("bob", lambda store: store.gc())
    assert scene.model.places.gone > 0
    assert scene.done("eve", lambda store: store.load("a")) == run
    assert scene.done("eve", lambda store: store.read_attachment("a", "artifacts/x")) == b"x" * 100

    scene.done("ann", lambda store: store.delete("a"))
    for _ in range(2):
        scene.done("bob", lambda store: store.gc())
        scene.simulation.jump(25 * HOUR_MS)
    assert isinstance(scene.do("ann", lambda store: store.restore("a")).error, NotFound)


def test_what_died_with_a_run_is_no_damage_once_it_is_gone(scene):
    scene.done("ann", lambda store: store.save(sample_run("a", 1.0)))
    scene.done("ann", lambda store: store.attach("a", "artifacts/x", b"x" * 100))
    scene.done("ann", lambda store: store.delete("a"))
    for _ in range(2):
        scene.done("bob", lambda store: store.gc())
        scene.simulation.jump(25 * HOUR_MS)
    scene.done("ann", lambda store: store.save(sample_run("a", 2.0)))
    scene.done("eve", check_nothing_damaged)


def attach_while_a_plan_is_carried_out(scene, steps, hours):
    """Eve attaches what is condemned; she stands still after so many requests meanwhile."""
    scene.done("ann", lambda store: store.save(sample_run("a", 1.0)))
    scene.done("ann", lambda store: store.save(sample_run("b", 1.0)))
    scene.done("ann", lambda store: store.attach("a", "artifacts/x", io.BytesIO(LARGE)))
    scene.done("ann", lambda store: store.delete("a"))
    scene.simulation.jump(2 * HOUR_MS)
    scene.done("bob", lambda store: store.gc())
    scene.simulation.jump(25 * HOUR_MS)
    eve = scene.simulation.client("eve")
    task = eve.begin(
        lambda client: client.store(scene.bucket).attach("b", "artifacts/x", io.BytesIO(LARGE))
    )
    scene.simulation.run(steps)
    scene.alone("bob again", lambda store: store.gc())
    for number, span in enumerate(hours):
        scene.simulation.jump(span * HOUR_MS)
        scene.alone(f"bob no. {number}", lambda store: store.gc())
    scene.simulation.run()
    return task


STEPS = range(1, 14)


@pytest.mark.parametrize("steps", STEPS)
def test_who_stands_still_while_a_plan_is_carried_out_loses_nothing(scene, steps):
    assert attach_while_a_plan_is_carried_out(scene, steps, ()).outcome is Outcome.DONE
    assert scene.model.places.gone > 0


@pytest.mark.parametrize("steps", STEPS)
def test_who_stands_still_until_the_plan_is_gone_is_too_late_or_looks_again(scene, steps):
    task = attach_while_a_plan_is_carried_out(scene, steps, (9, 8, 7))
    assert task.outcome is Outcome.DONE or task.error.kind == "session-old"


def test_plans_that_go_at_once_are_missed(monkeypatch):
    def forget(backend, nonce):
        backend.delete(layout.PACKS + layout.plan_name(nonce))

    monkeypatch.setattr(sweep, "mark_done", forget)
    lost = 0
    for steps in STEPS:
        scene = Scene()
        try:
            attach_while_a_plan_is_carried_out(scene, steps, ())
        except Violation:
            lost += 1
        finally:
            scene.simulation.close()
    assert lost > 0


@pytest.mark.parametrize("steps", range(1, 20))
def test_the_history_of_a_baseline_that_moves_during_a_visit_is_not_condemned(scene, steps):
    for run_id in "abcd":
        scene.done("ann", lambda store, run_id=run_id: store.save(sample_run(run_id, 1.0)))
    for run_id in "abc":
        scene.done("ann", lambda store, run_id=run_id: store.baselines.set("main", run_id))
    scene.simulation.jump(2 * HOUR_MS)  # packs without updates are young for an hour
    visit = scene.simulation.client("bob").begin(lambda client: client.store(scene.bucket).gc())
    scene.simulation.run(steps)
    scene.alone("eve", lambda store: store.baselines.set("main", "d"))
    scene.simulation.run()
    assert visit.outcome is Outcome.DONE, visit
    assert visit.result.condemned == []


def test_a_deletion_that_no_plan_allows_is_seen(scene):
    scene.done("ann", lambda store: store.save(sample_run("a", 1.0)))
    (name,) = (e.key for e in scene.bucket.storage.list(layout.PACKS))
    client = scene.clients["ann"]
    with pytest.raises(Violation, match="no plan"):
        client.begin(lambda client: client.backend(scene.bucket).delete(name))
        scene.simulation.run()


def test_after_a_long_sleep_a_request_is_not_sent(scene):
    client = scene.simulation.client("ann", retry=RetryPolicy(attempts=5))
    scene.clients["ann"] = client
    scene.done("ann", lambda store: store.save(sample_run("a", 1.0)))
    task = client.begin(lambda client: client.store(scene.bucket).save(sample_run("b", 1.0)))
    scene.simulation.run(1)  # up to its put
    scene.simulation.jump(48 * HOUR_MS)
    scene.simulation.run()
    assert task.outcome is not Outcome.DONE
    assert "b" not in scene.model.moments[-1].objects

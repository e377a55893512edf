"""gc, repack and attachments in the simulator: days go by, and what nobody needs goes."""

import pytest

from graven.backends.retrying import RetryPolicy
from graven.errors import NotFound
from graven.formats import layout
from graven.testing.invariants import check_nothing_damaged
from graven.testing.runs import sample_run
from graven.testing.simulation import Outcome, Simulation, Violation
from graven.testing.simulation.model import BucketModel

HOUR_MS = 3_600_000


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

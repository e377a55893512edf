"""Tensors beside a model of them: random work by two clients, and a dict that does the same."""

import random

import numpy as np
import pytest

from graven import clock
from graven.testing.runs import sample_run

RUNS = ("one", "two")
STEPS = 60


class Model:
    """What the tensors of the runs should be."""

    def __init__(self):
        self.batches = {run: {} for run in RUNS}  # batch: (metadata, tensors)
        self.entries = {run: [] for run in RUNS}
        self.deleted = set()

    def living(self):
        return [run for run in RUNS if run not in self.deleted]


class Work:
    """Draws what to do next, and does it to the store and to the model."""

    def __init__(self, seed, stores):
        self.chance = random.Random(seed)
        self.stores = stores
        self.model = Model()

    def tensors(self):
        layers = self.chance.sample(["a", "b/c", "D", "7"], self.chance.randint(0, 3))
        form = self.chance.choice(["list", "flat", "nested"])
        if form == "list":
            return [self.array() for _ in layers]
        if form == "flat":
            return {layer: self.array() for layer in layers}
        keys = ["k", "..", "x" * 50]
        return {
            layer: {k: self.array() for k in self.chance.sample(keys, self.chance.randint(0, 2))}
            for layer in layers
        }

    def array(self):
        return np.full(self.chance.choice([0, 1, 1000]), self.chance.randint(0, 3), "i2")

    def step(self):
        client = self.chance.choice(self.stores)
        living = self.model.living()
        verbs = ["put", "put", "put", "many", "append", "drop", "reindex"] if living else []
        verb = self.chance.choice([*verbs, "bury"])
        run = self.chance.choice(living or RUNS)
        getattr(self, verb)(client, run)

    def put(self, client, run):
        batch, given, metadata = self.chance.randint(0, 5), self.tensors(), self.metadata()
        client.tensors.put_batch(run, batch, given, metadata)
        self.model.batches[run][batch] = (metadata, given)

    def many(self, client, run):
        with client.tensors.writer(run) as writer:
            for batch in self.chance.sample(range(20), 12):
                given, metadata = self.tensors(), self.metadata()
                writer.put_batch(batch, given, metadata)
                self.model.batches[run][batch] = (metadata, given)

    def metadata(self):
        return self.chance.choice([{}, {"n": self.chance.randint(0, 9)}])

    def append(self, client, run):
        given, metadata = self.tensors(), self.metadata()
        clock.sleep(0.002)  # two clients in one millisecond come in either order
        client.tensors.append(run, metadata, given)
        self.model.entries[run].append((metadata, given))

    def drop(self, client, run):
        if self.model.batches[run]:
            batch = self.chance.choice(sorted(self.model.batches[run]))
            client.tensors.delete_batch(run, batch)
            del self.model.batches[run][batch]

    def bury(self, client, run):
        """Delete a run; or bring it back."""
        if run in self.model.deleted:
            client.restore(run)
            self.model.deleted.remove(run)
        else:
            client.delete(run)
            for store in self.stores:
                store.tensors.forget()  # as seconds do
            self.model.deleted.add(run)

    def reindex(self, client, _):
        client.reindex()


def same(found, given):
    if isinstance(given, dict):
        assert sorted(found) == sorted(given)
        for key, value in given.items():
            same(found[key], value)
    elif isinstance(given, list):
        assert len(found) == len(given)
        for one, other in zip(found, given, strict=True):
            same(one, other)
    else:
        assert found.dtype == given.dtype
        assert np.array_equal(found, given)


@pytest.mark.parametrize("seed", range(6))
def test_the_store_does_what_the_model_does(open_store, seed):
    stores = [open_store(), open_store()]
    for run in RUNS:
        stores[0].save(sample_run(run))
    work = Work(seed, stores)
    for _ in range(STEPS):
        work.step()
    for store in (*stores, open_store()):
        for run in work.model.living():
            batches = work.model.batches[run]
            assert store.tensors.batches(run) == sorted(batches)
            for (batch, found), (_, given) in zip(
                store.tensors.iter_batches(run),
                sorted(batches.items(), key=lambda pair: pair[0]),
                strict=True,
            ):
                same(found, given[1])
                assert store.tensors.metadata(run, batch) == given[0]
            entries = list(store.tensors.appended(run))
            assert len(entries) == len(work.model.entries[run])
            for entry, (metadata, given) in zip(entries, work.model.entries[run], strict=True):
                assert entry.metadata == metadata
                same(entry.tensors(), given)
    assert stores[0].fsck("full").ok

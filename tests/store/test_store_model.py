"""The store beside a plain dict: whatever is done in whatever order, both say the same."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from graven import Store
from graven.errors import Conflict, InvalidInput, NotFound
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run

IDS = st.sampled_from(["a", "b", "c", "Run", "run", "ü.x", "deadbeef00"])
VALUES = st.integers(0, 5).map(float)
NAMES = st.sampled_from(["main", "v1", "nightly"])
ATTACHMENTS = st.sampled_from(["logs/x", "artifacts/y/z"])


class StoreMachine(RuleBasedStateMachine):
    """``runs``, ``attached``: what is there. ``last``: what a restore brings back."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="graven-model-"))
        self.stores = [self.open(), self.open()]
        self.turn = 0
        self.runs, self.attached, self.last = {}, {}, {}
        self.pointers = {"baselines": {}, "tags": {}}
        self.history = {}

    def open(self):
        return Store(self.folder / "s", durable=False)

    @property
    def store(self):
        """Each step goes through the other of two Store objects."""
        self.turn += 1
        return self.stores[self.turn % 2]

    def guarded(self, run_id):
        return any(
            pointed is not None and pointed.id == run_id
            for space in self.pointers.values()
            for pointed in space.values()
        )

    @rule(run_id=IDS, value=VALUES, minute=st.integers(0, 3))
    def save(self, run_id, value, minute):
        run = sample_run(run_id, value, minute=minute)
        self.store.save(run)
        self.runs[run_id] = run
        self.attached.setdefault(run_id, {})

    @rule(runs=st.lists(st.tuples(IDS, VALUES), max_size=4), fails=st.booleans())
    def batch(self, runs, fails):
        made = [sample_run(run_id, value) for run_id, value in runs]
        try:
            with self.store.batch() as batch:
                for run in made:
                    batch.save(run, attachments={"logs/x": run.id.encode()})
                if fails:
                    raise InvalidInput("enough")
        except InvalidInput:
            return
        for run in made:
            self.runs[run.id] = run
            self.attached.setdefault(run.id, {})["logs/x"] = run.id.encode()

    @rule(run_id=IDS, force=st.booleans())
    def delete(self, run_id, force):
        if run_id not in self.runs:
            with pytest.raises(NotFound):
                self.store.delete(run_id, force=force)
        elif self.guarded(run_id) and not force:
            with pytest.raises(Conflict):
                self.store.delete(run_id)
        else:
            self.store.delete(run_id, force=force)
            self.last[run_id] = (self.runs.pop(run_id), self.attached.pop(run_id))

    @rule(run_id=IDS)
    def restore(self, run_id):
        if run_id in self.runs:
            with pytest.raises(Conflict):
                self.store.restore(run_id)
        elif run_id not in self.last:
            with pytest.raises(NotFound):
                self.store.restore(run_id)
        else:
            self.store.restore(run_id)
            self.runs[run_id], self.attached[run_id] = self.last.pop(run_id)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), branch=st.sampled_from(["main", "topic", None]))
    def relabel(self, data, branch):
        run_id = data.draw(st.sampled_from(sorted(self.runs)))
        self.runs[run_id] = self.store.relabel(run_id, branch=branch)
        assert self.runs[run_id].branch == branch

    @rule(run_id=IDS, name=ATTACHMENTS, data=st.binary(max_size=20))
    def attach(self, run_id, name, data):
        if run_id not in self.runs:
            with pytest.raises(NotFound):
                self.store.attach(run_id, name, data)
        else:
            self.store.attach(run_id, name, data)
            self.attached[run_id][name] = data

    @rule(run_id=IDS, name=NAMES)
    def set_baseline(self, run_id, name):
        if run_id not in self.runs:
            with pytest.raises(NotFound):
                self.store.set_baseline(run_id, name)
            return
        self.store.set_baseline(run_id, name)
        self.moved("baselines", name, self.runs[run_id])

    @rule(run_id=IDS, name=NAMES, force=st.booleans())
    def tag(self, run_id, name, force):
        standing = self.pointers["tags"].get(name)
        if run_id not in self.runs:
            with pytest.raises(NotFound):
                self.store.tags.set(name, run_id, force=force)
        elif standing is not None and standing != self.runs[run_id] and not force:
            with pytest.raises(Conflict):
                self.store.tags.set(name, run_id)
        else:
            self.store.tags.set(name, run_id, force=force)
            self.moved("tags", name, self.runs[run_id])

    @rule(space=st.sampled_from(["baselines", "tags"]), name=NAMES)
    def delete_pointer(self, space, name):
        pointers = getattr(self.store, space)
        if self.pointers[space].get(name) is None:
            with pytest.raises(NotFound):
                pointers.delete(name)
        else:
            pointers.delete(name)
            self.moved(space, name, None)

    def moved(self, space, name, run):
        if self.pointers[space].get(name) != run or run is None:
            self.history.setdefault((space, name), []).insert(0, run and run.id)
        self.pointers[space][name] = run

    @rule(which=st.integers(0, 1))
    def reopen(self, which):
        self.stores[which].close()
        self.stores[which] = self.open()

    @rule()
    def reindex(self):
        assert self.store.reindex().runs == len(self.runs)

    @rule()
    def views_match(self):
        self.store.write_views()
        assert len(list((self.folder / "s" / "runs").glob("*.json"))) == len(self.runs)

    @invariant()
    def same_as_the_model(self):
        store = self.store
        assert {run.id: run for run in store.list_runs()} == self.runs
        for run_id, wanted in self.attached.items():
            names = [attachment.name for attachment in store.attachments(run_id)]
            found = {name: store.read_attachment(run_id, name) for name in names}
            assert found == wanted
        for space, wanted in self.pointers.items():
            assert dict(getattr(store, space)) == {k: v for k, v in wanted.items() if v is not None}
        for (space, name), ids in self.history.items():
            assert [value.run for value in getattr(store, space).history(name)] == ids

    def teardown(self):
        if hasattr(self, "folder"):
            check_store(self.store, self.runs)
            for store in self.stores:
                store.close()
            shutil.rmtree(self.folder)


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=60, stateful_step_count=40)

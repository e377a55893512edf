"""Runs in bulk: pages, keys, and what changes between the list and the page."""

import numpy as np
import pytest

from graven.errors import InvalidInput
from graven.store import bulk
from graven.store.bulk import BulkRuns, attachments_of_all, state_of
from graven.testing.runs import sample_run


def fill(store, count):
    with store.batch() as batch:
        for number in range(count):
            batch.save(sample_run(f"r{number:03}", float(number), minute=number, dirty=True))


def test_every_run_comes_once_with_all_that_the_catalog_knows(store):
    fill(store, 50)
    found = BulkRuns(store)
    [page] = found.pages()
    assert [run.run_id for run in page] == [f"r{number:03}" for number in range(50)]
    headers = {header.run_id: header for header in store.headers()}
    for run in page:
        header = headers[run.run_id]
        assert (run.object_id.hex(), run.status) == (header.object_id, "ok")
        assert (run.dirty, run.bounded, run.points) == (True, True, 1)
        assert len(run.values) == 8
    assert found.widths.tolist() == [1] * 50
    assert [run.key for run in page] == [key.ljust(24, b"\0") for key in found.keys.tolist()]


def test_pages_are_cut_by_runs_and_by_values(store, monkeypatch):
    fill(store, 20)
    monkeypatch.setattr(bulk, "PAGE_RUNS", 6)
    assert [len(page) for page in BulkRuns(store).pages()] == [6, 6, 6, 2]
    monkeypatch.setattr(bulk, "PAGE_VALUES", 3)
    assert [len(page) for page in BulkRuns(store).pages()] == [3] * 6 + [2]
    places = np.array([3, 5, 19])
    [page] = BulkRuns(store).pages(places, values=False)
    assert [(run.run_id, run.values) for run in page] == [
        ("r003", None), ("r005", None), ("r019", None),
    ]  # fmt: skip


def test_what_changes_meanwhile_has_another_key_or_does_not_come(store):
    fill(store, 4)
    found = BulkRuns(store)
    store.save(sample_run("r001", 10.0))
    store.delete("r002")
    store.headers()  # the catalog is looked at anew, by whomever
    [page] = found.pages()
    assert [run.run_id for run in page] == ["r000", "r001", "r003"]
    same = [run.key in [k.ljust(24, b"\0") for k in found.keys.tolist()] for run in page]
    assert same == [True, False, True]


def test_a_query_chooses(store):
    fill(store, 10)
    assert len(BulkRuns(store, "metric.time >= 7")) == 3
    assert len(BulkRuns(store, "branch = none")) == 0
    assert list(BulkRuns(store, "branch = none").pages()) == []
    with pytest.raises(InvalidInput):
        BulkRuns(store, "metric.tim > 1")


def test_the_state_is_another_after_each_write(store):
    seen = {state_of(store)}
    for step in (
        lambda: store.save(sample_run("a")), lambda: store.save(sample_run("a", 2.0)),
        lambda: store.delete("a"), lambda: store.restore("a"),
    ):  # fmt: skip
        step()
        assert state_of(store) not in seen
        seen.add(state_of(store))
    store.headers()
    assert state_of(store) in seen


def test_attachments_of_all_runs(store):
    fill(store, 3)
    for run_id in ("r000", "r001", "r002"):
        store.attach(run_id, "artifacts/a.bin", b"12")
    store.delete("r001")
    found = [(one.run_id, one.attachment.name, one.attachment.size)
             for one in attachments_of_all(store)]  # fmt: skip
    assert found == [("r000", "artifacts/a.bin", 2), ("r002", "artifacts/a.bin", 2)]

"""What holds for every store at every moment, as functions that raise `AssertionError`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from graven import Run
from graven.objects.loose import NOTE
from graven.store import Store
from graven.store.plumbing import RefInfo

NO_DISK = f"{os.devnull}/none"
"""A folder that nobody can make: what is read of remote stores is kept in memory alone."""


def check_store(store: Store, expected: Mapping[str, Run] | None = None) -> None:
    """Check all invariants of a store that nobody is writing to.

    Args:
        store: any open store.
        expected: run id to run: exactly these must be there. None: only consistency.
    """
    check_runs_load(store)
    check_catalog_is_derived(store)
    check_nothing_damaged(store)
    if expected is not None:
        check_runs_are(store, expected)


def check_runs_load(store: Store) -> None:
    """Every visible run, attachment, baseline and tag can be read and verifies."""
    headers = store.headers()
    times = [header.timestamp for header in headers]
    assert times == sorted(times, reverse=True), "headers are not newest first"
    assert store.count() == len(headers)
    assert [run.id for run in store.list_runs()] == [header.run_id for header in headers]
    for header in headers:
        run = store.load(header.run_id)
        assert run.id == header.run_id
        assert run.timestamp == header.timestamp
        assert (run.branch, run.commit) == (header.branch, header.commit)
        assert len(run.points) == header.points
        for attachment in store.attachments(header.run_id):
            assert len(store.read_attachment(header.run_id, attachment.name)) == attachment.size
    for pointers in (store.baselines, store.tags):
        for name in pointers:
            assert pointers[name] is not None
            assert [value.seq for value in pointers.history(name)][-1] == 1


def check_catalog_is_derived(store: Store) -> None:
    """The catalog says what one built anew from the packs says."""
    anew = Store(store.url, create=False, readonly=True, backend=store._backend, cache_dir=NO_DISK)
    known, rebuilt = catalog_facts(store), catalog_facts(anew)
    for part, facts in known.items():
        assert repr(facts) == repr(rebuilt[part]), part  # repr: a NaN is none by ==


def check_nothing_damaged(store: Store) -> None:
    """``fsck --full --strict`` finds nothing but garbage."""
    report = store.fsck("full", strict=True)
    assert report.damage == [], [damage.to_dict() for damage in report.damage]


def check_runs_are(store: Store, expected: Mapping[str, Run]) -> None:
    """The store holds exactly these runs."""
    found = {run.id: run for run in store.list_runs()}
    assert found.keys() == expected.keys()
    for run_id, run in expected.items():
        assert found[run_id] == run, run_id
        assert store.load(run_id) == run, run_id


def catalog_facts(store: Store) -> dict[str, Any]:
    """All that a store's catalog answers, in a form that compares."""
    series = store.series()
    return {
        "headers": store.headers(include_deleted=True),
        "refs": [_wherever(ref) for ref in store.iter_refs()],
        "objects": [(info.id, info.kind, info.size) for info in store.iter_objects()],
        "packs": store.packs(),
        "series": series,
        "trends": [
            store.extract_trend(s.metric, s.name, s.tags, scenario=s.scenario) for s in series
        ],
        "query": sorted(run.id for run in store.query()),
    }


def _wherever(ref: RefInfo) -> RefInfo:
    """A ref without the name of its object's file.

    Two that push one loose object at once write a file each. Both hold it, and which of them
    is told depends on which pack was taken in first.
    """
    if ref.note is None or NOTE not in ref.note:
        return ref
    return ref._replace(note={k: v for k, v in ref.note.items() if k != NOTE})

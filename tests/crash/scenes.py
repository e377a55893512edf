"""A small store, and every change that can be made to it, with what it leads to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graven import Store
from graven.testing.runs import sample_run

OLD = {name: sample_run(name, minute=minute) for minute, name in enumerate("abc")}


def make_store(folder: Path) -> None:
    """Runs a, b, c (c deleted), an attachment on a, a baseline on a that was moved once."""
    store = Store(folder, durable=False)
    for run in OLD.values():
        store.save(run)
    store.attach("a", "logs/old", b"old")
    store.set_baseline("b")
    store.set_baseline("a")
    store.delete("c")
    (folder / "result.json").write_text(json.dumps(sample_run("ingested").to_dict()))
    store.close()


@dataclass
class State:
    """What a store shows: runs, attachments, the baseline."""

    runs: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)
    baseline: str | None = None

    @classmethod
    def of(cls, store: Store) -> State:
        runs = {run.id: run for run in store.list_runs()}
        attachments = {
            f"{run_id}/{found.name}": store.read_attachment(run_id, found.name)
            for run_id in runs
            for found in store.attachments(run_id)
        }
        entry = store.baselines.entry("main")
        return cls(runs, attachments, entry.run if entry else None)


def _batch(store: Store) -> None:
    with store.batch() as batch:
        for name in "xyz":
            batch.save(sample_run(name), attachments={"logs/new": name.encode()})


CHANGES: dict[str, Callable[[Store, Path], object]] = {
    "save": lambda store, _: store.save(sample_run("new")),
    "overwrite": lambda store, _: store.save(sample_run("a", 9.0)),
    "batch": lambda store, _: _batch(store),
    "set_baseline": lambda store, _: store.set_baseline("b"),
    "first_baseline": lambda store, _: store.set_baseline("b", "other"),
    "delete_baseline": lambda store, _: store.baselines.delete("main"),
    "tag": lambda store, _: store.tags.set("v1", "a"),
    "ingest": lambda store, folder: store.ingest(folder / "result.json"),
    "delete": lambda store, _: store.delete("b"),
    "delete_forced": lambda store, _: store.delete("a", force=True),
    "restore": lambda store, _: store.restore("c"),
    "relabel": lambda store, _: store.relabel("a", branch="topic"),
    "attach": lambda store, _: store.attach("a", "logs/new", b"new"),
    "attach_large": lambda store, _: store.attach("a", "artifacts/x", bytes(range(256)) * 9000),
}

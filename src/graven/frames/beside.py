"""The tables of what is kept beside runs: artifacts, baselines."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graven import clock
from graven.errors import Corrupt
from graven.frames.columns import batch
from graven.frames.facts import micros_of
from graven.frames.json_text import to_json
from graven.frames.schemas import SCHEMAS, TIME
from graven.store.base import warn
from graven.store.bulk import attachments_of_all

if TYPE_CHECKING:
    from graven.store import Store

_AT_ONCE = 8_000


def artifact_batches(
    store: Store, columns: Collection[str], chosen: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of ``artifacts``: all that is kept beside runs, or beside the ``chosen``."""
    found = (
        (run_id, kept) for run_id, kept in attachments_of_all(store)
        if chosen is None or run_id in chosen
    )  # fmt: skip
    while page := list(islice(found, _AT_ONCE)):
        arrays: dict[str, Any] = {
            "run_id": [run_id for run_id, _ in page],
            "object": [kept.object_id for _, kept in page],
            "metadata": [to_json(kept.metadata) for _, kept in page],
            "size": [min(kept.size, 2**63 - 1) for _, kept in page],
            "saved": pa.array(
                [(kept.stamp >> clock.COUNTER_BITS) * 1000 for _, kept in page], TIME
            ),
        }
        for name in ("name", "kind", "media_type", "blake3"):
            arrays[name] = [getattr(kept, name) for _, kept in page]
        yield batch(SCHEMAS["artifacts"], columns, arrays)


def baseline_batches(
    store: Store, columns: Collection[str], chosen: Collection[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of ``baselines``: the names that stand for runs, baselines and tags."""
    rows = []
    for kind, pointers in (("baseline", store.baselines), ("tag", store.tags)):
        for name, entry in pointers.entries().items():
            if isinstance(entry, Corrupt):
                warn(f"{kind} {name} is left out: {entry.message}")
            elif entry.run is not None and (chosen is None or entry.run in chosen):
                rows.append((kind, name, entry))
    if not rows:
        return
    entries = [entry for *_, entry in rows]
    yield batch(
        SCHEMAS["baselines"],
        columns,
        {
            "kind": [kind for kind, *_ in rows],
            "name": [name for _, name, _ in rows],
            "run_id": [entry.run for entry in entries],
            "object": [entry.object for entry in entries],
            "seq": [entry.seq for entry in entries],
            "by": [entry.by for entry in entries],
            "at": pa.array([micros_of(entry.at) for entry in entries], TIME),
            "message": [entry.message for entry in entries],
        },
    )

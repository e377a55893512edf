"""The tables of what runs say of themselves: runs, params."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graven import clock
from graven.frames.columns import batch
from graven.frames.json_text import to_json
from graven.frames.schemas import FROM_BODIES, SCHEMAS, TIME

if TYPE_CHECKING:
    from graven.formats.run_object import RunBody
    from graven.store.bulk import BulkRun, BulkRuns

_KEPT = 1024  # environments


class Facts:
    """Makes batches of pages of runs; remembers environments.

    Args:
        bulk: where the runs come from.
    """

    def __init__(self, bulk: BulkRuns) -> None:
        self._bulk = bulk
        self._environments: dict[bytes, str | None] = {}

    def run_batches(
        self, runs: Sequence[BulkRun], columns: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        """Rows of ``runs``."""
        if not runs:
            return
        arrays: dict[str, Any] = {
            "timestamp": pa.array([run.time for run in runs], TIME),
            "saved": pa.array([run.saved for run in runs], TIME),
            "object": [run.object_id.hex() for run in runs],
        }
        for name in (
            "run_id", "branch", "commit", "dirty", "experiment", "status", "origin", "group",
            "points", "machine",
        ):  # fmt: skip
            arrays[name] = [getattr(run, name) for run in runs]
        if "environment" in columns:
            arrays["environment"] = [self._environment(run.environment) for run in runs]
        if not FROM_BODIES["runs"].isdisjoint(columns):
            arrays |= _of_bodies(list(self._bulk.bodies(runs)))
        yield batch(SCHEMAS["runs"], columns, arrays)

    def _environment(self, object_id: bytes | None) -> str | None:
        if object_id is None:
            return None
        if object_id not in self._environments:
            if len(self._environments) >= _KEPT:
                self._environments.clear()
            found = self._bulk.environment(object_id)
            self._environments[object_id] = None if found is None else to_json(found)
        return self._environments[object_id]

    def param_batches(
        self, runs: Sequence[BulkRun], columns: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        """Rows of ``params``."""
        rows: list[tuple[str, str, str | None, float | None, str]] = []
        for run in runs:
            for key, value in (json.loads(run.params) if run.params else {}).items():
                rows.append((run.run_id, key, *param_forms(value)))
        if rows:
            names = SCHEMAS["params"].names
            parts = zip(names, zip(*rows, strict=True), strict=True)
            yield batch(SCHEMAS["params"], columns, {name: list(part) for name, part in parts})


def param_forms(value: Any) -> tuple[str | None, float | None, str]:
    """A parameter as text (None for what is no scalar), as a number (None for none), as JSON."""
    written = to_json(value)
    if isinstance(value, str):
        return value, None, written
    if isinstance(value, bool):
        return written, None, written
    if isinstance(value, (int, float)):
        return written.strip('"'), float(value), written
    return None, None, written


def _of_bodies(bodies: Sequence[RunBody | None]) -> dict[str, Any]:
    return {
        "error": [None if body is None else body.error for body in bodies],
        "commit_time": pa.array(
            [None if body is None else micros_of(body.commit_time) for body in bodies], TIME
        ),
        "metadata": [None if b is None else to_json(b.metadata or {}) for b in bodies],
        "provenance": [None if b is None else to_json(b.provenance or {}) for b in bodies],
    }


def micros_of(text: str | None) -> int | None:
    """Microseconds since 1970 UTC of an ISO 8601 time; None for what is none."""
    if text is None:
        return None
    try:
        moment = clock.micros(clock.make_aware(datetime.fromisoformat(text)))
    except (ValueError, OverflowError):
        return None  # fsck names it
    return moment if clock.MIN_MICROS <= moment <= clock.MAX_MICROS else None

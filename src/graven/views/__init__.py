"""Readable views: ``runs/<id>.json``, written for people and for calibrax, never read back."""

from __future__ import annotations

import json
import math

import msgspec

from graven.backends.base import Backend
from graven.formats import layout
from graven.ids import normal
from graven.model.run import Run


def render_view(run: Run, object_id: str) -> bytes:
    """The JSON text of a view: the run's `to_dict`, and the id of its object.

    NaN and infinities stand as Python writes them (``NaN``), which calibrax and asv
    read; JSON has no other form that they would take.
    """
    record = run.to_dict()
    record["id"] = normal(run.id)
    record["object_id"] = object_id
    if _all_finite(run):
        return msgspec.json.format(msgspec.json.encode(record), indent=2)
    return json.dumps(record, indent=2, ensure_ascii=False).encode()


def write_view(backend: Backend, run: Run, object_id: str) -> str:
    """Write a run's view and return its key. Whole or not at all; not synced to disk."""
    key = layout.view_key(normal(run.id))
    backend.put(key, render_view(run, object_id), durable=False)
    return key


def remove_view(backend: Backend, run_id: str) -> None:
    """Remove a run's view, if there is one."""
    backend.delete(layout.view_key(run_id))


def _all_finite(run: Run) -> bool:
    total = 0.0
    for point in run.points:
        for metric in point.metrics.values():
            total += metric.value
            if metric.lower is not None:
                total += metric.lower
            if metric.upper is not None:
                total += metric.upper
            if metric.samples:
                total += sum(metric.samples)
    # Free-form fields may hold a NaN too; an overflow of the sum only costs time.
    return math.isfinite(total) and not (
        _holds_nan(run.environment)
        or _holds_nan(run.metadata)
        or _holds_nan(run.params)
        or _holds_nan(run.provenance)
        or _holds_nan(run.extra)
    )


def _holds_nan(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(_holds_nan(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_nan(item) for item in value)
    return False

"""The JSON text of a view."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from graven.ids import normal
from graven.model.run import Run


def view_record(run: Run, object_id: str) -> dict[str, Any]:
    """The run's `to_dict` as the store keeps it: metrics sorted, the object's id beside them."""
    record = run.to_dict()
    record["id"] = normal(run.id)
    record["object_id"] = object_id
    for point in record["points"]:
        point["metrics"] = dict(sorted(point["metrics"].items()))
    return record


def render_view(run: Run, object_id: str) -> bytes:
    """The text of a run's view.

    NaN and infinities stand as Python writes them (``NaN``), which calibrax and asv
    read; JSON has no other form that they would take.
    """
    record = view_record(run, object_id)
    text = msgspec.json.encode(record)
    # The encoder writes null for what is no number: more of them than fields that may
    # be null means that somebody has to look.
    expected = (run.commit is None) + (run.branch is None)
    if text.count(b"null") == expected or _all_finite(record):
        return msgspec.json.format(text, indent=2)
    return json.dumps(record, indent=2, ensure_ascii=False).encode()


def _all_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_all_finite(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(_all_finite(item) for item in value)
    return True

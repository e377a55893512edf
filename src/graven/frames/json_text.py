"""JSON in a column of text: strict, so that every engine reads it."""

from __future__ import annotations

import json
import math
from typing import Any


def to_json(value: Any) -> str:
    """Strict JSON; NaN and infinities, which it has no numbers for, as text."""
    return json.dumps(_strict(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value

"""A report as one document of strict JSON: what is no number is null."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from graven.report.model import Report

SCHEMA = "graven.report/1"


def render(report: Report) -> Iterator[str]:
    """The document in pieces, a series at a time: as a whole it may be larger than memory."""
    head = replace(report, series=()).to_dict()
    head.pop("series")
    yield dump({"schema": SCHEMA, **head}).removesuffix("}") + ', "series": ['
    for at, series in enumerate(report.series):
        yield (", " if at else "") + dump(series.to_dict(report.runs))
    yield "]}\n"


def dump(value: Any) -> str:
    """ASCII, so that nothing stored reaches a terminal as an escape code."""
    return json.dumps(plain(value), allow_nan=False)


def plain(value: Any) -> Any:
    """``value`` with None for NaN and infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value

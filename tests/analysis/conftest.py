"""Small runs for the questions of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from graven.model import Metric, MetricDef, MetricDirection, Point, Run

LOWER = MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)
HIGHER = MetricDef(name="rate", unit="ops/s", direction=MetricDirection.HIGHER)


def make_point(name: str = "p", /, scenario: str = "s", **values: Any) -> Point:
    """A point whose keyword arguments are metric values, other fields aside."""
    own = {key: values.pop(key) for key in ("tags", "status", "error") if key in values}
    metrics = {key: Metric(value=value) for key, value in values.items()}
    return Point(name=name, scenario=scenario, metrics=metrics, **own)


def make_run(
    *points: Point, id: str = "run", defs: Mapping[str, MetricDef] | None = None, **fields: Any
) -> Run:
    """A run with the metrics ``time`` (lower, s) and ``rate`` (higher, ops/s) defined."""
    return Run(
        id=id,
        timestamp=datetime(2026, 1, 2, tzinfo=UTC),
        points=points,
        metric_defs={"time": LOWER, "rate": HIGHER} if defs is None else dict(defs),
        **fields,
    )


@pytest.fixture
def point() -> Callable[..., Point]:
    return make_point


@pytest.fixture
def run() -> Callable[..., Run]:
    return make_run

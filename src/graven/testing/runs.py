"""Small runs for tests of what stores them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from graven.model import Metric, MetricDef, MetricDirection, Point, Run

_START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_DEFS = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)}


def sample_run(run_id: str, value: float = 1.0, *, minute: int = 0, **fields: Any) -> Run:
    """A run of one point ``sort/quick`` in scenario ``cpu`` with the metric ``time``.

    Args:
        run_id: its id.
        value: of the metric, in seconds.
        minute: minutes after a fixed start, for its timestamp.
        fields: other fields of `Run`.
    """
    point = Point(
        name="sort/quick",
        scenario="cpu",
        tags={"size": "10"},
        metrics={"time": Metric(value=value, lower=value - 0.5, upper=value + 0.5)},
    )
    known: dict[str, Any] = {
        "points": (point,),
        "id": run_id,
        "timestamp": _START + timedelta(minutes=minute),
        "environment": {"cpu": "some", "cores": 2},
        "metric_defs": _DEFS,
    }
    return Run(**(known | fields))

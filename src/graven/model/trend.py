"""One metric of one benchmark over many runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from graven import clock
from graven.model.reading import (
    fail,
    read_list,
    read_map,
    read_number,
    read_optional_number,
    read_optional_text,
    read_tags,
    read_text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """The metric's value in one run."""

    run_id: str
    timestamp: datetime
    value: float
    commit: str | None = None
    lower: float | None = None
    upper: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; None fields are left out."""
        record: dict[str, Any] = {
            "run_id": self.run_id,
            "timestamp": self.timestamp.isoformat(),
            "value": self.value,
        }
        for name in ("commit", "lower", "upper"):
            value = getattr(self, name)
            if value is not None:
                record[name] = value
        return record

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "trend_point") -> Self:
        """Read `to_dict`'s form."""
        record = read_map(data, where)
        for key in ("run_id", "timestamp", "value"):
            if key not in record:
                fail(f"{where}.{key}", "is missing")
        return cls(
            run_id=read_text(record["run_id"], f"{where}.run_id"),
            timestamp=clock.parse_time(read_text(record["timestamp"], f"{where}.timestamp")),
            value=read_number(record["value"], f"{where}.value"),
            commit=read_optional_text(record.get("commit"), f"{where}.commit"),
            lower=read_optional_number(record.get("lower"), f"{where}.lower"),
            upper=read_optional_number(record.get("upper"), f"{where}.upper"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendSeries:
    """What `Store.extract_trend` answers: ``points`` oldest first."""

    metric: str
    point_name: str
    tags: dict[str, str] = field(default_factory=dict)
    points: tuple[TrendPoint, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "metric": self.metric,
            "point_name": self.point_name,
            "tags": dict(self.tags),
            "points": [point.to_dict() for point in self.points],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s form."""
        record = read_map(data, "trend")
        for key in ("metric", "point_name"):
            if key not in record:
                fail(key, "is missing")
        points = read_list(record.get("points", []), "points")
        return cls(
            metric=read_text(record["metric"], "metric"),
            point_name=read_text(record["point_name"], "point_name"),
            tags=read_tags(record.get("tags", {}), "tags"),
            points=tuple(TrendPoint.from_dict(p, f"points[{i}]") for i, p in enumerate(points)),
        )

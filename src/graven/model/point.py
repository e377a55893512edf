"""One benchmark's result within a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from graven.errors import InvalidInput
from graven.model.metric import Metric, _with_extra
from graven.model.reading import (
    fail,
    plain,
    read_map,
    read_optional_text,
    read_tags,
    read_text,
    show,
)


class PointStatus(StrEnum):
    """Failed and skipped points are kept, and told apart."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A named result: (scenario, name, tags) says which, ``metrics`` how much.

    Attributes:
        name: the benchmark.
        scenario: the suite or workload it belongs to.
        tags: parameters, text to text.
        metrics: name to `Metric`.
        status: ok, failed or skipped.
        error: what went wrong, for a failed point.
        version: version of the benchmark's definition; values of different versions
            are different series to tools that know (asv).
        extra: fields of a newer writer, kept as they came.
    """

    name: str
    scenario: str
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    status: PointStatus = PointStatus.OK
    error: str | None = None
    version: str | None = None
    extra: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: calibrax's four keys always, ours where they say something."""
        try:
            metrics = {name: metric.to_dict() for name, metric in self.metrics.items()}
        except InvalidInput:
            metrics = {name: self._metric_dict(name) for name in self.metrics}
        record: dict[str, Any] = {
            "name": self.name,
            "scenario": self.scenario,
            "tags": dict(self.tags),
            "metrics": metrics,
        }
        if self.status is not PointStatus.OK:
            record["status"] = str(self.status)
        if self.error is not None:
            record["error"] = self.error
        if self.version is not None:
            record["version"] = self.version
        return _with_extra(record, self.extra)

    def _metric_dict(self, name: str) -> dict[str, Any]:
        try:
            return self.metrics[name].to_dict()
        except InvalidInput as error:
            fail(f"metrics.{name}.{error.fields.get('field', 'value')}", error.message)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "point") -> Self:
        """Read `to_dict`'s form; ``name`` and ``scenario`` must be there."""
        record = read_map(data, where)
        for key in ("name", "scenario"):
            if key not in record:
                fail(f"{where}.{key}", "is missing")
        metrics = read_map(record.pop("metrics", {}), f"{where}.metrics")
        status = record.pop("status", "ok")
        if status not in tuple(PointStatus):
            fail(f"{where}.status", f"{show(status)} is none of {', '.join(PointStatus)}")
        return cls(
            name=read_text(record.pop("name"), f"{where}.name"),
            scenario=read_text(record.pop("scenario"), f"{where}.scenario"),
            tags=read_tags(record.pop("tags", {}), f"{where}.tags"),
            metrics={
                name: Metric.from_dict(value, f"{where}.metrics.{name}")
                for name, value in metrics.items()
            },
            status=PointStatus(status),
            error=read_optional_text(record.pop("error", None), f"{where}.error"),
            version=read_optional_text(record.pop("version", None), f"{where}.version"),
            extra=plain(record, where) if record else None,
        )

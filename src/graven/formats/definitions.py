"""The shared half of a run: metric definitions and the list of its benchmarks.

Runs of one suite differ in their numbers, not in what was measured; so the names,
scenarios, tags and metrics of all points form one `definitions` object that thousands
of runs share, and a run keeps columns of floats in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graven.errors import Corrupt, InvalidInput
from graven.formats.envelope import DEFINITIONS, seal, unseal
from graven.model.metric import MetricDef
from graven.model.point import Point
from graven.model.reading import read_tags, read_text


class PointShape:
    """A point without its numbers. ``metrics`` is sorted: the order of the columns."""

    __slots__ = ("estimators", "metrics", "name", "scenario", "tags", "version")

    def __init__(
        self,
        name: str,
        scenario: str,
        tags: dict[str, str],
        metrics: Sequence[str],
        *,
        version: str | None = None,
        estimators: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.scenario = scenario
        self.tags = tags
        self.metrics = metrics
        self.version = version
        self.estimators = estimators or {}


class Definitions:
    """Decoded `definitions` object: shapes of the points in order, metric definitions.

    ``width`` is the number of columns entries: all metrics of all points.
    """

    __slots__ = ("metric_defs", "shapes", "width")

    def __init__(self, shapes: list[PointShape], metric_defs: dict[str, MetricDef]) -> None:
        self.shapes = shapes
        self.metric_defs = metric_defs
        self.width = sum(len(shape.metrics) for shape in shapes)


def encode_definitions(points: Sequence[Point], metric_defs: dict[str, MetricDef]) -> bytes:
    """The object bytes for these points and definitions.

    Raises:
        InvalidInput: a name or tag that is no text; the message names the field.
    """
    defs: dict[str, Any] = {}
    for name, definition in metric_defs.items():
        where = f"metric_defs.{name}"
        if not isinstance(definition, MetricDef):
            raise InvalidInput(f"{where}: not a MetricDef", kind="bad-field", field=where)
        record = definition.to_dict()
        if record["name"] == name:
            del record["name"]
        defs[read_text(name, "metric_defs key")] = record
    shapes = [_shape_record(point, f"points[{i}]") for i, point in enumerate(points)]
    return seal(DEFINITIONS, {"metrics": defs, "points": shapes})


def _shape_record(point: Point, where: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "metrics": sorted(read_text(name, f"{where}.metrics key") for name in point.metrics),
        "name": read_text(point.name, f"{where}.name"),
        "scenario": read_text(point.scenario, f"{where}.scenario"),
        "tags": read_tags(point.tags, f"{where}.tags"),
    }
    estimators = {n: m.estimator for n, m in point.metrics.items() if m.estimator is not None}
    if estimators:
        record["estimators"] = estimators
    if point.version is not None:
        record["version"] = read_text(point.version, f"{where}.version")
    return record


def decode_definitions(data: bytes) -> Definitions:
    """Read a `definitions` object.

    Raises:
        Corrupt: not one.
    """
    body = unseal(data, DEFINITIONS).body
    try:
        shapes = [
            PointShape(
                record["name"],
                record["scenario"],
                record["tags"],
                tuple(record["metrics"]),
                version=record.get("version"),
                estimators=record.get("estimators"),
            )
            for record in body["points"]
        ]
        defs = {
            name: MetricDef.from_dict({"name": name, **record}, f"metrics.{name}")
            for name, record in body["metrics"].items()
        }
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise Corrupt(f"definitions object is malformed: {error}", kind="bad-object") from None
    return Definitions(shapes, defs)

"""The shared half of a run: metric definitions and the list of its benchmarks.

Runs of one suite differ in their numbers, not in what was measured; so the names,
scenarios, tags and metrics of all points form one `definitions` object that thousands
of runs share, and a run keeps columns of floats in its order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graven.errors import Corrupt, InvalidInput
from graven.formats.envelope import DEFINITIONS, seal, unseal
from graven.ids import normal
from graven.model.metric import Metric, MetricDef
from graven.model.point import Point
from graven.model.reading import fail, read_list, read_map, read_tags, read_text, show


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


def column_order(metrics: Iterable[str]) -> list[str]:
    """Metric names in the order of the columns: that of their form C, which is stored."""
    return sorted(metrics, key=normal)


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
        MetricDef.from_dict(record, where)  # what cannot be read back is not written
        record["name"] = normal(record["name"])
        if record["name"] == normal(name):
            del record["name"]
        defs[read_text(name, "metric_defs key")] = record
    shapes = [_shape_record(point, f"points[{i}]") for i, point in enumerate(points)]
    return seal(DEFINITIONS, {"metrics": defs, "points": shapes})


def _shape_record(point: Point, where: str) -> dict[str, Any]:
    if not isinstance(point, Point):
        fail(where, f"expected a Point, got {show(point)}")
    record: dict[str, Any] = {
        "metrics": _metric_names(point.metrics, where),
        "name": normal(read_text(point.name, f"{where}.name")),
        "scenario": normal(read_text(point.scenario, f"{where}.scenario")),
        "tags": read_tags(point.tags, f"{where}.tags"),
    }
    estimators = {
        name: read_text(metric.estimator, f"{where}.metrics.{name}.estimator")
        for name, metric in point.metrics.items()
        if metric.estimator is not None
    }
    if estimators:
        record["estimators"] = estimators
    if point.version is not None:
        record["version"] = read_text(point.version, f"{where}.version")
    return record


def _metric_names(metrics: dict[str, Metric], where: str) -> list[str]:
    for name, metric in read_map(metrics, f"{where}.metrics").items():
        if not isinstance(metric, Metric):
            fail(f"{where}.metrics.{name}", f"expected a Metric, got {show(metric)}")
    names = [normal(name) for name in column_order(metrics)]
    for one, other in itertools.pairwise(names):
        if one == other:
            fail(f"{where}.metrics", f"names that are equal in Unicode form C: {one!r}")
    return names


def decode_definitions(data: bytes) -> Definitions:
    """Read a `definitions` object.

    Raises:
        Corrupt: not one.
    """
    body = unseal(data, DEFINITIONS).body
    with _malformed():
        shapes = [_shape(record) for record in read_list(body["points"], "points")]
        return Definitions(shapes, _metric_defs(body))


def decode_metric_defs(data: bytes) -> dict[str, MetricDef]:
    """The metrics of a `definitions` object, whatever its points are: they may be many.

    Raises:
        Corrupt: not one.
    """
    body = unseal(data, DEFINITIONS).body
    with _malformed():
        return _metric_defs(body)


@contextmanager
def _malformed() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise Corrupt(f"definitions object is malformed: {error}", kind="bad-object") from None


def _metric_defs(body: dict[str, Any]) -> dict[str, MetricDef]:
    return {
        name: MetricDef.from_dict({"name": name, **record}, f"metrics.{name}")
        for name, record in body["metrics"].items()
    }


def _shape(record: dict[str, Any]) -> PointShape:
    metrics = tuple(read_text(name, "metrics") for name in read_list(record["metrics"], "metrics"))
    estimators = read_tags(record.get("estimators", {}), "estimators")
    if len(set(metrics)) != len(metrics) or not estimators.keys() <= set(metrics):
        fail("metrics", "names that are there twice, or an estimator of none")
    version = record.get("version")
    return PointShape(
        read_text(record["name"], "name"),
        read_text(record["scenario"], "scenario"),
        read_tags(record["tags"], "tags"),
        metrics,
        version=None if version is None else read_text(version, "version"),
        estimators=estimators,
    )

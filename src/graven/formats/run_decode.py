"""Objects made into a Run again: the inverse of `run` (docs/format.md, "Runs").

The hot path of every listing: it avoids a Python call per metric where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from graven.errors import Corrupt, FormatTooNew
from graven.formats.columns import Column, column_length, unpack_floats
from graven.formats.definitions import Definitions, decode_definitions
from graven.formats.envelope import ENVIRONMENT, unseal
from graven.formats.header import grow_commit
from graven.formats.run_object import Numbers, RunBody, decode_body, unknown_fields
from graven.ids import ObjectId
from graven.model.metric import Metric
from graven.model.point import Point, PointStatus
from graven.model.run import Origin, Run

MAX_SHARED = 1024  # shared objects remembered; as many as the encoder's


def decode_run(data: bytes, fetch: Callable[[ObjectId], bytes]) -> Run:
    """Put a run together.

    Args:
        data: bytes of the `run` object.
        fetch: gives the bytes of the environment and definitions it names.
    """
    return RunDecoder(fetch).decode(data)


_ORIGINS = {origin.value: origin for origin in Origin}  # asking the class takes ten times as long
_new = object.__new__
_set_value = Metric.__dict__["value"].__set__
_set_lower = Metric.__dict__["lower"].__set__
_set_upper = Metric.__dict__["upper"].__set__
_set_samples = Metric.__dict__["samples"].__set__
_set_groups = Metric.__dict__["sample_groups"].__set__
_set_estimator = Metric.__dict__["estimator"].__set__
_set_metric_extra = Metric.__dict__["extra"].__set__


class RunDecoder:
    """Decodes runs; keeps the shared objects of the runs it has seen."""

    def __init__(self, fetch: Callable[[ObjectId], bytes]) -> None:
        self._fetch = fetch
        self._definitions: dict[bytes, Definitions] = {}
        self._environments: dict[bytes, bytes] = {}
        self._given: dict[bytes, bytes] = {}

    def knows(self, object_id: bytes) -> bool:
        """True if the shared object is remembered."""
        return (
            object_id in self._definitions
            or object_id in self._environments
            or object_id in self._given
        )

    def remember(self, object_id: bytes, data: bytes) -> None:
        """Take a shared object that a run to come will name, so that it is not fetched."""
        if len(self._given) >= MAX_SHARED:
            self._given.clear()
        self._given[object_id] = data

    def _get(self, object_id: bytes) -> bytes:
        given = self._given.pop(object_id, None)
        return self._fetch(ObjectId(object_id)) if given is None else given

    def decode(
        self, data: bytes, object_id: ObjectId | None = None, body: RunBody | None = None
    ) -> Run:
        """Put a run together.

        Args:
            data: bytes of the `run` object.
            object_id: its name, for the messages of errors.
            body: what `decode_body` makes of ``data``, where the caller has it already.

        Raises:
            Corrupt: the object contradicts itself or its definitions.
        """
        try:
            return self._decode(data, object_id, body or decode_body(data))
        except (Corrupt, FormatTooNew) as error:
            raise _named(error, object_id) from error

    def _decode(self, data: bytes, object_id: ObjectId | None, body: RunBody) -> Run:
        unknown = unknown_fields(data, body)
        definitions = self.definitions(body.definitions)
        # Outside of the handler: a NotFound is a KeyError too.
        environment = self._environment(body.environment)
        if column_length(body.value) != definitions.width:
            raise Corrupt(
                f"run has {column_length(body.value)} values, its definitions name"
                f" {definitions.width}",
                kind="bad-object",
            )
        try:
            return Run.deferred(
                {
                    "points": partial(_decode_points, body, definitions, object_id),
                    "environment": partial(_decode_environment, environment),
                },
                id=body.id,
                timestamp=datetime.fromisoformat(body.timestamp),
                commit=grow_commit(body.commit),
                branch=body.branch,
                metadata=body.metadata or {},
                metric_defs=dict(definitions.metric_defs),
                experiment=body.experiment,
                status=body.status,
                params=body.params or {},
                error=body.error,
                provenance=body.provenance or {},
                origin=_ORIGINS.get(body.origin) or Origin(body.origin),
                group=body.group,
                commit_time=(
                    datetime.fromisoformat(body.commit_time) if body.commit_time else None
                ),
                dirty=body.dirty,
                guessed=tuple(body.guessed),
                extra={**(body.extra or {}), **unknown} or None,
            )
        except (ValueError, IndexError, KeyError) as error:
            raise Corrupt(f"run object is malformed: {error}", kind="bad-object") from None

    def definitions(self, object_id: bytes) -> Definitions:
        """The decoded definitions of that id, remembered."""
        found = self._definitions.get(object_id)
        if found is None:
            found = decode_definitions(self._get(object_id))
            if len(self._definitions) >= MAX_SHARED:
                self._definitions.clear()
            self._definitions[object_id] = found
        return found

    def _environment(self, object_id: bytes) -> bytes:
        """The bytes of an environment that is known to be one."""
        data = self._environments.get(object_id)
        if data is None:
            data = self._get(object_id)
            _decode_environment(data)  # a damaged one is told now, not when it is looked at
            if len(self._environments) >= MAX_SHARED:
                self._environments.clear()
            self._environments[object_id] = data
        return data


def numbers_of(body: RunBody) -> Numbers | None:
    """The columns of a run that has nothing else to its points; None if it has more."""
    if (
        body.samples is not None
        or body.lower_at is not None
        or body.upper_at is not None
        or body.point_status
        or body.point_extra
        or body.metric_extra
        or body.sample_groups
    ):
        return None
    return Numbers(
        unpack_floats(body.value),
        None if body.lower is None else unpack_floats(body.lower),
        None if body.upper is None else unpack_floats(body.upper),
    )


def _decode_environment(data: bytes) -> dict[str, Any]:
    # Anew for each run: callers may change what they get.
    body = unseal(data, ENVIRONMENT).body
    if not isinstance(body, dict):
        raise Corrupt("environment object is no map", kind="bad-object")
    return body


def _decode_metrics(body: RunBody, definitions: Definitions) -> list[Metric]:
    width = definitions.width
    metrics = []
    bounds = zip(
        unpack_floats(body.value),
        _spread(body.lower, body.lower_at, width),
        _spread(body.upper, body.upper_at, width),
        strict=True,
    )
    # Setting slots one by one goes round the frozen dataclass's __init__, which
    # takes three times as long; a run has dozens of metrics.
    for value, lower, upper in bounds:
        metric = _new(Metric)
        _set_value(metric, value)
        _set_lower(metric, lower)
        _set_upper(metric, upper)
        _set_samples(metric, None)
        _set_groups(metric, None)
        _set_estimator(metric, None)
        _set_metric_extra(metric, None)
        metrics.append(metric)
    if body.samples is not None and body.sample_counts is not None:
        _spread_samples(metrics, body.sample_counts, unpack_floats(body.samples))
    for position, groups in body.sample_groups:
        _set_groups(metrics[_checked(position)], tuple(groups))
    for position, extra in body.metric_extra:
        _set_metric_extra(metrics[_checked(position)], extra)
    return metrics


def _spread(column: Column | None, at: list[int] | None, width: int) -> Sequence[float | None]:
    if column is None:
        return [None] * width
    values = unpack_floats(column)
    if at is None:
        if len(values) != width:
            raise Corrupt("run's column of bounds has another length", kind="bad-object")
        return values
    out: list[float | None] = [None] * width
    for position, value in zip(at, values, strict=True):
        out[_checked(position)] = value
    return out


def _checked(position: int) -> int:
    if position < 0:  # would count from the end
        raise Corrupt("run names a metric below the first", kind="bad-object")
    return position


def _spread_samples(metrics: list[Metric], counts: list[int], samples: list[float]) -> None:
    if len(counts) != len(metrics) or sum(c for c in counts if c > 0) != len(samples):
        raise Corrupt("run's samples do not add up", kind="bad-object")
    start = 0
    for metric, count in zip(metrics, counts, strict=True):
        if count >= 0:
            _set_samples(metric, tuple(samples[start : start + count]))
            start += count


def _named(error: Corrupt | FormatTooNew, object_id: ObjectId | None) -> Corrupt | FormatTooNew:
    if object_id is None:
        return error
    name = object_id.hex()
    return error.inside(f"object {name}", object=name)


def _decode_points(
    body: RunBody, definitions: Definitions, object_id: ObjectId | None
) -> tuple[Point, ...]:
    """The points of a run, when somebody first looks at them.

    Raises:
        Corrupt: the object contradicts itself.
    """
    try:
        try:
            return _build_points(body, definitions, _decode_metrics(body, definitions))
        except (ValueError, IndexError, KeyError) as error:
            raise Corrupt(f"run object is malformed: {error}", kind="bad-object") from None
    except Corrupt as error:  # far from whoever loaded the run
        raise _named(error, object_id).inside(f"run {body.id}", run=body.id) from error


def _build_points(
    body: RunBody, definitions: Definitions, metrics: list[Metric]
) -> tuple[Point, ...]:
    status = {index: (kind, error) for index, kind, error in body.point_status}
    extra = dict(body.point_extra)
    points = []
    start = 0
    for index, shape in enumerate(definitions.shapes):
        own = dict(zip(shape.metrics, metrics[start : start + len(shape.metrics)], strict=True))
        start += len(shape.metrics)
        for name, estimator in shape.estimators.items():
            _set_estimator(own[name], estimator)
        if index in status or index in extra or shape.version is not None:
            kind, error = status.get(index, ("ok", None))
            point = Point(
                name=shape.name,
                scenario=shape.scenario,
                tags=dict(shape.tags),
                metrics=own,
                status=PointStatus(kind),
                error=error,
                version=shape.version,
                extra=extra.get(index),
            )
        else:
            point = Point(
                name=shape.name, scenario=shape.scenario, tags=dict(shape.tags), metrics=own
            )
        points.append(point)
    return tuple(points)

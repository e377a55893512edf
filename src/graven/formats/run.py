"""The `run` object, and a Run made into it (docs/format.md, "Runs").

Encoding is the hot path of every save: it avoids a Python call per metric where it can.
`run_decode` is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from graven import clock
from graven.errors import Corrupt, InvalidInput
from graven.formats import canonical
from graven.formats.columns import (
    Column,
    column_length,
    is_canonical,
    pack_floats,
    value_at,
)
from graven.formats.definitions import encode_definitions
from graven.formats.envelope import (
    DEFINITIONS,
    ENVIRONMENT,
    RUN,
    VERSIONS,
    check_version,
    seal,
    unseal,
)
from graven.formats.header import Header, shrink_commit
from graven.formats.pack import Item
from graven.ids import GENERATED_RUN_ID_HEX, check_run_id, hash_bytes
from graven.model.metric import Metric
from graven.model.point import Point, PointStatus
from graven.model.reading import plain, read_map, read_number, read_numbers, read_text
from graven.model.run import Run


class RunBody(msgspec.Struct, omit_defaults=True):
    """Body of a `run` object.

    Columns have an entry for each metric of each point, in the order of the definitions.
    ``lower_at`` and ``upper_at`` list the entries that have a bound, if only some have.
    ``samples`` joins all samples; ``sample_counts`` has an entry each, -1 for none.
    """

    definitions: bytes
    environment: bytes
    id: str
    timestamp: str
    branch: str | None = None
    commit: Any = None  # bytes | str | None: a union that msgspec does not take
    commit_time: str | None = None
    dirty: bool | None = None
    error: str | None = None
    experiment: str | None = None
    extra: dict[str, Any] | None = None
    group: str | None = None
    guessed: list[str] = []
    lower: Column | None = None
    lower_at: list[int] | None = None
    metadata: dict[str, Any] | None = None
    metric_extra: list[tuple[int, dict[str, Any]]] = []
    origin: str = "measured"
    params: dict[str, Any] | None = None
    point_extra: list[tuple[int, dict[str, Any]]] = []
    point_status: list[tuple[int, str, str | None]] = []
    provenance: dict[str, Any] | None = None
    sample_counts: list[int] | None = None
    sample_groups: list[tuple[int, list[int]]] = []
    samples: Column | None = None
    status: str = "ok"
    upper: Column | None = None
    upper_at: list[int] | None = None
    value: Column = b""


class EncodedRun(NamedTuple):
    """What a run becomes: its object, the two it names, and its header row."""

    run_id: str
    run: Item
    environment: Item
    definitions: Item
    header: Header


_encode_body = msgspec.msgpack.Encoder(order="sorted").encode
_decode_body = msgspec.msgpack.Decoder(tuple[str, int, RunBody]).decode
_fingerprint = msgspec.msgpack.Encoder(order="deterministic").encode


class RunEncoder:
    """Encodes runs; remembers the shared objects of the runs it has seen.

    The memory is keyed by the msgpack bytes of what goes into a shared object, so a
    dictionary that is changed between two saves is noticed. Not for two threads at once.
    """

    MAX_SHARED = 1024

    def __init__(self) -> None:
        self._shared: dict[bytes, Item] = {}

    def encode(self, run: Run) -> EncodedRun:
        """Take a run apart.

        Raises:
            InvalidInput: a field that has no place in a run; the message names it.
            TypeError: a value in ``environment``, ``metadata``, ``params`` or
                ``provenance`` that JSON has no form for.
        """
        run_id = check_run_id(run.id)
        definitions = self._definitions(run)
        environment = self._environment(run.environment)
        data = _encode_run(run, run_id, definitions.id, environment.id)
        item = Item(hash_bytes(data), RUN, data)
        return EncodedRun(run_id, item, environment, definitions, make_header(run))

    def _definitions(self, run: Run) -> Item:
        key = b"d" + _try_fingerprint(
            [
                [(p.name, p.scenario, p.tags, tuple(p.metrics), p.version) for p in run.points],
                run.metric_defs,
                _estimators(run.points),
            ]
        )
        return self._remember(
            key, DEFINITIONS, lambda: encode_definitions(run.points, run.metric_defs)
        )

    def _environment(self, environment: dict[str, Any]) -> Item:
        key = b"e" + _try_fingerprint(environment)
        return self._remember(
            key,
            ENVIRONMENT,
            lambda: seal(ENVIRONMENT, plain(read_map(environment, "environment"), "environment")),
        )

    def _remember(self, key: bytes, kind: str, make: Callable[[], bytes]) -> Item:
        known = self._shared.get(key) if len(key) > 1 else None
        if known is not None:
            return known
        data = make()
        item = Item(hash_bytes(data), kind, data)
        if len(self._shared) >= self.MAX_SHARED:
            self._shared.clear()
        self._shared[key] = item
        return item


def _estimators(points: Sequence[Point]) -> list[str | None] | None:
    found = [m.estimator for p in points for m in p.metrics.values()]
    return found if any(found) else None


def _try_fingerprint(value: object) -> bytes:
    """The msgpack bytes of ``value``, or none where it holds what only the slow path knows."""
    try:
        return _fingerprint(value)
    except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
        return b""


def make_header(run: Run) -> Header:
    """The header row of a run."""
    return Header(
        clock.micros(run.timestamp),
        run.branch,
        shrink_commit(run.commit),
        run.experiment,
        run.status,
        str(run.origin),
        len(run.points),
        run.group,
    )


def content_run_id(run: Run) -> str:
    """The id of a run that was given none: from all of its content (20 hex digits)."""
    encoder = RunEncoder()
    data = _encode_run(
        run, "", encoder._definitions(run).id, encoder._environment(run.environment).id
    )
    return hash_bytes(data).hex()[:GENERATED_RUN_ID_HEX]


# --- encoding --------------------------------------------------------------


def _encode_run(run: Run, run_id: str, definitions: bytes, environment: bytes) -> bytes:
    body = RunBody(
        definitions=definitions,
        environment=environment,
        id=run_id,
        timestamp=_time_text(run.timestamp, "timestamp"),
        branch=_opt_text(run.branch, "branch"),
        commit=shrink_commit(_opt_text(run.commit, "commit")),
        error=_opt_text(run.error, "error"),
        experiment=_opt_text(run.experiment, "experiment"),
        group=_opt_text(run.group, "group"),
        origin=str(run.origin),
        status=read_text(run.status, "status"),
        dirty=run.dirty,
        guessed=[read_text(name, "guessed") for name in run.guessed],
        commit_time=(
            None if run.commit_time is None else _time_text(run.commit_time, "commit_time")
        ),
        metadata=_free_map(run.metadata, "metadata"),
        params=_free_map(run.params, "params"),
        provenance=_free_map(run.provenance, "provenance"),
        extra=_free_map(run.extra, "run"),
    )
    _fill_columns(body, run.points)
    return _encode_body((RUN, VERSIONS[RUN], body))


def _opt_text(value: str | None, where: str) -> str | None:
    return None if value is None else read_text(value, where)


def _time_text(moment: datetime, where: str) -> str:
    if not isinstance(moment, datetime):
        raise InvalidInput(f"{where}: not a datetime", kind="bad-field", field=where)
    return clock.make_aware(moment).isoformat()


def _free_map(value: dict[str, Any] | None, where: str) -> dict[str, Any] | None:
    if not value:
        return None
    out: dict[str, Any] = canonical.normalise(plain(read_map(value, where), where), where)
    return out


def _fill_columns(body: RunBody, points: Sequence[Point]) -> None:
    values: list[Any] = []
    lower: list[Any] = []
    upper: list[Any] = []
    rare: list[tuple[int, Metric]] = []
    for index, point in enumerate(points):
        metrics = point.metrics
        for name in sorted(metrics):
            metric = metrics[name]
            if metric.samples is not None or metric.sample_groups or metric.extra:
                rare.append((len(values), metric))
            values.append(metric.value)
            lower.append(metric.lower)
            upper.append(metric.upper)
        if point.status is not PointStatus.OK or point.error is not None:
            error = _opt_text(point.error, f"points[{index}].error")
            body.point_status.append((index, str(point.status), error))
        if point.extra:
            extra = _free_map(point.extra, f"points[{index}]") or {}
            body.point_extra.append((index, extra))
    where = _Where(points)
    body.value = pack_floats(_clean(values, where, "value"))
    body.lower, body.lower_at = _bounds(lower, where, "lower")
    body.upper, body.upper_at = _bounds(upper, where, "upper")
    if rare:
        _fill_samples(body, rare, len(values), where)


class _Where:
    """Names a column entry in an error; built only when there is one."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points

    def name(self, position: int, field: str) -> str:
        for index, point in enumerate(self._points):
            if position < len(point.metrics):
                return f"points[{index}].metrics.{sorted(point.metrics)[position]}.{field}"
            position -= len(point.metrics)
        return field


_FLOAT_ONLY = {float}


def _clean(values: list[Any], where: _Where, field: str, at: Sequence[int] | None = None) -> Any:
    """Floats in canonical form: one zero, one NaN; other numbers read, or refused by name."""
    if set(map(type, values)) - _FLOAT_ONLY:
        values = [
            read_number(v, where.name(at[i] if at else i, field)) for i, v in enumerate(values)
        ]
    if 0.0 in values:
        values = [v + 0.0 for v in values]
    if not math.isfinite(sum(values)):
        values = [canonical.NAN if math.isnan(v) else v for v in values]
    return values


def _bounds(values: list[Any], where: _Where, field: str) -> tuple[Column | None, list[int] | None]:
    if None not in values:
        return (pack_floats(_clean(values, where, field)), None) if values else (None, None)
    at = [i for i, v in enumerate(values) if v is not None]
    if not at:
        return None, None
    return pack_floats(_clean([values[i] for i in at], where, field, at)), at


def _fill_samples(body: RunBody, rare: list[tuple[int, Metric]], width: int, where: _Where) -> None:
    counts = [-1] * width
    joined: list[float] = []
    for position, metric in rare:
        if metric.samples is not None:
            samples = read_numbers(metric.samples, where.name(position, "samples"))
            counts[position] = len(samples)
            joined.extend(samples)
        if metric.sample_groups is not None:
            body.sample_groups.append((position, [int(n) for n in metric.sample_groups]))
        if metric.extra:
            body.metric_extra.append(
                (position, _free_map(metric.extra, where.name(position, "extra")) or {})
            )
    if any(count >= 0 for count in counts):
        body.sample_counts = counts
        body.samples = pack_floats(_clean(joined, where, "samples"))


# --- the object as it is ---------------------------------------------------


def decode_body(data: bytes) -> RunBody:
    """Read a `run` object into its body, columns still packed.

    Raises:
        Corrupt: not a run object. FormatTooNew: a newer version of one.
    """
    try:
        kind, version, body = _decode_body(data)
    except (msgspec.DecodeError, RecursionError) as error:
        envelope = unseal(data, RUN)  # says so if it is another kind, or newer
        raise Corrupt(
            f"run object is malformed (version {envelope.version}): {error}", kind="bad-object"
        ) from None
    if kind != RUN:
        raise Corrupt(f"object is a {kind!r} where a run was expected", kind="wrong-kind")
    check_version(RUN, version)
    return body


def unknown_fields(data: bytes, body: RunBody) -> dict[str, Any]:
    """Fields of the stored body that this program does not know.

    Raises:
        Corrupt: no such fields, and yet not the canonical bytes.
    """
    if _encode_body((RUN, VERSIONS[RUN], body)) == data:
        return {}
    known = set(RunBody.__struct_fields__)
    stored = canonical.decode(data)[2]
    return {name: value for name, value in stored.items() if name not in known}


def is_canonical_run(data: bytes) -> bool:
    """True if the object's bytes are the only ones that its content may have.

    Raises:
        Corrupt: no run object at all.
    """
    body = decode_body(data)
    columns = (body.value, body.lower, body.upper, body.samples)
    return not unknown_fields(data, body) and all(c is None or is_canonical(c) for c in columns)


def bounds_at(body: RunBody, position: int) -> tuple[float | None, float | None]:
    """Lower and upper bound of one column entry."""
    return (
        _bound_at(body.lower, body.lower_at, position),
        _bound_at(body.upper, body.upper_at, position),
    )


def _bound_at(column: Column | None, at: list[int] | None, position: int) -> float | None:
    if column is None or (at is not None and position not in at):
        return None
    index = at.index(position) if at is not None else position
    if not 0 <= index < column_length(column):
        raise Corrupt("run's column of bounds is too short", kind="bad-object")
    return value_at(column, index)

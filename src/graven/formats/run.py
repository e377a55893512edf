"""A Run made into objects: `run`, `environment`, `definitions` (docs/format.md, "Runs").

Encoding is the hot path of every save: it avoids a Python call per metric where it can.
`run_decode` is the way back.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from graven import clock
from graven.errors import InvalidInput
from graven.formats import canonical
from graven.formats.columns import pack_floats
from graven.formats.definitions import column_order, encode_definitions
from graven.formats.envelope import (
    DEFINITIONS,
    ENVIRONMENT,
    RUN,
    VERSIONS,
    seal,
)
from graven.formats.header import Header, shrink_commit
from graven.formats.packbuild import Item
from graven.formats.run_object import NO_VALUES, Numbers, RunBody, encode_body
from graven.ids import check_run_id, hash_bytes
from graven.model.metric import Metric, read_groups
from graven.model.point import Point, PointStatus
from graven.model.reading import fail, plain, read_map, read_number, read_numbers, read_text, show
from graven.model.run import Origin, Run


class EncodedRun(NamedTuple):
    """What a run becomes: its object, the two it names, and its header row.

    ``numbers`` is None for a run with samples, failed points, partial bounds and the like.
    """

    run_id: str
    run: Item
    environment: Item
    definitions: Item
    header: Header
    numbers: Numbers | None


# Not sorted: the same map in another order is only another key for the same object.
_fingerprint = msgspec.msgpack.Encoder().encode


class RunEncoder:
    """Encodes runs; remembers the shared objects of the runs it has seen.

    The memory is keyed by the msgpack bytes of what goes into a shared object, so a
    dictionary that is changed between two saves is noticed. Not for two threads at once.
    """

    MAX_SHARED = 1024

    def __init__(self) -> None:
        self._shared: dict[bytes, Item] = {}
        self._orders: dict[bytes, Order] = {}

    def encode(self, run: Run) -> EncodedRun:
        """Take a run apart.

        Raises:
            InvalidInput: a field that has no place in a run; the message names it.
            TypeError: a value in ``environment``, ``metadata``, ``params`` or
                ``provenance`` that JSON has no form for.
        """
        run_id = check_run_id(run.id)
        # All metrics of all points, in one list: columns are made from it as a whole.
        try:
            entries = [metric for point in run.points for metric in point.metrics.values()]
        except AttributeError:
            entries = []  # something that is no point: encoding the definitions names it
        definitions, order = self._definitions(run, entries)
        environment = self._environment(run.environment)
        body = _encode_facts(run, run_id, definitions.id, environment.id)
        numbers = _fill_columns(body, run.points, order.sort(entries), order)
        data = encode_body((RUN, VERSIONS[RUN], body))
        item = Item(hash_bytes(data), RUN, data)
        return EncodedRun(run_id, item, environment, definitions, make_header(run), numbers)

    def _definitions(self, run: Run, entries: Sequence[Metric]) -> tuple[Item, Order]:
        key = b"d" + _definitions_key(run, entries)
        item = self._remember(
            key, DEFINITIONS, lambda: encode_definitions(run.points, run.metric_defs)
        )
        order = self._orders.get(key) if len(key) > 1 else None
        if order is None:
            order = self._orders[key] = Order(run.points)
        return item, order

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
            self._orders.clear()
        self._shared[key] = item
        return item


class Order:
    """The order of the columns for points of one shape: names sorted within each point."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._names = [column_order(point.metrics) for point in points]
        self._starts: list[int] | None = None
        positions: list[int] = []
        for point, names in zip(points, self._names, strict=True):
            given = {name: len(positions) + i for i, name in enumerate(point.metrics)}
            positions += [given[name] for name in names]
        self._positions = None if positions == list(range(len(positions))) else positions

    def sort(self, entries: list[Metric]) -> list[Metric]:
        """Metrics as the points hold them, put into the order of the columns."""
        if self._positions is None:
            return entries
        return [entries[position] for position in self._positions]

    def name(self, position: int, field: str) -> str:
        """Names a column entry in an error.

        Asked for every metric that has samples, so it must not count through the points.
        """
        if self._starts is None:
            self._starts = list(accumulate(map(len, self._names), initial=0))
        index = bisect_right(self._starts, position) - 1
        if index >= len(self._names):
            return field
        name = self._names[index][position - self._starts[index]]
        return f"points[{index}].metrics.{name}.{field}"


def _definitions_key(run: Run, entries: Sequence[Metric]) -> bytes:
    try:
        return _try_fingerprint(
            [
                [(p.name, p.scenario, p.tags, tuple(p.metrics), p.version) for p in run.points],
                run.metric_defs,
                _estimators(entries),
            ]
        )
    except AttributeError:
        return b""  # something that is no point or metric: the slow path names it


def _estimators(entries: Sequence[Metric]) -> list[str | None] | None:
    found = [metric.estimator for metric in entries]
    return found if any(found) else None


def _try_fingerprint(value: object) -> bytes:
    """The msgpack bytes of ``value``, or none where it holds what only the slow path knows."""
    try:
        return _fingerprint(value)
    except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError):
        return b""


def make_header(run: Run) -> Header:
    """The header row of a run."""
    moment = clock.micros(run.timestamp)
    if not clock.MIN_MICROS <= moment <= clock.MAX_MICROS:
        fail("timestamp", f"{run.timestamp} is out of range in UTC")
    return Header(
        moment,
        run.branch,
        shrink_commit(run.commit),
        run.experiment,
        run.status,
        str(run.origin),
        len(run.points),
        run.group,
    )


# --- encoding --------------------------------------------------------------


def _encode_facts(run: Run, run_id: str, definitions: bytes, environment: bytes) -> RunBody:
    """The body of a run object, its columns still empty."""
    return RunBody(
        definitions=definitions,
        environment=environment,
        id=run_id,
        timestamp=_time_text(run.timestamp, "timestamp"),
        branch=_opt_text(run.branch, "branch"),
        commit=shrink_commit(_opt_text(run.commit, "commit")),
        error=None if run.error is None else read_text(run.error, "error"),
        experiment=None if run.experiment is None else read_text(run.experiment, "experiment"),
        group=None if run.group is None else read_text(run.group, "group"),
        origin=_origin_text(run.origin),
        status=read_text(run.status, "status"),
        dirty=_dirty_flag(run.dirty),
        guessed=[read_text(name, "guessed") for name in run.guessed],
        commit_time=(
            None if run.commit_time is None else _time_text(run.commit_time, "commit_time")
        ),
        metadata=_free_map(run.metadata, "metadata"),
        params=_free_map(run.params, "params"),
        provenance=_free_map(run.provenance, "provenance"),
        extra=_free_map(run.extra, "run"),
    )


def _opt_text(value: str | None, where: str) -> str | None:
    return None if value is None else read_text(value, where)


def _origin_text(value: object) -> str:
    if type(value) is not Origin and value not in tuple(Origin):
        fail("origin", f"{show(value)} is none of {', '.join(Origin)}")
    return str(value)


def _dirty_flag(value: object) -> bool | None:
    if value is None:
        return None
    if value not in (True, False) or type(value) in (int, float):
        fail("dirty", f"expected true, false or nothing, got {show(value)}")
    return bool(value)


def _status_text(value: object, where: str) -> str:
    if value not in tuple(PointStatus):
        fail(f"{where}.status", f"{show(value)} is none of {', '.join(PointStatus)}")
    return str(value)


def _time_text(moment: datetime, where: str) -> str:
    if not isinstance(moment, datetime):
        raise InvalidInput(f"{where}: not a datetime", kind="bad-field", field=where)
    return clock.make_aware(moment).isoformat()


def _free_map(value: dict[str, Any] | None, where: str, depth: int = 2) -> dict[str, Any] | None:
    """``depth``: containers around the map in the whole object; they count for the limit."""
    if not value:
        return None
    if _is_simple(value):
        return value
    out: dict[str, Any] = canonical.normalise(plain(read_map(value, where), where), where, depth)
    return out


def _is_simple(value: object) -> bool:
    """True for a map that is canonical as it stands, as most are: flat, ASCII, plain types."""
    if type(value) is not dict:
        return False
    for name, item in value.items():
        if type(name) is not str or not name.isascii():
            return False
        kind = type(item)
        if kind is str:
            if not item.isascii():
                return False
        elif kind is int:
            if not -_SIMPLE_INT < item < _SIMPLE_INT:
                return False
        elif kind is float:
            if not math.isfinite(item) or item == 0.0:  # zero has two forms, NaN has many
                return False
        elif item is not None and kind is not bool:
            return False
    return True


def _fill_columns(
    body: RunBody, points: Sequence[Point], entries: list[Metric], where: Order
) -> Numbers | None:
    for index, point in enumerate(points):
        if point.status is not PointStatus.OK or point.error is not None:
            status = _status_text(point.status, f"points[{index}]")
            error = _opt_text(point.error, f"points[{index}].error")
            if status != PointStatus.OK or error is not None:
                body.point_status.append((index, status, error))
        if point.extra:
            extra = _free_map(point.extra, f"points[{index}]", _EXTRA_DEPTH) or {}
            body.point_extra.append((index, extra))
    # Whole columns at a time: a loop with three appends takes twice as long.
    values = _clean([m.value for m in entries], where, "value")
    lower, body.lower_at = _bounds([m.lower for m in entries], where, "lower")
    upper, body.upper_at = _bounds([m.upper for m in entries], where, "upper")
    body.value = pack_floats(values) or NO_VALUES
    body.lower = None if lower is None else pack_floats(lower)
    body.upper = None if upper is None else pack_floats(upper)
    rare = _with_more_than_numbers(entries)
    if rare:
        _fill_samples(body, rare, len(entries), where)
    odd = rare or body.lower_at or body.upper_at or body.point_status or body.point_extra
    return None if odd else Numbers(values, lower, upper)


def _with_more_than_numbers(entries: list[Metric]) -> list[tuple[int, Metric]]:
    """Metrics with samples or unknown fields, and their places: in most runs there are none."""
    for metric in entries:
        if metric.samples is not None or metric.sample_groups is not None or metric.extra:
            break
    else:
        return []
    return [
        (position, metric)
        for position, metric in enumerate(entries)
        if metric.samples is not None or metric.sample_groups is not None or metric.extra
    ]


_FLOAT_ONLY = {float}
_SIMPLE_INT = 2**63
_EXTRA_DEPTH = 4  # [run, version, {metric_extra: [[position, {...}]]}]


def _clean(values: list[Any], where: Order, field: str, at: Sequence[int] | None = None) -> Any:
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


def _bounds(
    values: list[Any], where: Order, field: str
) -> tuple[list[float] | None, list[int] | None]:
    if None not in values:
        return (_clean(values, where, field), None) if values else (None, None)
    at = [i for i, v in enumerate(values) if v is not None]
    if not at:
        return None, None
    return _clean([values[i] for i in at], where, field, at), at


def _fill_samples(body: RunBody, rare: list[tuple[int, Metric]], width: int, where: Order) -> None:
    counts = [-1] * width
    joined: list[float] = []
    for position, metric in rare:
        if metric.samples is not None:
            samples = read_numbers(metric.samples, where.name(position, "samples"))
            counts[position] = len(samples)
            joined.extend(samples)
        if metric.sample_groups is not None:
            groups = read_groups(
                metric.sample_groups, metric.samples, where.name(position, "sample_groups")
            )
            body.sample_groups.append((position, list(groups)))
        if metric.extra:
            extra = _free_map(metric.extra, where.name(position, "extra"), _EXTRA_DEPTH)
            body.metric_extra.append((position, extra or {}))
    if any(count >= 0 for count in counts):
        body.sample_counts = counts
        body.samples = pack_floats(_clean(joined, where, "samples"))

"""Google Benchmark JSON (``--benchmark_out_format=json``), of C++ and of its Python package.

Rows of one ``run_name`` are one point. Its iteration rows (one a repetition) are the
samples, the value their median; aggregate rows speak only where there are no others
(``--benchmark_report_aggregates_only``). The time unit is each row's own.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from typing import Any

from graven.errors import InvalidInput
from graven.ingest.base import Format
from graven.ingest.environment import describe
from graven.ingest.fields import (
    below,
    has_zone,
    maybe_flag,
    maybe_text,
    need,
    need_text,
    read_moment,
    thin,
)
from graven.ingest.source import Source
from graven.ingest.units import Scale, define, scale_of
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.model.reading import fail, read_list, read_map, read_number

_NAME = "google-benchmark"
_LOWER, _HIGHER = MetricDirection.LOWER, MetricDirection.HIGHER
_TIMES = ("real_time", "cpu_time")
_TIME_UNITS = ("ns", "us", "ms", "s")
# Aggregates that stand for the rows they are made of, best first.
_ESTIMATORS = ("median", "mean", "min")
_FITS = ("BigO", "RMS")  # of a whole family, under a name of its own
_SUFFIXES = ("mean", "median", "stddev", "cv", "BigO", "RMS")
_FIXED = frozenset(
    [
        "name",
        "run_name",
        "run_type",
        "repetitions",
        "repetition_index",
        "threads",
        "iterations",
        "time_unit",
        "label",
        "family_index",
        "per_family_instance_index",
        "error_occurred",
        "error_message",
        "skipped",
        "skip_message",
        "aggregate_name",
        "aggregate_unit",
        "cpu_coefficient",
        "real_coefficient",
        "big_o",
        "rms",
    ]
)
_VOLATILE = ("load_avg", "mhz_per_cpu", "date", "cpu_scaling_enabled")
# Metrics the library itself makes, beside the two times.
_OWN = {
    "bytes_per_second": define("bytes_per_second", "B/s", tool=_HIGHER),
    "items_per_second": define("items_per_second", "items/s", tool=_HIGHER),
    "allocs_per_iter": define("allocs_per_iter", "1", tool=_LOWER),
    "max_bytes_used": define("max_bytes_used", "B", tool=_LOWER),
    "total_allocated_bytes": define("total_allocated_bytes", "B", tool=_LOWER),
    "net_heap_growth": define("net_heap_growth", "B", tool=_LOWER),
}


def recognises(source: Source) -> bool:
    """Benchmarks beside the library's context."""
    record = source.map
    context = record.get("context")
    return (
        isinstance(record.get("benchmarks"), list)
        and isinstance(context, dict)
        and not {"num_cpus", "library_build_type", "mhz_per_cpu", "caches"}.isdisjoint(context)
    )


@dataclass(slots=True)
class _Row:
    """One row of the file: a repetition, or an aggregate over them."""

    where: str
    fields: dict[str, Any]
    name: str
    aggregate: str | None


@dataclass(slots=True)
class _Units:
    """Time units met in the file, by metric, for `MetricDef.unit_given`."""

    given: dict[str, set[str]] = field(default_factory=dict)


def read(source: Source) -> Run:
    """One run of the whole file."""
    record = read_map(source.document, "document")
    context = read_map(need(record, "context"), "context")
    entries = read_list(need(record, "benchmarks"), "benchmarks")
    if not entries:
        fail("benchmarks", "is empty: no benchmark was run")
    scenario = _scenario(context)
    units = _Units()
    points, labels = [], {}
    for name, rows in _grouped(entries).items():
        point = _point(name, scenario, rows, units, source)
        if point is None:
            if not all(row.aggregate in _FITS for row in rows):
                source.note(f"{name}: only rows about its spread, no measurement")
            continue
        points.append(point)
        label = maybe_text(rows[0].fields, "label", rows[0].where)
        if label:
            labels[name] = label
    timestamp, guessed = _when(context, source)
    return Run(
        id=source.run_id,
        timestamp=timestamp,
        points=tuple(points),
        environment=_environment(context),
        metadata=_metadata(context, labels),
        metric_defs=_definitions(points, units),
        guessed=guessed,
    )


def _grouped(entries: Any) -> dict[str, list[_Row]]:
    fields = [read_map(entry, f"benchmarks[{i}]") for i, entry in enumerate(entries)]
    names = [need_text(entry, "name", f"benchmarks[{i}]") for i, entry in enumerate(fields)]
    known = set(names)
    groups: dict[str, list[_Row]] = {}
    for i, entry in enumerate(fields):
        row = _row(entry, names[i], known, f"benchmarks[{i}]")
        groups.setdefault(row.name, []).append(row)
    return groups


def _row(entry: dict[str, Any], name: str, known: set[str], where: str) -> _Row:
    run_type = maybe_text(entry, "run_type", where)
    if run_type == "aggregate":
        kind = need_text(entry, "aggregate_name", where)
        base = maybe_text(entry, "run_name", where) or name.removesuffix(f"_{kind}")
        return _Row(where, entry, base, kind)
    if run_type is None:  # before 1.4.2: told by the ending, where others of the family are
        base, _, kind = name.rpartition("_")
        family = {base} | {f"{base}_{other}" for other in _SUFFIXES if other != kind}
        if base and kind in _SUFFIXES and family & known:
            return _Row(where, entry, base, kind)
    return _Row(where, entry, maybe_text(entry, "run_name", where) or name, None)


def _point(
    name: str, scenario: str, rows: list[_Row], units: _Units, source: Source
) -> Point | None:
    repetitions = [row for row in rows if row.aggregate is None]
    problem = next((text for row in repetitions if (text := _problem(row)) is not None), None)
    good = [row for row in repetitions if _problem(row) is None]
    estimator = "median"
    if not repetitions:
        made = {row.aggregate: row for row in rows}
        estimator = next((kind for kind in _ESTIMATORS if kind in made), "")
        if not estimator:
            return None
        good = [made[estimator]]
    metrics = {}
    for key in _metric_names(good):
        values = tuple(
            _value(row, key, units) for row in good if key in row.fields or key in _TIMES
        )
        metrics[key] = Metric(
            value=statistics.median(values),
            samples=thin(values, source) if repetitions else None,
            estimator=estimator,
        )
    return Point(
        name=name,
        scenario=scenario,
        tags=_tags(name, rows[0]),
        metrics=metrics,
        status=_status(problem, repetitions),
        error=problem or None,
    )


def _problem(row: _Row) -> str | None:
    """Why the row is no measurement (its times are zeros then), or None."""
    if maybe_flag(row.fields, "error_occurred", row.where):
        return maybe_text(row.fields, "error_message", row.where) or "error"
    if maybe_flag(row.fields, "skipped", row.where):
        return maybe_text(row.fields, "skip_message", row.where) or "skipped"
    return None


def _status(problem: str | None, rows: list[_Row]) -> PointStatus:
    if problem is None:
        return PointStatus.OK
    failed = any(maybe_flag(row.fields, "error_occurred", row.where) for row in rows)
    return PointStatus.FAILED if failed else PointStatus.SKIPPED


def _metric_names(rows: list[_Row]) -> list[str]:
    """The two times, which every row must have, then the counters as they come."""
    counters = {
        key: None
        for row in rows
        for key, value in row.fields.items()
        if key not in _FIXED and key not in _TIMES and _is_number(value)
    }
    return [*_TIMES, *counters] if rows else []


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _value(row: _Row, key: str, units: _Units) -> float:
    value = read_number(need(row.fields, key, row.where), below(row.where, key))
    if key not in _TIMES:
        return value
    return _time_scale(row, key, units).apply(value)


def _time_scale(row: _Row, key: str, units: _Units) -> Scale:
    unit = maybe_text(row.fields, "time_unit", row.where) or "ns"
    if unit not in _TIME_UNITS:
        fail(f"{row.where}.time_unit", f"{unit!r} is none of {', '.join(_TIME_UNITS)}")
    units.given.setdefault(key, set()).add(unit)
    return scale_of(unit)


def _tags(name: str, row: _Row) -> dict[str, str]:
    """Threads, where the name says that they vary; other arguments have no names to be tags."""
    threads = row.fields.get("threads")
    if type(threads) is int and re.search(r"/threads:\d+(/|$)", name):
        return {"threads": str(threads)}
    return {}


def _definitions(points: list[Point], units: _Units) -> dict[str, MetricDef]:
    defs: dict[str, MetricDef] = {}
    for name in dict.fromkeys(name for point in points for name in point.metrics):
        if name in _TIMES:
            given = ", ".join(sorted(units.given.get(name, ())))
            scaled = given if given != "s" else None
            defs[name] = define(name, "s", unit_given=scaled, tool=_LOWER)
        else:
            # The file does not say which counters are rates; most that people add are.
            defs[name] = _OWN.get(name) or define(name, "1", guess=_HIGHER)
    return defs


def _scenario(context: dict[str, Any]) -> str:
    executable = context.get("executable")
    if not isinstance(executable, str):
        return _NAME
    return re.split(r"[/\\]", executable)[-1].removesuffix(".exe") or _NAME


def _when(context: dict[str, Any], source: Source) -> tuple[Any, tuple[str, ...]]:
    date = maybe_text(context, "date", "context")
    if date is None:
        return source.modified, ("timestamp",)
    try:
        moment = read_moment(date, "context.date")
    except InvalidInput:  # before 1.6: the form of the locale, such as 02/28/19 10:11:12
        source.note(f"context.date {date!r} is no ISO time; the file's time is taken")
        return source.modified, ("timestamp",)
    if has_zone(date):
        return moment, ()
    source.note("its date has no time zone and was read as local time")
    return moment, ("timestamp",)


def _environment(context: dict[str, Any]) -> dict[str, Any]:
    rest = {k: v for k, v in context.items() if k not in _VOLATILE and k != "host_name"}
    return describe(
        machine=context.get("host_name"),
        cpu=context.get("cpu"),  # not the library's own, but --benchmark_context=cpu=... may say it
        cores=context.get("num_cpus"),
    ) | ({_NAME: rest} if rest else {})


def _metadata(context: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    own: dict[str, Any] = {k: context[k] for k in _VOLATILE if k in context and k != "date"}
    if labels:
        own["labels"] = labels
    return {_NAME: own} if own else {}


FORMAT = Format(
    name=_NAME,
    description="Google Benchmark --benchmark_out_format=json",
    recognises=recognises,
    read=read,
)

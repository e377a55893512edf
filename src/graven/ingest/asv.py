"""asv result files: one run a file, one point a combination of parameters.

A number is a result, null is a failure, NaN is a combination that was skipped. What a
result means stands elsewhere, in the folder's ``benchmarks.json`` (`asv_folder`). Files
of version 1 (until asv 0.4) keep a value or a small map where version 2 has a row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from graven.errors import FormatTooNew
from graven.ingest.asv_folder import (
    Benchmark,
    benchmarks_for,
    is_results,
    machine_for,
    result_files,
)
from graven.ingest.base import Folder, Format
from graven.ingest.environment import describe
from graven.ingest.fields import (
    maybe_list,
    maybe_map,
    maybe_text,
    need,
    need_text,
    read_epoch_ms,
    text_form,
    thin,
)
from graven.ingest.source import Source
from graven.ingest.units import Scale, define, scale_of, spelled_otherwise
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.model.reading import (
    fail,
    read_list,
    read_map,
    read_number,
    read_numbers,
    read_optional_text,
    read_text,
    show,
)

_NAME = "asv"
_MAX_COMBINATIONS = 1_000_000
_METRIC_NAMES = {"time": "time", "timeraw": "time", "memory": "memory", "peakmemory": "peakmemory"}
_BASE_UNITS = {"time": "s", "timeraw": "s", "memory": "B", "peakmemory": "B"}
_CLOCK_SLACK = timedelta(days=1)  # between the machine that committed and the one that ran
_MACHINE_KEYS = ("machine", "cpu", "num_cpu", "arch", "os", "ram")


def recognises(source: Source) -> bool:
    """A commit, results by name, and the machine or interpreter they are of."""
    record = source.map
    return (
        isinstance(record.get("commit_hash"), str)
        and isinstance(record.get("results"), dict)
        and not {"params", "python", "result_columns", "env_name"}.isdisjoint(record)
    )


@dataclass(slots=True, kw_only=True)
class _Row:
    """One benchmark of a file, in the words of version 2.

    The lists run over the combinations of ``params``; those of statistics may be short.
    """

    where: str
    result: Sequence[Any]
    params: list[list[str]]
    version: str | None
    started_at: Any
    lower: Sequence[Any]
    upper: Sequence[Any]
    samples: Sequence[Any]


def read(source: Source) -> Run:
    """The run of one result file."""
    record = read_map(source.document, "document")
    version = record.get("version", 2)
    if version not in (1, 2) or isinstance(version, bool):
        raise FormatTooNew(
            f"{source.path}: version: asv result files of version {show(version)} are not known",
            kind="asv-too-new",
            hint="use a newer graven",
        )
    rows = _rows(record, version)
    known = benchmarks_for(source)
    points: list[Point] = []
    defs: dict[str, MetricDef] = {}
    for name, row in rows.items():
        benchmark = (known or {}).get(name) or Benchmark.by_name(name)
        definition, scale = _definition(benchmark)
        defs[definition.name] = definition
        points += _points(name, row, _Meaning(benchmark, definition.name, scale), source)
    unknown = [] if known is None else [name for name in rows if name not in known]
    if unknown:
        source.note(
            f"not in benchmarks.json, so the names tell the units: {', '.join(unknown[:5])}"
            + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        )
    if not rows:
        source.note("it holds no results (a commit that was not measured)")
    commit_time = read_epoch_ms(need(record, "date"), "date")
    started = _starts(rows, commit_time)
    return Run(
        id=source.run_id,
        timestamp=min(started) if started else commit_time,
        commit=need_text(record, "commit_hash"),
        commit_time=commit_time,
        points=tuple(points),
        environment=_environment(record, source),
        metadata=_metadata(record),
        metric_defs=defs,
        guessed=() if started else ("timestamp",),
    )


def _starts(rows: dict[str, _Row], commit_time: datetime) -> list[datetime]:
    """When the benchmarks were started; what lies before the commit is a placeholder."""
    moments = [
        read_epoch_ms(row.started_at, f"{row.where}.started_at")
        for row in rows.values()
        if row.started_at is not None
    ]
    return [moment for moment in moments if moment - commit_time > -_CLOCK_SLACK]


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the values of a benchmark are: its definition, its metric, the way to base units."""

    benchmark: Benchmark
    metric: str
    scale: Scale


def _definition(benchmark: Benchmark) -> tuple[MetricDef, Scale]:
    """The metric of a benchmark's results, and how to get to its base unit.

    Tracked values of different units are different metrics, since a run has one
    definition a metric.
    """
    given, kind = benchmark.unit, benchmark.type
    scale = scale_of(given)
    if _BASE_UNITS.get(kind) == scale.unit:
        made = define(
            _METRIC_NAMES[kind],
            scale.unit,
            unit_given=spelled_otherwise(given),
            tool=MetricDirection.LOWER,
        )
        return made, scale
    plain = given in ("", "unit", "any")
    slug = re.sub(r"\W+", "_", given).strip("_")
    return define(
        kind if plain or not slug else f"{kind}_{slug}",
        "1" if plain else scale.unit,
        unit_given=None if plain else spelled_otherwise(given),
    ), scale


def _points(name: str, row: _Row, meaning: _Meaning, source: Source) -> list[Point]:
    given = meaning.benchmark.param_names
    names = [given[i] if i < len(given) else f"param{i + 1}" for i in range(len(row.params))]
    points = []
    for i, (values, result) in enumerate(zip(product(*row.params), row.result, strict=True)):
        where = f"{row.where}.result[{i}]"
        number = None if result is None else read_number(result, where)
        status = _status(number)
        metrics = {}
        if number is not None and status is PointStatus.OK:
            metrics[meaning.metric] = _metric(number, row, i, meaning, source)
        points.append(
            Point(
                name=name,
                scenario=_NAME,
                tags=dict(zip(names, values, strict=True)),
                metrics=metrics,
                status=status,
                version=row.version or meaning.benchmark.version,
            )
        )
    return points


def _status(number: float | None) -> PointStatus:
    if number is None:
        return PointStatus.FAILED
    return PointStatus.SKIPPED if math.isnan(number) else PointStatus.OK


def _metric(number: float, row: _Row, i: int, meaning: _Meaning, source: Source) -> Metric:
    samples, scale = None, meaning.scale
    if i < len(row.samples) and row.samples[i] is not None:
        read = read_numbers(row.samples[i], f"{row.where}.samples[{i}]")
        samples = scale.apply_all(thin(read, source)) or None
    timed = meaning.benchmark.type in ("time", "timeraw")
    return Metric(
        value=scale.apply(number),
        lower=_bound(row.lower, i, f"{row.where}.stats_ci_99_a", scale),
        upper=_bound(row.upper, i, f"{row.where}.stats_ci_99_b", scale),
        samples=samples,
        estimator="median" if timed else None,
    )


def _bound(values: Sequence[Any], i: int, where: str, scale: Scale) -> float | None:
    if i >= len(values) or values[i] is None:
        return None
    return scale.apply(read_number(values[i], f"{where}[{i}]"))


def _rows(record: dict[str, Any], version: int) -> dict[str, _Row]:
    results = read_map(need(record, "results"), "results")
    if version == 1:
        versions = maybe_map(record, "benchmark_version")
        starts = maybe_map(record, "started_at")
        return {
            name: _old_row(value, f"results.{name}", versions.get(name), starts.get(name))
            for name, value in results.items()
        }
    columns = [
        read_text(column, f"result_columns[{i}]")
        for i, column in enumerate(read_list(need(record, "result_columns"), "result_columns"))
    ]
    return {
        name: _new_row(value, f"results.{name}", columns)
        for name, value in results.items()
        if value is not None  # asv writes no such row, but its own loader passes over it
    }


def _new_row(value: object, where: str, columns: list[str]) -> _Row:
    cells = read_list(value, where)
    if len(cells) > len(columns):
        fail(where, f"has {len(cells)} columns, result_columns names {len(columns)}")
    row = dict(zip(columns, cells, strict=False))
    params = _params(row, where)
    return _Row(
        where=where,
        params=params,
        result=_result(row.get("result"), params, where),
        version=read_optional_text(row.get("version"), f"{where}.version"),
        started_at=row.get("started_at"),
        lower=maybe_list(row, "stats_ci_99_a", where),
        upper=maybe_list(row, "stats_ci_99_b", where),
        samples=maybe_list(row, "samples", where),
    )


def _old_row(value: object, where: str, version: object, started_at: object) -> _Row:
    row = read_map(value, where) if isinstance(value, dict) else {"result": value}
    params = _params(row, where)
    bounds = [
        _old_bounds(stats, f"{where}.stats[{i}]")
        for i, stats in enumerate(maybe_list(row, "stats", where))
    ]
    samples = maybe_list(row, "samples", where)
    if samples and not any(isinstance(item, list) for item in samples) and not params:
        samples = [samples]  # the samples themselves, not a list of them
    return _Row(
        where=where,
        params=params,
        result=_result(row.get("result"), params, where),
        version=None if version is None else text_form(version, f"benchmark_version of {where}"),
        started_at=started_at,
        lower=[lower for lower, _ in bounds],
        upper=[upper for _, upper in bounds],
        samples=samples,
    )


def _old_bounds(stats: object, where: str) -> tuple[Any, Any]:
    if stats is None:
        return None, None
    ends = maybe_list(read_map(stats, where), "ci_99", where)
    if not ends:
        return None, None
    if len(ends) != 2:
        fail(f"{where}.ci_99", f"expected two bounds, got {len(ends)}")
    return ends[0], ends[1]


def _params(row: dict[str, Any], where: str) -> list[list[str]]:
    params = []
    for i, values in enumerate(maybe_list(row, "params", where)):
        at = f"{where}.params[{i}]"
        params.append([text_form(v, f"{at}[{j}]") for j, v in enumerate(read_list(values, at))])
    return params


def _result(value: object, params: list[list[str]], where: str) -> Sequence[Any]:
    """One value a combination; null alone means that all of them failed."""
    count = math.prod(len(values) for values in params)
    if count > _MAX_COMBINATIONS:
        fail(f"{where}.params", f"makes {count} combinations, over {_MAX_COMBINATIONS}")
    if value is None:
        return [None] * count
    values = read_list(value, f"{where}.result") if isinstance(value, list) else [value]
    if len(values) != count:
        fail(f"{where}.result", f"holds {len(values)} values for {count} combinations of params")
    return values


def _environment(record: dict[str, Any], source: Source) -> dict[str, Any]:
    params = maybe_map(record, "params")
    machine = machine_for(source)
    facts = {**machine, **{k: v for k, v in params.items() if v not in (None, "")}}
    rest: dict[str, Any] = {
        "env_name": maybe_text(record, "env_name"),
        "requirements": maybe_map(record, "requirements"),
        "env_vars": maybe_map(record, "env_vars"),
        "params": {k: v for k, v in params.items() if k not in _MACHINE_KEYS and k != "python"},
    }
    own = {key: value for key, value in rest.items() if value}
    return describe(
        machine=facts.get("machine") or source.path.absolute().parent.name,
        cpu=facts.get("cpu"),
        cores=facts.get("num_cpu"),
        arch=facts.get("arch"),
        os=facts.get("os"),
        ram=facts.get("ram"),
        python=record.get("python") or facts.get("python"),
    ) | ({_NAME: own} if own else {})


def _metadata(record: dict[str, Any]) -> dict[str, Any]:
    durations = maybe_map(record, "durations")
    return {_NAME: {"durations": durations}} if durations else {}


FORMAT = Format(
    name=_NAME,
    description="asv results: a file, a machine's folder, a results folder or a project",
    recognises=recognises,
    read=read,
    folder=Folder(recognises=is_results, members=result_files),
)

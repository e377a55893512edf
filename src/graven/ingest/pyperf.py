"""pyperf JSON, plain or gzip: the one format whose samples say which process made them.

pyperf hoists what all benchmarks share to the top, and what all runs of one share to
the benchmark, so each level is read over the one above it. Runs without values are
calibration; warm-ups are no measurements. The value is the mean, as pyperf prints it.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graven.ingest.base import Format
from graven.ingest.environment import describe
from graven.ingest.fields import (
    has_zone,
    maybe_list,
    maybe_map,
    maybe_text,
    need,
    need_text,
    read_moment,
    thin,
)
from graven.ingest.source import Source
from graven.ingest.units import define, scale_of, spelled_otherwise
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.model.reading import fail, read_list, read_map, read_numbers

_NAME = "pyperf"
_METRICS = {"second": "time", "byte": "memory", "integer": "value"}
# What describes the machine and the interpreter; the rest changes from run to run.
_ENVIRONMENT = (
    "aslr", "cpu_affinity", "cpu_config", "perf_version", "platform", "python_cflags",
    "python_compiler", "python_config_args", "python_executable", "python_hash_seed",
    "python_implementation", "python_version", "timer",
)  # fmt: skip
_METADATA = ("description", "boot_time", "cpu_freq", "load_avg_1min")


def recognises(source: Source) -> bool:
    """Benchmarks that consist of runs."""
    record = source.map
    entries = record.get("benchmarks")
    if not isinstance(entries, list) or "machine_info" in record or "context" in record:
        return False
    return any(isinstance(entry, dict) and "runs" in entry for entry in entries) or (
        not entries and "version" in record and "metadata" in record
    )


@dataclass(slots=True)
class _Read:
    """One benchmark of the file."""

    point: Point
    definition: MetricDef
    dates: list[str]


def read(source: Source) -> Run:
    """One run of the whole suite."""
    record = read_map(source.document, "document")
    common = maybe_map(record, "metadata")
    entries = read_list(need(record, "benchmarks"), "benchmarks")
    if not entries:
        fail("benchmarks", "is empty: no benchmark was run")
    merged: dict[str, Any] = dict(common)
    found = []
    for i, entry in enumerate(entries):
        where = f"benchmarks[{i}]"
        fields = read_map(entry, where)
        own = {**common, **maybe_map(fields, "metadata", where)}
        merged = {**own, **merged}
        found.append(_benchmark(fields, own, where, source))
    dates = [date for item in found for date in item.dates]
    moments = [read_moment(date, "metadata.date") for date in dates]
    # pyperf writes local time without its offset: read as local time here, and a guess.
    zoned = bool(dates) and all(has_zone(date) for date in dates)
    return Run(
        id=source.run_id,
        timestamp=min(moments) if moments else source.modified,
        points=tuple(item.point for item in found),
        environment=_environment(merged),
        metadata=_metadata(merged, record),
        metric_defs={item.definition.name: item.definition for item in found},
        guessed=() if zoned else ("timestamp",),
        **_commit(common),
    )


def _benchmark(
    entry: Mapping[str, Any], metadata: dict[str, Any], where: str, source: Source
) -> _Read:
    name = need_text(metadata, "name", f"{where}.metadata")
    unit = maybe_text(metadata, "unit", f"{where}.metadata") or "second"
    if unit not in _METRICS:
        fail(f"{where}.metadata.unit", f"{unit!r} is none of {', '.join(_METRICS)}")
    samples, groups, dates = _values(entry, where)
    metrics: dict[str, Metric] = {}
    if samples:
        kept = thin(samples, source)
        metrics[_METRICS[unit]] = Metric(
            value=statistics.mean(samples),
            samples=kept,
            # Thinned out, they no longer come process by process.
            sample_groups=tuple(groups) if kept is samples else None,
            estimator="mean",
        )
    point = Point(
        name=name,
        scenario=_NAME,
        metrics=metrics,
        status=PointStatus.OK if samples else PointStatus.FAILED,
        error=None if samples else "no values, only calibration",
    )
    date = maybe_text(metadata, "date", f"{where}.metadata")  # hoisted from a single run
    return _Read(point, _define(unit), dates or ([date] if date else []))


def _define(unit: str) -> MetricDef:
    return define(
        _METRICS[unit],
        scale_of(unit).unit,
        unit_given=spelled_otherwise(unit),
        tool=None if unit == "integer" else MetricDirection.LOWER,
    )


def _values(entry: Mapping[str, Any], where: str) -> tuple[tuple[float, ...], list[int], list[str]]:
    """All values in order, how many each process made, and when the processes ran."""
    samples: list[float] = []
    groups: list[int] = []
    dates: list[str] = []
    for i, run in enumerate(read_list(need(entry, "runs", where), f"{where}.runs")):
        at = f"{where}.runs[{i}]"
        fields = read_map(run, at)
        date = maybe_text(maybe_map(fields, "metadata", at), "date", f"{at}.metadata")
        if date:
            dates.append(date)
        values = read_numbers(maybe_list(fields, "values", at), f"{at}.values")
        if values:
            samples.extend(values)
            groups.append(len(values))
    return tuple(samples), groups, dates


def _environment(info: dict[str, Any]) -> dict[str, Any]:
    platform = info.get("platform")
    parts = platform.split("-") if isinstance(platform, str) else []
    python = info.get("python_version")
    rest = {key: info[key] for key in _ENVIRONMENT if info.get(key) is not None}
    return describe(
        machine=info.get("hostname"),
        cpu=info.get("cpu_model_name"),
        cores=info.get("cpu_count"),
        arch=_arch(parts),
        os=" ".join(parts[:2]) or None,
        python=python.partition(" ")[0] if isinstance(python, str) else None,
    ) | ({_NAME: rest} if rest else {})


def _arch(parts: list[str]) -> str | None:
    known = ("x86_64", "amd64", "aarch64", "arm64", "i686", "x86", "ppc64le", "s390x", "riscv64")
    return next((part for part in parts if part.lower() in known), None)


def _metadata(info: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    own = {key: info[key] for key in _METADATA if info.get(key) is not None}
    if record.get("version") is not None:
        own["version"] = record["version"]
    return {_NAME: own} if own else {}


def _commit(common: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "commit": maybe_text(common, "commit_id", "metadata"),
        "branch": maybe_text(common, "commit_branch", "metadata"),
    }
    if common.get("commit_date"):
        facts["commit_time"] = read_moment(common["commit_date"], "metadata.commit_date")
    return facts


FORMAT = Format(
    name=_NAME,
    description="pyperf JSON, also .json.gz",
    recognises=recognises,
    read=read,
)

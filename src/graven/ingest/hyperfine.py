"""hyperfine ``--export-json``: command lines timed as a whole, in seconds.

The file has no date, host or version: the run's time is the file's, and listed as guessed.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from graven.ingest.base import Format
from graven.ingest.fields import (
    below,
    maybe_list,
    maybe_map,
    maybe_number,
    maybe_numbers,
    need,
    need_text,
    text_form,
    thin,
)
from graven.ingest.secrets import scrub_command
from graven.ingest.source import Source
from graven.ingest.units import define
from graven.model import Metric, MetricDirection, Point, PointStatus, Run
from graven.model.reading import fail, read_list, read_map, read_number

_NAME = "hyperfine"
_LOWER = MetricDirection.LOWER
_DEFS = {
    "time": define("time", "s", tool=_LOWER, description="wall clock"),
    "user": define("user", "s", tool=_LOWER, description="CPU time in user mode"),
    "system": define("system", "s", tool=_LOWER, description="CPU time in the kernel"),
    "memory": define("memory", "B", unit_given="byte", tool=_LOWER, description="peak resident"),
}


def recognises(source: Source) -> bool:
    """Results that have a command and its times."""
    record = source.map
    entries = record.get("results")
    if not isinstance(entries, list):
        return False
    if not entries:
        return set(record) == {"results"}
    return any(
        isinstance(entry, dict) and "command" in entry and ("mean" in entry or "times" in entry)
        for entry in entries
    )


def read(source: Source) -> Run:
    """One run of all commands."""
    record = read_map(source.document, "document")
    entries = read_list(need(record, "results"), "results")
    if not entries:
        fail("results", "is empty: no command was timed")
    points = tuple(
        _point(read_map(entry, f"results[{i}]"), f"results[{i}]", source)
        for i, entry in enumerate(entries)
    )
    used = {name for point in points for name in point.metrics}
    return Run(
        id=source.run_id,
        timestamp=source.modified,
        points=points,
        metric_defs={name: _DEFS[name] for name in _DEFS if name in used},
        guessed=("timestamp",),
    )


def _point(entry: dict[str, Any], where: str, source: Source) -> Point:
    command = need_text(entry, "command", where)
    at = below(where, "parameters")
    params = maybe_map(entry, "parameters", where)
    tags = {key: text_form(value, below(at, key)) for key, value in params.items()}
    error = _exit_error(entry, where)
    return Point(
        name=_clean(command, below(where, "command"), source),
        scenario=_NAME,
        tags={key: _clean(value, below(at, key), source) for key, value in tags.items()},
        metrics=_metrics(entry, where, source),
        status=PointStatus.FAILED if error else PointStatus.OK,
        error=error,
    )


def _clean(text: str, where: str, source: Source) -> str:
    """A command line without the credentials that curl and its kin are given."""
    clean = scrub_command(text)
    if clean != text:
        source.holds_secrets = True
        source.note(f"{where}: looks like a secret and was removed")
    return clean


def _metrics(entry: Mapping[str, Any], where: str, source: Source) -> dict[str, Metric]:
    times = maybe_numbers(entry, "times", where)
    # Versions before 1.9 have no median.
    estimator = "median" if entry.get("median") is not None else "mean"
    metrics = {
        "time": Metric(
            value=read_number(need(entry, estimator, where), below(where, estimator)),
            samples=None if times is None else thin(times, source),
            estimator=estimator,
        )
    }
    for name in ("user", "system"):
        value = maybe_number(entry, name, where)
        if value is not None:
            metrics[name] = Metric(value=value, estimator="mean")
    memory = maybe_numbers(entry, "memory_usage_byte", where)
    if memory is not None:
        metrics["memory"] = Metric(
            value=statistics.median(memory),
            samples=thin(memory, source),
            estimator="median",
        )
    return metrics


def _exit_error(entry: Mapping[str, Any], where: str) -> str | None:
    codes = maybe_list(entry, "exit_codes", where)
    bad = []
    for i, code in enumerate(codes):
        if code is not None and type(code) is not int:
            fail(f"{where}.exit_codes[{i}]", "expected a whole number or null")
        if code != 0:
            bad.append("killed by a signal" if code is None else f"exit code {code}")
    if not bad:
        return None
    kinds = ", ".join(sorted(set(bad))[:5])
    return f"{kinds} in {len(bad)} of {len(codes)} runs"


FORMAT = Format(
    name=_NAME,
    description="hyperfine --export-json",
    recognises=recognises,
    read=read,
)

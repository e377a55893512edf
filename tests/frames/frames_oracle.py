"""Rows of the tables of a store, made the slow way from its runs."""

import json
import math
from datetime import UTC, datetime, timedelta

from graven.model import Metric, MetricDef, MetricDirection, Origin, Point, PointStatus, Run

EVIL = [
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "a,b\"c'd",
    "line\nend", "größe", "", "NULL", "NaN", "'; DROP TABLE runs; --", "../../etc/passwd",
    "\x1b[31mred", "1,5", "a\tb", "\\N",
]  # fmt: skip
START = datetime(2026, 1, 30, 23, 59, 59, 123456, tzinfo=UTC)
NAN, INF = math.nan, math.inf


def odd_runs():
    """Runs with every field set somewhere, and text that means something to somebody."""
    runs = [Run(points=(), id="empty", timestamp=START)]
    values = [1.5, NAN, INF, -INF, 0.0, 5e-324, 1e308, 1 / 3, 0.125, 7.0]
    for number, text in enumerate(EVIL):
        named = text or "blank"
        metrics = {
            named: Metric(value=values[number % 10], lower=values[(number + 3) % 10]),
            "time": Metric(
                value=0.25 * number, upper=NAN, samples=(0.25, 1 / 3, NAN, INF),
                sample_groups=(1, 3), estimator="median",
            ),
            "plain": Metric(value=float(number)),
            "none": Metric(value=1.0, samples=()),
        }  # fmt: skip
        points = (
            Point(name=text, scenario=text, tags={"k": text, named: "v"}, metrics=metrics),
            Point(name="broken", scenario="s", status=PointStatus.FAILED, error=text, version="2"),
        )
        runs.append(
            Run(
                points=points[: 1 + number % 2], id=f"run-{number}",
                timestamp=START + timedelta(hours=7 * number),
                commit=text if number % 3 else "0123456789abcdef" * 2 + "01234567",
                branch=text, environment={"cpu": text, "odd": [1, NAN]},
                metadata={"m": text, "x": {"y": INF}}, experiment=named,
                metric_defs={
                    "time": MetricDef(name="time", unit=text, direction=MetricDirection.LOWER),
                    "plain": MetricDef(
                        name="plain", unit="1", direction=MetricDirection.HIGHER,
                        direction_source="unit",
                    ),
                },
                status=named, error=text, origin=list(Origin)[number % 3], group=text,
                params={
                    named: text, "lr": 0.1 * number, "n": 2**53 + number, "on": number % 2 == 0,
                    "off": None, "deep": {"a": [1, text]}, "nan": NAN, "inf": -INF,
                },
                provenance={"command": text}, dirty=[True, False, None][number % 3],
                commit_time=START - timedelta(days=number),
            )
        )  # fmt: skip
    return runs


def strict(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    return [strict(item) for item in value] if isinstance(value, list) else value


def rows_of(store, table):
    """Rows as dicts; columns with JSON are parsed, those of time are aware."""
    rows = [row for header in store.headers() for row in _ROWS[table](store, header)]
    for row in rows:
        for name in JSON.get(table, ()):
            row[name] = json.dumps(strict(row[name]))
    return rows


def _runs(store, header):
    run = store.load(header.run_id)
    yield {
        "run_id": run.id, "timestamp": run.timestamp.astimezone(UTC), "branch": run.branch,
        "commit": run.commit, "commit_time": run.commit_time, "dirty": run.dirty,
        "experiment": run.experiment, "status": run.status, "error": run.error,
        "origin": str(run.origin), "group": run.group, "points": len(run.points),
        "environment": run.environment, "metadata": run.metadata,
        "provenance": run.provenance, "object": header.object_id,
    }  # fmt: skip


def _points(store, header):
    for number, point in enumerate(store.load(header.run_id).points):
        yield {
            "run_id": header.run_id, "point": number, "scenario": point.scenario,
            "name": point.name, "tags": point.tags, "version": point.version,
            "status": str(point.status), "error": point.error,
        }  # fmt: skip


def _values(store, header):
    run = store.load(header.run_id)
    for number, point in enumerate(run.points):
        for name, metric in point.metrics.items():
            yield (
                run.metric_defs.get(name), metric,
                {
                    "run_id": header.run_id, "point": number, "scenario": point.scenario,
                    "name": point.name, "metric": name,
                },
            )  # fmt: skip


def _metrics(store, header):
    for meaning, metric, row in _values(store, header):
        yield row | {
            "value": metric.value, "lower": metric.lower, "upper": metric.upper,
            "unit": meaning and meaning.unit, "direction": meaning and str(meaning.direction),
            "direction_source": meaning and meaning.direction_source,
            "estimator": metric.estimator,
        }  # fmt: skip


def _samples(store, header):
    for _, metric, row in _values(store, header):
        groups = [n for n, size in enumerate(metric.sample_groups or ()) for _ in range(size)]
        for number, value in enumerate(metric.samples or ()):
            process = groups[number] if groups else None
            yield row | {"sample": number, "process": process, "value": value}


def _tags(store, header):
    for number, point in enumerate(store.load(header.run_id).points):
        for key, value in point.tags.items():
            yield {"run_id": header.run_id, "point": number, "key": key, "value": value}


def _params(store, header):
    for key, value in store.load(header.run_id).params.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        written = json.dumps(strict(value))
        scalar = isinstance(value, (str, int, float))
        yield {
            "run_id": header.run_id, "key": key, "number": float(value) if number else None,
            "text": None if not scalar else value if isinstance(value, str) else written.strip('"'),
            "json": value,
        }  # fmt: skip


_ROWS = {
    "runs": _runs, "points": _points, "metrics": _metrics, "samples": _samples,
    "tags": _tags, "params": _params,
}  # fmt: skip
JSON = {
    "runs": ("environment", "metadata", "provenance"), "points": ("tags",), "params": ("json",),
    "artifacts": ("metadata",),
}  # fmt: skip


def canonical(rows, table, *, tell_nan=True):
    """Rows in an order of their own, comparable with ==; NaN equals NaN and not None."""
    out = []
    for row in rows:
        cells = {}
        for name, value in row.items():
            if name in JSON.get(table, ()):
                value = None if value is None else json.loads(value)  # noqa: PLW2901
            if isinstance(value, float) and math.isnan(value):
                value = "not a number" if tell_nan else None  # noqa: PLW2901
            if isinstance(value, datetime):
                value = value.astimezone(UTC).isoformat()  # noqa: PLW2901
            cells[name] = (
                json.dumps(value, sort_keys=True) if name in JSON.get(table, ()) else value
            )
        out.append(cells)
    return sorted(out, key=repr)

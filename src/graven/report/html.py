"""A report as one page: no request to anywhere, whatever it shows.

The labels are JSON, the values are packed (see `packing`), and both stand in elements that
browsers do not run. What is run is ours, and the page's own policy names it by hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

from graven import clock
from graven.report.model import Report, ReportRun, ReportSeries
from graven.report.packing import pack_numbers

_SCRIPTS = (
    "core.js",
    "chart.js",
    "grid.js",
    "overview.js",
    "runs.js",
    "trends.js",
    "compare.js",
    "environments.js",
    "main.js",
)
_LAST = "last.js"
_STYLE = "page.css"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="generator" content="graven">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div class="wrap">
<header></header>
<main><noscript><p class="note warn">This page is drawn by its own script.
'graven report --format md' makes a report that needs none.</p></noscript></main>
</div>
<script type="application/json" id="meta">{meta}</script>
<script>{script}</script>
<script type="text/plain" id="numbers">{numbers}</script>
<script>{last}</script>
</body>
</html>
"""


def render(report: Report) -> str:
    """The page."""
    script = "\n".join(_asset(name) for name in _SCRIPTS)
    last, style = _asset(_LAST), _asset(_STYLE)
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
        f" script-src {_digest(script)} {_digest(last)}"
    )
    # Not str.format: the texts hold braces, and whatever stands in the store.
    parts = {
        "policy": policy,
        "title": _escape(report.title),
        "style": style,
        "meta": _json(_meta(report)),
        "script": script,
        "numbers": pack_numbers(report.series),
        "last": last,
    }
    out = []
    for piece in _PAGE.split("{"):
        name, closed, rest = piece.partition("}")
        out.append(parts[name] + rest if closed and name in parts else piece)
    return "".join(out)


def _asset(name: str) -> str:
    return files("graven.report").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _escape(text: str) -> str:
    return _whole(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _whole(text: str) -> str:
    """With a sign for half a character, which cannot be written."""
    return text.encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    """JSON that cannot end the element it stands in, nor begin another."""
    text = json.dumps(_strict(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _whole(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _strict(value: Any) -> Any:
    """With null for what is no number, since JSON has no word for it."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {str(key): _strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(each) for each in value]
    return value


def _meta(report: Report) -> dict[str, Any]:
    row_of = {run.id: row for row, run in enumerate(report.runs)}
    return {
        "title": report.title,
        "store": report.store,
        "made": clock.micros(report.made) // 1000,
        "where": report.where,
        "baseline_name": report.baseline_name,
        "without": report.without,
        "notes": report.notes,
        "origins": report.origins(),
        "runs_left_out": report.runs_left_out,
        "series_left_out": report.series_left_out,
        "alarms": None if report.alarms is None else report.alarms.to_dict(),
        "runs": _runs(report.runs),
        "series": [_series(series, row_of) for series in report.series],
        "comparison": _comparison(report),
        "samples": [
            {"run": one.run, "series": one.series, "values": one.values} for one in report.samples
        ],
        "environments": report.environments,
        "machines": report.machines,
    }


def _runs(runs: Sequence[ReportRun]) -> dict[str, Any]:
    """Columns; words that repeat stand once."""
    return {
        "id": [run.id for run in runs],
        "time": [clock.micros(run.timestamp) // 1000 for run in runs],
        "commit": [run.commit for run in runs],
        "branch": _words(runs, lambda run: run.branch or ""),
        "experiment": _words(runs, lambda run: run.experiment or ""),
        "status": _words(runs, lambda run: run.status),
        "origin": _words(runs, lambda run: run.origin),
        "environment": [run.environment for run in runs],
        "refs": [run.refs or None for run in runs],
    }


def _words(runs: Sequence[ReportRun], word: Callable[[ReportRun], str]) -> dict[str, Any]:
    places: dict[str, int] = {}
    return {"at": [places.setdefault(word(run), len(places)) for run in runs], "words": [*places]}


def _key(named: Any) -> str:
    return json.dumps([named.scenario, named.name, sorted(named.tags.items()), named.metric])


def _series(series: ReportSeries, row_of: dict[str, int]) -> dict[str, Any]:
    known = series.definition
    return {
        "key": _key(series),
        "scenario": series.scenario,
        "name": series.name,
        "tags": series.tags,
        "metric": series.metric,
        "unit": series.unit,
        "direction": str(known.direction) if known else None,
        "direction_source": known.direction_source if known else "unknown",
        "left_out": series.left_out,
        "n": len(series.rows),
        "dense": bool(len(series.rows)) and int(series.rows[-1]) == len(series.rows) - 1,
        "bounds": series.lower is not None,
        "steps": [
            {
                "row": row_of[step.run_id],
                "before": step.before,
                "after": step.after,
                "change": step.change,
                "worse": step.worse,
                "state": step.state,
                "by": step.by,
                "message": step.message,
            }
            for step in series.steps
            if step.run_id in row_of
        ],
    }


def _comparison(report: Report) -> dict[str, Any] | None:
    comparison = report.comparison
    if comparison is None:
        return None
    record = comparison.to_dict()
    for row, shown in zip(comparison.rows, record["rows"], strict=True):
        # The second of two points that nothing tells apart has no series of its own.
        shown["key"] = _key(row) if row.metric is not None and row.occurrence == 1 else None
    return record

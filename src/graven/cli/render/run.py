"""One run in full."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from graven import clock
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.comparison import point_spans, tags_text
from graven.cli.render.text import age, plural
from graven.cli.render.units import format_number, human, scale_for, size
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.porcelain.show import ShownRun
from graven.store.attachments import FILE, FOLDER, Attachment

TENSORS = "tensors/"
MANY_TENSORS = 20


def show_run(
    out: Output, shown: ShownRun, metrics: tuple[str, ...], points: tuple[str, ...]
) -> None:
    """Labels first, then every metric of every point, then what is kept beside the run."""
    run = shown.run
    out.table(_labels(out, shown))
    chosen = [point for point in run.points if _wanted(point, points)]
    if out.human:
        out.line("")
        table = _points_for_people(out, run, chosen, metrics)
    else:
        table = _points_for_pipes(run, chosen, metrics)
    out.table(table)
    left = len(run.points) - len(chosen)
    if left:
        out.note(f"{plural(left, 'point')} not shown")
    if shown.attachments and out.human:
        out.line("")
        out.line(("Attachments", "strong"))
    if out.human:
        out.table(_attachments_for_people(shown.attachments))
        return
    attachments = Table("name", ">size", "type", header=False)
    for one in shown.attachments:
        attachments.add(f"attachment {one.name}", str(one.size), type_of(one))
    out.table(attachments)


def _attachments_for_people(attachments: Sequence[Attachment]) -> Table:
    """All by name; of many tensors, which nobody reads by name, the sum."""
    table = Table("*name", ">size", "type", header=False)
    tensors = [one for one in attachments if one.name.startswith(TENSORS)]
    folded = tensors if len(tensors) > MANY_TENSORS else []
    for one in attachments:
        if not (folded and one.name.startswith(TENSORS)):
            table.add(one.name, (size(one.size), "dim"), (type_of(one), "dim"))
    if folded:
        total = size(sum(one.size for one in folded))
        table.add(TENSORS, (total, "dim"), (plural(len(folded), "tensor"), "dim"))
    return table


def type_of(attachment: Attachment) -> str:
    """A record by what it is: that its form is JSON says less."""
    return attachment.media_type if attachment.kind in (FILE, FOLDER) else attachment.kind


def _wanted(point: Point, patterns: tuple[str, ...]) -> bool:
    names = (point.name, f"{point.scenario}/{point.name}")  # the second as it is shown
    return not patterns or any(
        name == pattern or fnmatchcase(name, pattern) for pattern in patterns for name in names
    )


def _labels(out: Output, shown: ShownRun) -> Table:
    run = shown.run
    table = Table("", "*", header=False)
    when = run.timestamp.isoformat()
    if out.human:
        local = run.timestamp.astimezone()
        when = f"{local:%Y-%m-%d %H:%M:%S %z}  ({age(run.timestamp, clock.now())})"
    rows: list[tuple[str, Any, str]] = [
        ("run", run.id, "id"),
        ("object", shown.object_id, "dim"),
        ("refs", " ".join(shown.refs), "ref"),
        ("time", when, ""),
        ("branch", run.branch, ""),
        ("commit", run.commit, ""),
        ("commit time", run.commit_time.isoformat() if run.commit_time else None, ""),
        ("dirty", None if run.dirty is None else ("yes" if run.dirty else "no"), ""),
        ("experiment", run.experiment, "strong"),
        ("group", run.group, ""),
        ("status", run.status, "" if run.status == "ok" else "bad"),
        ("origin", str(run.origin), "" if run.origin == "measured" else "warn"),
        ("error", run.error, "bad"),
        ("machine", _machine(run, shown.machine), ""),
        ("guessed", ", ".join(run.guessed), "dim"),
        *((f"param {name}", value, "") for name, value in run.params.items()),
    ]
    for title, value, style in rows:
        if value not in (None, ""):
            table.add((title, "dim"), (str(value), style))
    return table


def _machine(run: Run, machine: str | None) -> str:
    environment = run.environment
    parts = [environment.get(key) for key in ("machine", "cpu", "os", "arch")]
    words = [part for part in parts if isinstance(part, str) and part]
    cores = environment.get("cores")
    if isinstance(cores, int) and not isinstance(cores, bool):
        words.append(plural(cores, "core"))
    if machine:
        words.append(f"[{machine}]")
    return ", ".join(words)


def _metrics(point: Point, wanted: tuple[str, ...]) -> list[tuple[str, Metric]]:
    return [(n, m) for n, m in point.metrics.items() if not wanted or n in wanted]


def _points_for_people(
    out: Output, run: Run, points: list[Point], wanted: tuple[str, ...]
) -> Table:
    table = Table("^point", "metric", "", ">value", "*")
    for point in points:
        first: list[Span] | str = point_spans(point.scenario, point.name, point.tags)
        if point.status is not PointStatus.OK:
            failed = point.status is PointStatus.FAILED
            table.add(first, (str(point.status), "bad" if failed else "warn"), "", "",
                      (point.error or "", "dim"))  # fmt: skip
            first = ""
        for name, metric in _metrics(point, wanted):
            known = run.metric_defs.get(name)
            table.add(
                first,
                name,
                _direction(out, known),
                human(metric.value, known.unit if known else None),
                (_spread(metric, known), "dim"),
            )
            first = ""
    return table.drop_empty()


def _direction(out: Output, known: MetricDef | None) -> Span:
    """Which way is better, as an arrow; a question mark where nobody knows."""
    if known is None or known.direction_source == "unknown":
        return ("?", "dim")
    words = {MetricDirection.HIGHER: "↑", MetricDirection.LOWER: "↓"}
    if not out.unicode:
        words = {MetricDirection.HIGHER: "^", MetricDirection.LOWER: "v"}
    return (words.get(known.direction, ""), "dim")


def _spread(metric: Metric, known: MetricDef | None) -> str:
    parts = []
    bounds = [bound for bound in (metric.lower, metric.upper) if bound is not None]
    if bounds:
        scale = scale_for([metric.value, *bounds], known.unit if known else None)
        low, high = (
            "?" if bound is None else format_number(bound, (scale[0], ""))
            for bound in (metric.lower, metric.upper)
        )
        parts.append(f"{low} … {high} {scale[1]}".rstrip())
    if metric.samples:
        parts.append(f"{metric.estimator or ''} of {len(metric.samples):,}".strip())
    elif metric.estimator:
        parts.append(metric.estimator)
    return ", ".join(parts)


def _points_for_pipes(run: Run, points: list[Point], wanted: tuple[str, ...]) -> Table:
    table = Table(
        "scenario", "point", "tags", "status", "metric", "value", "unit", "direction", "lower",
        "upper", "samples",
    )  # fmt: skip
    for point in points:
        key = (point.scenario, point.name, tags_text(point.tags), str(point.status))
        metrics = _metrics(point, wanted)
        if not metrics and point.status is not PointStatus.OK:
            table.add(*key)
        for name, metric in metrics:
            known = run.metric_defs.get(name)
            unknown = known is None or known.direction_source == "unknown"
            table.add(
                *key, name, repr(metric.value), known.unit if known else "",
                "unknown" if unknown or known is None else str(known.direction),
                *("" if bound is None else repr(bound) for bound in (metric.lower, metric.upper)),
                str(len(metric.samples or ())),
            )  # fmt: skip
    return table

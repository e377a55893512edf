"""Answers as small HTML tables, for notebooks: text escaped, no script, no style of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graven.model.run import Run

MOST_ROWS = 100
_LONGEST = 120


def run_html(run: Run) -> str:
    """A run: what it is of, and its metrics."""
    facts = [
        ("time", run.timestamp), ("branch", run.branch), ("commit", run.commit),
        ("experiment", run.experiment), ("status", run.status), ("origin", str(run.origin)),
    ]  # fmt: skip
    told = " · ".join(f"{name} {cell(value)}" for name, value in facts if value is not None)
    rows = (
        (
            point.scenario, point.name, tags_text(point.tags), name, metric.value,
            *(f"{metric.lower:.6g}" if metric.lower is not None else None,
              f"{metric.upper:.6g}" if metric.upper is not None else None),
            run.metric_defs[name].unit if name in run.metric_defs else None,
        )
        for point in run.points for name, metric in point.metrics.items()
    )  # fmt: skip
    titles = ("scenario", "point", "tags", "metric", "value", "lower", "upper", "unit")
    total = sum(len(point.metrics) for point in run.points)
    return f"<div><p><b>run {cell(run.id)}</b> · {told}</p>{table(titles, rows, total)}</div>"


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]], total: int) -> str:
    """The first `MOST_ROWS` rows, and how many more there are."""
    head = "".join(f"<th>{cell(title)}</th>" for title in titles)
    body = []
    for count, row in enumerate(rows):
        if count >= MOST_ROWS:
            break
        body.append(f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>")
    left = total - len(body)
    more = f"<p>{left:,} more rows</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"


def tags_text(tags: dict[str, str]) -> str:
    """``size=10, dtype=f4``."""
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def cell(value: Any) -> str:
    """A value, escaped; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, datetime):
        text = value.isoformat(" ", "seconds")
    else:
        text = str(value)
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    # What turns the direction of text, or ends a line, would show other than what is there.
    return escape("".join(char if char.isprintable() else "\ufffd" for char in text))

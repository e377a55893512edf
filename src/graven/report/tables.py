"""A report as CSV: a row for each value, with all that says what it is."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from graven.report.model import Report, ReportSeries, tags_text
from graven.report.safe_text import harmless

COLUMNS = (
    "run", "time", "branch", "commit", "origin", "scenario", "point", "tags", "metric", "value",
    "lower", "upper", "unit", "direction",
)  # fmt: skip
_PIECE = 1 << 16  # characters that are handed on at once


def render(report: Report) -> Iterator[str]:
    """RFC 4180 in pieces, with a line of titles: series by series, runs from old to new.

    A value that is no number is an empty cell. Numbers have all their digits; text that a
    spreadsheet would take for a formula begins with a ``'``.
    """
    runs = [
        (
            harmless(run.id),
            run.timestamp.isoformat(),
            harmless(run.branch or ""),
            harmless(run.commit or ""),
            run.origin,
        )
        for run in report.runs
    ]
    return lines(COLUMNS, _rows(report.series, runs))


def _rows(series: Iterable[ReportSeries], runs: Sequence[tuple[str, ...]]) -> Iterator[list[str]]:
    for one in series:
        named = [harmless(text) for text in (one.scenario, one.name, tags_text(one.tags))]
        read = [harmless(one.unit or ""), one.way]
        metric = harmless(one.metric)
        empty = [math.nan] * len(one.rows)
        columns = [
            empty if values is None else values.tolist()
            for values in (one.values, one.lower, one.upper)
        ]
        for row, *numbers in zip(one.rows.tolist(), *columns, strict=True):
            yield [*runs[row], *named, metric, *map(number, numbers), *read]


def number(value: float | None) -> str:
    """All digits; nothing for what is no number."""
    return "" if value is None or math.isnan(value) else repr(value)


def lines(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows as CSV, many lines at once."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(titles)
    for row in rows:
        writer.writerow(row)
        if buffer.tell() > _PIECE:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()

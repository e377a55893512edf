"""A report as an Excel workbook: overview, comparison, all values, steps, environments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from graven.report.environments import facts
from graven.report.model import Report, ReportSeries, tags_text
from graven.report.sheets import MOST_COLUMNS, MOST_ROWS, Sheet, workbook

RUN_TITLES = ("run", "time (UTC)", "branch", "commit", "experiment", "status", "origin", "refs")
_RUN_WIDTHS = (16, 19, 14, 14, 14, 10, 10, 16)


def write(report: Report, file: BinaryIO) -> None:
    """Write the workbook; what Excel has no room for is counted on its first sheet.

    Raises:
        InvalidInput: the extra ``xlsx`` is not installed.
    """
    with workbook(file, report.made, report.title) as book:
        _overview(book, report)
        _comparison(book, report)
        _values(book, report)
        _steps(book, report)
        _environments(book, report)


def left_out(report: Report) -> list[str]:
    """What is in the report and has no room in a workbook."""
    found = []
    if len(report.series) > MOST_COLUMNS - len(RUN_TITLES):
        count = len(report.series) - (MOST_COLUMNS - len(RUN_TITLES))
        found.append(f"{count:,} series: Excel has {MOST_COLUMNS:,} columns")
    if len(report.runs) >= MOST_ROWS:
        count = len(report.runs) - MOST_ROWS + 1
        found.append(f"{count:,} runs: Excel has {MOST_ROWS:,} rows")
    return found


def _overview(book: Any, report: Report) -> None:
    sheet = Sheet(book, "Overview", ("", "value"), widths=(28, 60))
    for name, value in _facts(report):
        sheet.add(name, value)


def _facts(report: Report) -> Iterator[tuple[str, Any]]:
    yield "title", report.title
    yield "store", report.store
    yield "runs chosen by", report.where or None
    yield "made (UTC)", report.made
    yield "runs", len(report.runs)
    if report.runs:
        yield "first (UTC)", report.runs[0].timestamp
        yield "last (UTC)", report.runs[-1].timestamp
    for origin, count in report.origins().items():
        yield f"runs {origin}", count
    yield "series", len(report.series)
    for text in (*report.left_out(), *left_out(report)):
        yield "left out", text
    found = report.comparison
    if found is None:
        yield "no comparison", report.without
        return
    yield "baseline", report.baseline_name
    yield "baseline run", found.baseline.id
    yield "current run", found.current.id
    for verdict, count in found.counts().items():
        if count:
            yield f"verdict {verdict}", count
    for note in report.notes:
        yield "note", note


def _comparison(book: Any, report: Report) -> None:
    titles = (
        "verdict", "scenario", "point", "tags", "metric", "unit", "baseline", "current", "change",
        "worse", "95% from", "95% to", "judged by", "threshold", "note",
    )  # fmt: skip
    widths = (16, 18, 28, 20, 14, 8, 14, 14, 10, 8, 10, 10, 10, 10, 40)
    sheet = Sheet(book, "Comparison", titles, frozen=0, widths=widths)
    sheet.style("%", num_format="+0.0%;-0.0%;0.0%")
    for row in report.comparison.rows if report.comparison else ():
        name = row.name if row.occurrence == 1 else f"{row.name} #{row.occurrence}"
        effect = row.effect
        bounds = (None, None) if effect is None else (effect.lower, effect.upper)
        sheet.add(
            str(row.verdict), row.scenario, name, tags_text(row.tags), row.metric, row.unit,
            row.baseline, row.current, (row.change, "%"), row.worse,
            *((None if bound is None else bound - 1, "%") for bound in bounds),
            None if row.judged_by is None else str(row.judged_by), (row.threshold, "%"), row.note,
        )  # fmt: skip
    sheet.done()


def _values(book: Any, report: Report) -> None:
    """A row a run, a column a series."""
    import numpy as np

    series = report.series[: MOST_COLUMNS - len(RUN_TITLES)]
    titles = (*RUN_TITLES, *(f"{one.label} [{one.unit}]" if one.unit else one.label
                             for one in series))  # fmt: skip
    sheet = Sheet(book, "Runs x Series", titles, widths=_RUN_WIDTHS)
    values = np.full((len(report.runs), len(series)), np.nan)
    for at, one in enumerate(series):
        values[one.rows, at] = one.values
    for run, numbers in zip(report.runs, values, strict=True):
        sheet.add(
            run.id, run.timestamp, run.branch, run.commit, run.experiment, run.status, run.origin,
            " ".join(run.refs) or None, *numbers.tolist(),
        )  # fmt: skip
    sheet.done()


def _steps(book: Any, report: Report) -> None:
    titles = (
        "time (UTC)", "run", "commit", "scenario", "point", "tags", "metric", "unit", "before",
        "after", "change", "worse", "state", "by", "message",
    )  # fmt: skip
    widths = (19, 16, 14, 18, 28, 20, 14, 8, 14, 14, 10, 8, 10, 14, 40)
    sheet = Sheet(book, "Steps", titles, frozen=0, widths=widths)
    sheet.style("%", num_format="+0.0%;-0.0%;0.0%")
    for series in report.series:
        for step in series.steps:
            sheet.add(
                step.timestamp, step.run_id, step.commit, *_name(series), step.unit, step.before,
                step.after, (step.change, "%"), step.worse, step.state, step.by or None,
                step.message or None,
            )  # fmt: skip
    sheet.done()


def _name(series: ReportSeries) -> tuple[str, ...]:
    return (series.scenario, series.name, tags_text(series.tags), series.metric)


def _environments(book: Any, report: Report) -> None:
    shown = report.environments[: MOST_COLUMNS - 2]
    titles = ("fact", "differs", *(f"environment {at + 1}" for at in range(len(shown))))
    sheet = Sheet(book, "Environments", titles, widths=(30, 8, *[28] * len(shown)))
    counts = [0] * len(shown)
    for run in report.runs:
        if run.environment is not None and run.environment < len(counts):
            counts[run.environment] += 1
    sheet.add("runs", None, *counts)
    sheet.add("machine", None, *report.machines[: len(shown)])
    for fact in facts(shown):
        sheet.add(fact.name, fact.differs, *fact.values)
    sheet.done()

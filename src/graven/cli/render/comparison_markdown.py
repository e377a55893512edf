"""A comparison as a comment on a pull request: Markdown that no name of a benchmark can break.

Every text of a file stands in a code element, its punctuation as numeric references: there no
Markdown, no HTML, no mention and no link is recognised.
"""

from __future__ import annotations

from collections.abc import Iterator

from graven.analysis import Comparison, Row, RunLabel, Verdict
from graven.cli.render.comparison import (
    SECTIONS,
    alarms_text,
    basis_text,
    counts_text,
    interval_text,
    judged_by_text,
    sorted_rows,
    tags_text,
)
from graven.cli.render.text import short_commit, short_id
from graven.cli.render.units import format_number, percent, scale_for
from graven.porcelain.check import CheckReport
from graven.report.safe_text import code

MOST_ROWS = 50
"""Of a section; a comment holds 65,536 characters."""

_OPEN = (Verdict.REGRESSION, Verdict.FAILED, Verdict.SUSPECT, Verdict.NOT_ENOUGH_DATA)
_HEAD = ("", "point", "metric", "baseline", "current", "change", "95 %", "judged by", "")


def check_markdown(report: CheckReport) -> list[str]:
    """Lines of the answer of the gate."""
    if report.result is None:
        return [f"**passed**: no baseline {code(report.baseline_name)} yet"]
    result = report.result
    word = "passed" if result.passed else "failed"
    if result.comparison.baseline == result.comparison.current:
        word = "nothing new"
    if result.mistakes:
        word = "not judged"
    mistakes = [f"> {code(mistake.message)}" for mistake in result.mistakes]
    alarms = alarms_text(report.alarms)
    title = f"**graven check {word}**: {counts_text(result.comparison)}"
    return [title, "", *mistakes, *_body(result.comparison, alarms)]


def comparison_markdown(comparison: Comparison) -> list[str]:
    """Lines of a comparison."""
    return [f"**graven compare**: {counts_text(comparison)}", "", *_body(comparison, "")]


def _body(comparison: Comparison, alarms: str) -> Iterator[str]:
    for title, verdicts in SECTIONS:
        rows = sorted_rows(list(comparison.with_verdict(*verdicts)))
        if not rows:
            continue
        folded = verdicts[0] not in _OPEN
        yield ""
        yield f"<details><summary>{title} ({len(rows):,})</summary>" if folded else f"**{title}**"
        yield ""
        yield from _table(rows)
        if folded:
            yield ""
            yield "</details>"
    yield ""
    yield "<details><summary>What was compared</summary>"
    yield ""
    yield "| | run | when | branch | commit |"
    yield "|---|---|---|---|---|"
    yield _side("baseline", comparison.baseline)
    yield _side("current", comparison.current)
    yield ""
    for text in (basis_text(comparison), alarms):
        if text:
            yield f"* {text}"
    for text in comparison.warnings:
        yield f"* {code(text)}"
    for key in comparison.duplicates:
        times = f"{key.in_baseline} times in the baseline, {key.in_current} times now"
        yield f"* {code(key.scenario)} {code(key.name)} {code(tags_text(key.tags))}: {times}"
    yield ""
    yield "</details>"


def _side(word: str, side: RunLabel) -> str:
    when = f"{side.timestamp:%Y-%m-%d %H:%M}"
    names = (short_id(side.id), when, side.branch or "", short_commit(side.commit))
    return f"| {word} | {' | '.join(code(name) for name in names)} |"


def _table(rows: list[Row]) -> Iterator[str]:
    yield f"| {' | '.join(_HEAD)} |"
    yield "|---|---|---|--:|--:|--:|--:|---|---|"
    for row in rows[:MOST_ROWS]:
        yield f"| {' | '.join(_cells(row))} |"
    if len(rows) > MOST_ROWS:
        yield ""
        yield f"and {len(rows) - MOST_ROWS:,} more"


def _cells(row: Row) -> Iterator[str]:
    sides = [value for value in (row.baseline, row.current) if value is not None]
    divisor, unit = scale_for(sides, row.unit)
    name = row.name if row.occurrence == 1 else f"{row.name} #{row.occurrence}"
    yield _mark(row)
    yield " ".join(code(text) for text in (row.scenario, name, tags_text(row.tags)) if text)
    yield code(row.metric or "")
    for value in (row.baseline, row.current):
        number = "" if value is None else format_number(value, (divisor, ""))
        yield f"{number} {code(unit)}" if number and unit else number
    yield f"**{percent(row.change)}**" if row.change is not None else ""
    yield interval_text(row)
    yield judged_by_text(row)
    yield code(row.note or "")


def _mark(row: Row) -> str:
    if row.verdict is Verdict.FAILED:
        return "❌"
    if row.verdict in (Verdict.NO_CHANGE, Verdict.NO_DIRECTION) or not row.delta:
        return ""
    arrow = "▲" if row.delta > 0 else "▼"
    if row.worse is None:
        return arrow
    return f"{arrow} {'worse' if row.worse else 'better'}"

"""A comparison as tables: what changed first, in numbers that can be read side by side."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable

from graven.analysis import Alarms, Comparison, JudgedBy, Row, RunLabel, Verdict
from graven.analysis.history import LEAST
from graven.analysis.replay import ENOUGH
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.text import plural, short_commit, short_id
from graven.cli.render.units import format_number, percent, scale_for
from graven.model import MetricDirection

# In the order they are shown, with the title of their section.
SECTIONS: tuple[tuple[str, tuple[Verdict, ...]], ...] = (
    ("Regressions", (Verdict.REGRESSION,)),
    ("Failed", (Verdict.FAILED,)),
    ("Suspect", (Verdict.SUSPECT,)),
    ("Not enough data", (Verdict.NOT_ENOUGH_DATA,)),
    ("Improvements", (Verdict.IMPROVEMENT,)),
    ("Added", (Verdict.ADDED,)),
    ("Removed", (Verdict.REMOVED,)),
    ("Skipped", (Verdict.SKIPPED,)),
    ("Not a number", (Verdict.NOT_A_NUMBER,)),
    ("Incomparable", (Verdict.INCOMPARABLE,)),
    ("No direction", (Verdict.NO_DIRECTION,)),
    ("No change", (Verdict.NO_CHANGE,)),
)
NARROW = 100
"""Columns of a terminal below which a metric stands behind its point."""
MOST_BASIS = 20
"""Characters up to which what a verdict rests on is not folded."""
QUIET = (Verdict.NO_DIRECTION, Verdict.NO_CHANGE)

_WORDS = {
    Verdict.REGRESSION: ("regression", "regressions"),
    Verdict.FAILED: ("failed", "failed"),
    Verdict.SUSPECT: ("suspect", "suspect"),
    Verdict.NOT_ENOUGH_DATA: ("without enough data", "without enough data"),
    Verdict.IMPROVEMENT: ("improvement", "improvements"),
    Verdict.ADDED: ("added", "added"),
    Verdict.REMOVED: ("removed", "removed"),
    Verdict.SKIPPED: ("skipped", "skipped"),
    Verdict.NOT_A_NUMBER: ("not a number", "not a number"),
    Verdict.INCOMPARABLE: ("incomparable", "incomparable"),
    Verdict.NO_DIRECTION: ("without direction", "without direction"),
    Verdict.NO_CHANGE: ("unchanged", "unchanged"),
}
_STYLES = {
    Verdict.REGRESSION: "bad",
    Verdict.FAILED: "bad",
    Verdict.SUSPECT: "warn",
    Verdict.NOT_ENOUGH_DATA: "warn",
    Verdict.IMPROVEMENT: "good",
    Verdict.REMOVED: "warn",
    Verdict.SKIPPED: "warn",
    Verdict.NOT_A_NUMBER: "warn",
    Verdict.INCOMPARABLE: "warn",
}

_BY_SIZE = (
    Verdict.REGRESSION, Verdict.SUSPECT, Verdict.NOT_ENOUGH_DATA, Verdict.IMPROVEMENT,
)  # fmt: skip


def show_sides(out: Output, comparison: Comparison) -> None:
    """Which two runs are compared."""
    table = Table("", "run", "when", "branch", "commit", "*", header=False)
    for name, side in (("baseline", comparison.baseline), ("current", comparison.current)):
        table.add((name, "dim"), *_label(out, side))
    out.table(table)


def _label(out: Output, side: RunLabel) -> tuple[str | Span, ...]:
    remarks = [word for word, usual in ((side.origin, "measured"), (side.status, "ok"))
               if word != usual]  # fmt: skip
    if not out.human:
        return (side.id, side.timestamp.isoformat(), side.branch or "", side.commit or "",
                " ".join(remarks))  # fmt: skip
    return (
        (short_id(side.id), "id"),
        f"{side.timestamp.astimezone():%Y-%m-%d %H:%M}",
        side.branch or "",
        (short_commit(side.commit), "dim"),
        (" ".join(remarks), "warn"),
    )


def show_rows(out: Output, comparison: Comparison, *, hidden: Iterable[Verdict] = ()) -> None:
    """All rows but those with a hidden verdict; for people in sections."""
    left_out = frozenset(hidden)
    if not out.human:
        out.table(_plain_table(comparison, left_out))
        return
    for title, verdicts in SECTIONS:
        rows = [row for row in comparison.with_verdict(*verdicts) if row.verdict not in left_out]
        if rows:
            out.line("")
            out.line((title, _STYLES.get(verdicts[0], "strong")))
            out.table(_table(out, sorted_rows(rows)))


def sorted_rows(rows: list[Row]) -> list[Row]:
    """The largest change first, where there is one to go by."""
    if not rows or rows[0].verdict not in _BY_SIZE:
        return rows
    return sorted(rows, key=lambda row: -abs(row.change) if row.change is not None else -1e308)


def _plain_table(comparison: Comparison, left_out: frozenset[Verdict]) -> Table:
    table = Table(
        "verdict", "scenario", "point", "tags", "metric", "unit", "baseline", "current", "change",
        "threshold", "note", "lower", "upper", "judged by",
    )  # fmt: skip
    for _, verdicts in SECTIONS:
        for row in comparison.with_verdict(*verdicts):
            if row.verdict not in left_out:
                table.add(
                    str(row.verdict), row.scenario, _name(row), tags_text(row.tags),
                    row.metric or "", row.unit or "",
                    *(_repr(value) for value in
                      (row.baseline, row.current, row.change, row.threshold)),
                    row.note or "",
                    *(_repr(bound) for bound in _bounds(row)), str(row.judged_by or ""),
                )  # fmt: skip
    return table


def _bounds(row: Row) -> tuple[float | None, float | None]:
    """The interval of the change: of the ratio of medians, less one."""
    if row.effect is None or row.effect.lower is None or row.effect.upper is None:
        return None, None
    return row.effect.lower - 1, row.effect.upper - 1


def _repr(value: float | None) -> str:
    return "" if value is None else repr(value)


def _table(out: Output, rows: list[Row]) -> Table:
    narrow = shutil.get_terminal_size().columns < NARROW
    basis = [", ".join(filter(None, (judged_by_text(row), row.note))) for row in rows]
    short = max(map(len, basis)) <= MOST_BASIS  # a long name of a point is folded first
    table = Table(
        "", "^point", "*" if narrow else "*metric", ">baseline", ">current", ">change", ">95%",
        ("" if short else "*") + ("by" if narrow else "judged by"),
    )  # fmt: skip
    for row, why in zip(rows, basis, strict=True):
        sides = [value for value in (row.baseline, row.current) if value is not None]
        scale = scale_for(sides, row.unit)
        old, new = (
            "" if value is None else format_number(value, scale)
            for value in (row.baseline, row.current)
        )
        point = point_spans(row.scenario, _name(row), row.tags)
        metric = row.metric or ""
        table.add(
            arrow(out, row),
            [*point, (f" {metric}", "strong")] if narrow and metric else point,
            "" if narrow else metric,
            (old, "dim"),
            new,
            (_change(row), style_of(row)),
            (interval_text(row), "dim"),
            (why, "dim"),
        )
    return table.drop_empty()


def interval_text(row: Row) -> str:
    """``+3.1 to +8.2%``: the change that the samples allow; nothing without an interval."""
    lower, upper = _bounds(row)
    if lower is None or upper is None:
        return ""
    if min(abs(lower), abs(upper)) >= 0.1 and math.isfinite(upper):
        return f"{lower * 100:+.0f} to {upper * 100:+.0f}%"
    return f"{percent(lower).removesuffix('%')} to {percent(upper)}"


def judged_by_text(row: Row) -> str:
    """``30 runs``, ``10+9 samples``, ``ratio``: what the verdict rests on."""
    if row.judged_by is JudgedBy.HISTORY:
        return f"{row.usual.runs} runs" if row.usual is not None else "history"
    if row.judged_by is JudgedBy.SAMPLES and row.effect is not None:
        before, now = row.effect.samples
        return f"{before}+{now} samples"
    return str(row.judged_by or "")


def _change(row: Row) -> str:
    if row.change is None and row.delta:
        return format_number(row.delta, scale_for([row.delta], row.unit))
    return percent(row.change)


def arrow(out: Output, row: Row) -> Span:
    """Up or down by the number; its colour says whether that is better or worse."""
    if row.verdict is Verdict.FAILED:
        return ("✗" if out.unicode else "x", style_of(row))
    if row.verdict is Verdict.NO_CHANGE or not row.delta:
        return ("", "")
    up, down = ("▲", "▼") if out.unicode else ("^", "v")
    return (up if row.delta > 0 else down, style_of(row))


def style_of(row: Row) -> str:
    """The colour of a row's change."""
    if row.verdict is Verdict.FAILED and not row.worse:
        return "warn"
    return _STYLES.get(row.verdict, "")


def counts_text(comparison: Comparison) -> str:
    """``1 regression, 2 improvements, 12 unchanged``."""
    parts = []
    for _, verdicts in SECTIONS:
        for verdict in verdicts:
            count = len(comparison.with_verdict(verdict))
            if count:
                parts.append(f"{count:,} {_WORDS[verdict][count != 1]}")
    return ", ".join(parts) or "nothing to compare"


def basis_text(comparison: Comparison) -> str:
    """What the verdicts rest on, in one line; nothing where nothing was judged."""
    ways = comparison.ways()
    words = {"history": "the history", "samples": "the samples", "ratio": "the ratio alone"}
    parts = [f"{count:,} by {words[way]}" for way, count in ways.items() if count]
    if not parts:
        return ""
    runs = comparison.history_runs
    if runs is None:
        return f"judged: {', '.join(parts)}"
    if runs < LEAST:
        return f"judged: {', '.join(parts)} (the history has {runs} of {LEAST} comparable runs)"
    return f"judged: {', '.join(parts)} (of {plural(runs, 'comparable run')})"


def alarms_text(alarms: Alarms | None) -> str:
    """How often the gate would have fired on the past; nothing where it does not lean on it."""
    if alarms is None:
        return ""
    if alarms.share is None:
        return (
            f"the gate's rate of alarms: {alarms.comparisons} past comparisons are too few to say"
            f" ({ENOUGH} are enough)"
        )
    return (
        f"this gate would have fired on {alarms.share:.1%} of your past"
        f" {plural(alarms.comparisons, 'comparison')} ({alarms.fired:,}; real changes among them)"
    )


def show_remarks(out: Output, comparison: Comparison) -> None:
    """Warnings, and the points that nothing tells apart."""
    for text in comparison.warnings:
        out.warn(text)
    for key in comparison.duplicates:
        out.warn(
            f"{point_text(key.scenario, key.name, key.tags)} occurs {key.in_baseline} times"
            f" in the baseline and {key.in_current} times in the current run"
        )


def _name(row: Row) -> str:
    return row.name if row.occurrence == 1 else f"{row.name} #{row.occurrence}"


def point_spans(scenario: str, name: str, tags: dict[str, str]) -> list[Span]:
    """Scenario, name and tags of a point for people.

    A scenario that the name begins with (pytest-benchmark's names begin with the file) is
    not said twice.
    """
    spans: list[Span] = []
    if scenario and not _begins_with(name, scenario):
        spans.append((f"{scenario}/", "dim"))
    spans.append((name, ""))
    if tags:
        spans.append((tags_text(tags, " "), "dim"))
    return spans


def _begins_with(name: str, scenario: str) -> bool:
    rest = name.removeprefix(scenario)
    # "sort" is no part of the name "sorted", but it is of "sort", "sort::a" and "sort[1]".
    return len(rest) < len(name) and not (rest[:1].isalnum() or rest[:1] == "_")


def point_text(scenario: str, name: str, tags: dict[str, str]) -> str:
    """`point_spans` as one text."""
    return "".join(text for text, _ in point_spans(scenario, name, tags))


def tags_text(tags: dict[str, str], before: str = "") -> str:
    """``a=1,b=2`` sorted by key; nothing for no tags."""
    return before + ",".join(f"{k}={v}" for k, v in sorted(tags.items())) if tags else ""


def direction_text(direction: MetricDirection | None, source: str) -> str:
    """Which way is better, and how sure that is."""
    if direction is None or source == "unknown":
        return "direction unknown"
    if direction is MetricDirection.INFO:
        return "for information"
    return f"{direction} is better"

"""A comparison as tables: what changed first, in numbers that can be read side by side."""

from __future__ import annotations

from collections.abc import Iterable

from graven.analysis import Comparison, Row, RunLabel, Verdict
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.text import short_commit, short_id
from graven.cli.render.units import format_number, percent, scale_for
from graven.model import MetricDirection

# In the order they are shown, with the title of their section.
SECTIONS: tuple[tuple[str, tuple[Verdict, ...]], ...] = (
    ("Regressions", (Verdict.REGRESSION,)),
    ("Failed", (Verdict.FAILED,)),
    ("Improvements", (Verdict.IMPROVEMENT,)),
    ("Added", (Verdict.ADDED,)),
    ("Removed", (Verdict.REMOVED,)),
    ("Skipped", (Verdict.SKIPPED,)),
    ("Not a number", (Verdict.NOT_A_NUMBER,)),
    ("Incomparable", (Verdict.INCOMPARABLE,)),
    ("No direction", (Verdict.NO_DIRECTION,)),
    ("No change", (Verdict.NO_CHANGE,)),
)
QUIET = (Verdict.NO_DIRECTION, Verdict.NO_CHANGE)

_WORDS = {
    Verdict.REGRESSION: ("regression", "regressions"),
    Verdict.FAILED: ("failed", "failed"),
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
    Verdict.IMPROVEMENT: "good",
    Verdict.REMOVED: "warn",
    Verdict.SKIPPED: "warn",
    Verdict.NOT_A_NUMBER: "warn",
    Verdict.INCOMPARABLE: "warn",
}


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
            out.table(_table(out, _sorted(rows)))


def _sorted(rows: list[Row]) -> list[Row]:
    if rows[0].verdict not in (Verdict.REGRESSION, Verdict.IMPROVEMENT):
        return rows
    return sorted(rows, key=lambda row: -abs(row.change) if row.change is not None else -1e308)


def _plain_table(comparison: Comparison, left_out: frozenset[Verdict]) -> Table:
    table = Table(
        "verdict", "scenario", "point", "tags", "metric", "unit", "baseline", "current", "change",
        "threshold", "note",
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
                )  # fmt: skip
    return table


def _repr(value: float | None) -> str:
    return "" if value is None else repr(value)


def _table(out: Output, rows: list[Row]) -> Table:
    table = Table("", "*point", "*metric", ">baseline", ">current", ">change", "*")
    for row in rows:
        sides = [value for value in (row.baseline, row.current) if value is not None]
        scale = scale_for(sides, row.unit)
        old, new = (
            "" if value is None else format_number(value, scale)
            for value in (row.baseline, row.current)
        )
        table.add(
            arrow(out, row),
            point_spans(row.scenario, _name(row), row.tags),
            row.metric or "",
            (old, "dim"),
            new,
            (_change(row), style_of(row)),
            (row.note or "", "dim"),
        )
    return table.drop_empty()


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

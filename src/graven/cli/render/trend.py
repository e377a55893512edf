"""A series over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graven.analysis import sparkline
from graven.analysis.steps import NEW, Step
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.comparison import direction_text, point_spans, tags_text
from graven.cli.render.text import plural, short_commit, short_id
from graven.cli.render.units import format_number, percent, scale_for
from graven.model import MetricDirection
from graven.porcelain.trend import SeriesInfo, Trend
from graven.store.annotations import REJECTED

MAX_ROWS = 12  # values listed under a sparkline, the newest; a pipe gets all
SPARK_WIDTH = 60


def show_trend(
    out: Output, trend: Trend, steps: Sequence[Step] | None = None, *, rows: int = MAX_ROWS
) -> None:
    """A headline, the sparkline with ``steps`` marked below it, the newest values."""
    said = {step.run_id: step for step in steps or ()}
    if not out.human:
        out.table(_for_pipes(trend, None if steps is None else said))
        return
    known, summary = trend.definition, trend.summary
    unit = known.unit if known else None
    source = known.direction_source if known else "unknown"
    direction = direction_text(known.direction if known else None, source)
    info = trend.info
    out.line(
        *point_spans(info.scenario, info.name, info.tags),
        "  ",
        (info.metric, "strong"),
        (f"  {direction}", "dim"),
    )
    mixed = len(set(trend.branches)) > 1
    values = [point.value for point in trend.series.points]
    finite = [v for v in (summary.minimum, summary.maximum) if v is not None]
    scale = scale_for(finite, unit)
    out.line(
        sparkline(values, width=SPARK_WIDTH, ascii_only=not out.unicode),
        "  ",
        ("", "") if mixed else (percent(summary.change), _style(trend, summary.change)),
        (f"  over {plural(summary.count, 'run')}{_range(trend, scale)}", "dim"),
        (f", {len(set(trend.branches))} branches" if mixed else "", "dim"),
    )
    marked = _marks(trend, said)
    if marked:
        out.line((marked, "warn"))
    if summary.not_numbers:
        out.warn(f"{summary.not_numbers:,} of the values of {info.metric}: not a number")
    table = Table(">value", ">change", "when", "run", "commit", "branch", "*", header=False)
    points, before = trend.series.points, _same_branch_before(trend.branches)
    for index in range(max(0, len(points) - rows), len(points)):
        point, last = points[index], before[index]
        change = None if last is None else _difference(points[last].value, point.value)
        table.add(
            format_number(point.value, scale),
            (percent(change), _style(trend, change)),
            f"{point.timestamp.astimezone():%Y-%m-%d %H:%M}",
            (short_id(point.run_id), "id"),
            (short_commit(point.commit), "dim"),
            ((trend.branches[index] or "no branch") if mixed else "", "dim"),
            _step_text(said.get(point.run_id)),
        )
    out.table(table.drop_empty())


def _same_branch_before(branches: Sequence[str | None]) -> list[int | None]:
    """Of each value, the one to compare it with: work on a branch says nothing of another."""
    newest: dict[str | None, int] = {}
    found = []
    for index, branch in enumerate(branches):
        found.append(newest.get(branch))
        newest[branch] = index
    return found


def _marks(trend: Trend, said: Mapping[str, Step]) -> str:
    """A line to stand below the sparkline: ``^`` where a level begins, ``x`` where none does."""
    count = len(trend.series.points)
    width = min(SPARK_WIDTH, count)
    line = [" "] * width
    for index, point in enumerate(trend.series.points):
        if point.run_id in said:
            # The block whose group holds this value; see `sparkline`.
            column = ((index + 1) * width - 1) // count
            line[column] = "x" if said[point.run_id].state == REJECTED else "^"
    return "".join(line).rstrip()


def _step_text(step: Step | None) -> Span:
    if step is None:
        return ("", "")
    state = "" if step.state == NEW else f", {step.state}"
    why = f": {step.message}" if step.message else ""
    return (f"step {percent(step.change)}{state}{why}", "warn")


def _range(trend: Trend, scale: tuple[float, str]) -> str:
    low, high = trend.summary.minimum, trend.summary.maximum
    if low is None or high is None:
        return ""
    return f", {format_number(low, scale)} to {format_number(high, scale)}"


def _difference(before: float, after: float) -> float | None:
    change = (after - before) / abs(before) if before else None
    return None if change is None or change != change else change  # noqa: PLR0124  only NaN differs from itself


def _style(trend: Trend, change: float | None) -> str:
    known = trend.definition
    if not change or known is None or known.direction_source == "unknown":
        return "dim"
    if known.direction is MetricDirection.INFO:
        return "dim"
    better = (change < 0) is (known.direction is MetricDirection.LOWER)
    if abs(change) <= 0.05:
        return "dim"
    return "good" if better else "bad"


def _for_pipes(trend: Trend, said: Mapping[str, Step] | None) -> Table:
    table = Table("", header=False)
    info = trend.info
    unit = trend.definition.unit if trend.definition else ""
    for point, branch in zip(trend.series.points, trend.branches, strict=True):
        table.rows.append([
            point.timestamp.isoformat(), repr(point.value), unit, point.run_id,
            point.commit or "", info.scenario, info.name, tags_text(info.tags), info.metric,
            branch or "",
            *([] if said is None else [said[point.run_id].state if point.run_id in said else ""]),
        ])  # fmt: skip
    return table


def show_series(out: Output, found: list[SeriesInfo]) -> None:
    """The names of series."""
    table = Table("metric", "*point") if out.human else Table("", header=False)
    for info in found:
        if out.human:
            spans: list[Span] = point_spans(info.scenario, info.name, info.tags)
            table.add((info.metric, "strong"), spans)
        else:
            table.rows.append([info.metric, info.scenario, info.name, tags_text(info.tags)])
    out.table(table)

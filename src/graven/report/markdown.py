"""A report as Markdown: what a reader wants first, each list cut where it gets long.

Every text of a store stands in a code element; see `graven.report.safe_text.code`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from graven.analysis import Comparison, Row, Verdict
from graven.report.environments import facts
from graven.report.model import Report, ReportRun, ReportSeries, tags_text
from graven.report.numbers import format_number, percent, scale_for
from graven.report.safe_text import code

MOST_ROWS = 50
"""Of a list; the csv has all."""
MOST_RUNS = 20
MOST_ENVIRONMENTS = 6

# What a reader must act on, in the order shown.
MATTERS = (
    Verdict.REGRESSION, Verdict.FAILED, Verdict.SUSPECT, Verdict.NOT_ENOUGH_DATA,
    Verdict.IMPROVEMENT, Verdict.REMOVED, Verdict.NOT_A_NUMBER, Verdict.INCOMPARABLE,
)  # fmt: skip


def render(report: Report) -> Iterator[str]:
    """The lines, each with its end."""
    for line in _lines(report):
        yield line + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {code(report.title)}"
    yield ""
    yield from table(("", ""), _overview(report), "l")
    yield from _comparison(report)
    yield from _steps(report)
    yield from _series(report)
    yield from _runs(report)
    yield from _environments(report)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> Iterator[str]:
    """A table and an empty line; ``sides``: ``r`` for what is aligned right; the last goes on."""
    yield f"| {' | '.join(titles)} |"
    sides += sides[-1] * (len(titles) - len(sides))
    yield "|" + "|".join("--:" if side == "r" else "---" for side in sides[: len(titles)]) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _overview(report: Report) -> Iterator[tuple[str, str]]:
    runs = report.runs
    yield "store", code(report.store)
    if report.where:
        yield "runs chosen by", code(report.where)
    yield "runs", f"{len(runs):,}"
    if runs:
        yield "from, to", f"{_time(runs[0])}, {_time(runs[-1])}"
        origins = report.origins().items()
        yield "origin", ", ".join(f"{count:,} {code(origin)}" for origin, count in origins)
    yield "series", f"{len(report.series):,}"
    yield "made", f"{report.made:%Y-%m-%d %H:%M} UTC"
    left_out = [code(text) for text in report.left_out()]
    if left_out:
        yield "left out", ", ".join(left_out)


def _time(run: ReportRun) -> str:
    return f"{run.timestamp:%Y-%m-%d %H:%M}"


def _comparison(report: Report) -> Iterator[str]:
    yield "## Comparison"
    yield ""
    found = report.comparison
    if found is None:
        yield f"None: {code(report.without or 'nothing was compared')}"
        yield ""
        return
    sides = [
        (word, code(side.id), f"{side.timestamp:%Y-%m-%d %H:%M}", code(side.branch or ""),
         code(side.commit or ""), code(side.origin))
        for word, side in ((f"baseline {code(report.baseline_name)}", found.baseline),
                           ("current", found.current))
    ]  # fmt: skip
    yield from table(("", "run", "time", "branch", "commit", "origin"), sides, "l")
    counts = [(word, f"{count:,}") for word, count in found.counts().items() if count]
    yield from table(("verdict", "count"), counts, "lr")
    for note in report.notes:
        yield f"* {code(note)}"
    if report.notes:
        yield ""
    yield from _what_matters(found)


def _what_matters(found: Comparison) -> Iterator[str]:
    rows = [
        row
        for verdict in MATTERS
        for row in sorted(found.with_verdict(verdict), key=lambda row: -abs(row.change or 0.0))
    ]
    if not rows:
        return
    yield "### What matters"
    yield ""
    titles = ("verdict", "point", "metric", "baseline", "current", "change", "", "note")
    yield from table(titles, map(_row, rows[:MOST_ROWS]), "lllrrrl")
    yield from _more(len(rows), MOST_ROWS)


def _row(row: Row) -> tuple[str, ...]:
    values = (row.baseline, row.current)
    scale = scale_for([value for value in values if value is not None], row.unit)
    name = row.name if row.occurrence == 1 else f"{row.name} #{row.occurrence}"
    return (
        str(row.verdict), point(row.scenario, name, row.tags), code(row.metric or ""),
        *(amount(value, scale) for value in values), percent(row.change),
        {True: "worse", False: "better", None: ""}[row.worse], code(row.note or ""),
    )  # fmt: skip


def point(scenario: str, name: str, tags: dict[str, str]) -> str:
    """What names a point."""
    return " ".join(code(text) for text in (scenario, name, tags_text(tags)) if text)


def amount(value: float | None, scale: tuple[float, str]) -> str:
    """A number and its unit; nothing for what is missing."""
    if value is None or math.isnan(value):
        return ""
    number = format_number(value, scale).removesuffix(f" {scale[1]}")
    return f"{number} {code(scale[1])}" if scale[1] else number


def _more(count: int, shown: int) -> Iterator[str]:
    if count > shown:
        yield f"and {count - shown:,} more"
        yield ""


def _steps(report: Report) -> Iterator[str]:
    steps = [step for series in report.series for step in series.steps]
    if not steps:
        return
    steps.sort(key=lambda step: (step.timestamp, step.size), reverse=True)
    yield "## Steps"
    yield ""
    rows = []
    for step in steps[:MOST_ROWS]:
        scale = scale_for([v for v in (step.before, step.after) if math.isfinite(v)], step.unit)
        rows.append(
            (f"{step.timestamp:%Y-%m-%d %H:%M}", code(step.run_id), code(step.commit or ""),
             point(step.scenario, step.name, step.tags), code(step.metric),
             amount(step.before, scale), amount(step.after, scale), percent(step.change),
             {True: "worse", False: "better", None: ""}[step.worse], code(step.state))
        )  # fmt: skip
    titles = ("time", "run", "commit", "point", "metric", "before", "after", "change", "", "state")
    yield from table(titles, rows, "lllllrrrl")
    yield from _more(len(steps), MOST_ROWS)


def _series(report: Report) -> Iterator[str]:
    if not report.series:
        return
    yield "## Series"
    yield ""
    titles = ("point", "metric", "latest", "median", "least", "most", "values", "better", "origin")
    rows = (_summary(one, report.runs) for one in report.series[:MOST_ROWS])
    yield from table(titles, rows, "llrrrrrl")
    yield from _more(len(report.series), MOST_ROWS)


def _summary(one: ReportSeries, runs: Sequence[ReportRun]) -> tuple[str, ...]:
    numbers = one.summary()
    shown = [numbers[name] for name in ("last", "median", "minimum", "maximum")]
    scale = scale_for([value for value in shown if value is not None], one.unit)
    origins = dict.fromkeys(runs[row].origin for row in one.rows.tolist())
    return (
        point(one.scenario, one.name, one.tags), code(one.metric),
        *(amount(value, scale) for value in shown), f"{numbers['count']:,}", one.way,
        " ".join(code(origin) for origin in origins),
    )  # fmt: skip


def _runs(report: Report) -> Iterator[str]:
    if not report.runs:
        return
    yield "## Newest runs"
    yield ""
    newest = report.runs[: -MOST_RUNS - 1 : -1]
    rows = (
        (code(run.id), _time(run), code(run.branch or ""), code(run.commit or ""),
         code(run.status), code(run.origin), f"{run.points:,}",
         "" if run.environment is None else f"{run.environment + 1}",
         " ".join(map(code, run.refs)))
        for run in newest
    )  # fmt: skip
    titles = (
        "run", "time", "branch", "commit", "status", "origin", "points", "environment", "refs",
    )  # fmt: skip
    yield from table(titles, rows, "llllllrrl")
    yield from _more(len(report.runs), MOST_RUNS)


def _environments(report: Report) -> Iterator[str]:
    shown = report.environments[:MOST_ENVIRONMENTS]
    if not shown:
        return
    yield "## Environments"
    yield ""
    titles = ["", *(str(at + 1) for at in range(len(shown)))]
    counts = [sum(run.environment == at for run in report.runs) for at in range(len(shown))]
    found = facts(shown)
    rows = [
        ("runs", *(f"{count:,}" for count in counts)),
        ("machine", *(code(machine or "") for machine in report.machines[: len(shown)])),
        *((code(f.name), *(code(value or "") for value in f.values)) for f in found[:MOST_ROWS]),
    ]
    yield from table(titles, rows, "l")
    yield from _more(len(found), MOST_ROWS)
    if len(report.environments) > len(shown):
        yield f"and {len(report.environments) - len(shown):,} older environments"
        yield ""

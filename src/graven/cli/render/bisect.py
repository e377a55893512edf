"""The outcome of a search over commits."""

from __future__ import annotations

from graven.cli.output import Output
from graven.cli.render.blocks import Table
from graven.cli.render.comparison import point_spans
from graven.cli.render.text import clean, plural
from graven.cli.render.units import format_number, percent, scale_for
from graven.porcelain.bisect import BisectReport, Tried

_SHORT = 10  # digits of a commit, as git shows them


def show_bisect(out: Output, report: BisectReport) -> None:
    """What was measured in the order of history, then the answer; a line a commit for pipes."""
    scale = scale_for([each.value for each in report.tried if each.value is not None], report.unit)
    if not out.human:
        table = Table("commit", "verdict", "value", "unit", "runs", "subject")
        for each in report.tried:
            table.add(each.commit.sha, _verdict(report, each),
                      "" if each.value is None else repr(each.value), report.unit,
                      ",".join(each.runs), clean(each.commit.subject))  # fmt: skip
        out.table(table)
        return
    info = report.series
    out.line(*point_spans(info.scenario, info.name, info.tags), "  ", (info.metric, "strong"))
    table = Table(">value", "verdict", "commit", "*", header=False)
    for each in report.tried:
        verdict = _verdict(report, each)
        table.add(
            "-" if each.value is None else format_number(each.value, scale),
            (verdict, {"good": "good", "bad": "bad"}.get(verdict, "dim")),
            (each.commit.sha[:_SHORT], "id"),
            clean(each.commit.subject),
        )
    out.table(table)
    out.line("")
    _show_answer(out, report)


def _verdict(report: BisectReport, tried: Tried) -> str:
    if tried.error is not None:
        return "failed"
    if not report.moved or tried.bad is None:
        return "same"
    return ("bad" if tried.bad else "good") + ("?" if tried.unclear else "")


def _show_answer(out: Output, report: BisectReport) -> None:
    good, bad = report.good, report.bad
    scale = scale_for([v for v in (good.value, bad.value) if v is not None], report.unit)
    values = " → ".join("" if each.value is None else format_number(each.value, scale)
                        for each in (good, bad))  # fmt: skip
    if not report.moved:
        out.line(("did not move", "strong"), f": {values}  {percent(report.change)}")
        out.note("the two ends differ by less than --threshold; --repeat lessens noise")
        return
    change = percent(report.step)
    style = {True: "bad", False: "good", None: ""}[report.worse]
    first = f"one of {len(report.skipped) + 1} commits" if report.skipped else "moved by"
    out.line((first, "strong"), f"  {values}  ", (change, style))
    for each in (*report.skipped, bad):
        commit = each.commit
        mark = "  (could not be measured)" if each.error is not None else ""
        out.line("  ", (commit.sha, "id"), f"  {clean(commit.subject)}{mark}")
        out.line(("    " + clean(f"{commit.author}, {commit.date}"), "dim"))
    if report.step is not None and report.change and abs(report.step) < abs(report.change) / 2:
        out.warn(
            f"it moved by {percent(report.change)} from end to end, and by {change} here:"
            " it moved at several commits"
        )
    if not report.confirmed:
        out.warn("measured once more, the commits beside the step did not come out as before;"
                 " --repeat lessens noise")  # fmt: skip
    out.note(
        f"{plural(len(report.tried), 'commit')} of {report.commits:,} measured;"
        f" the runs are kept under the experiment {report.experiment!r}"
    )

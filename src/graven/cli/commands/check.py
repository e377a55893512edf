"""``graven check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.commands.compare import form_of, rule_options, rules_from, show_markdown
from graven.cli.exits import NO, OK, USAGE
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.cli.output import Output
    from graven.porcelain.check import CheckReport


@graven_command(
    "check",
    examples=(
        "graven check",
        "graven check --branch main --threshold 10% --threshold memory=2%",
        "graven check --baseline merge-base:main --format md > comment.md",
    ),
    exits=(1,),
)
@click.option(
    "--baseline",
    default="main",
    metavar="NAME",
    help="Baseline to judge by (main); or latest@BRANCH, merge-base[:BRANCH], a revision.",
)
@click.option(
    "--run", metavar="REV", shell_complete=complete_revision, help="Run to judge, not the latest."
)
@click.option("-b", "--branch", metavar="NAME", help="Judge the latest run of this branch.")
@rule_options
@click.option(
    "--strict",
    is_flag=True,
    help="Removed, skipped, not-a-number values fail; undecided ones are exit code 2.",
)
@click.option("--allow-missing", is_flag=True, help="Pass where there is no baseline.")
@click.option("-a", "--all", "everything", is_flag=True, help="Show what did not change, too.")
def command(session: Session, **asked: Any) -> int:
    """Judge the latest run against a baseline: the gate of a continuous integration.

    With 10 comparable runs on the baseline's branch a value is judged by what was usual
    in them, else by a rank test over the samples of the two runs, else by the ratio alone;
    every row says which. 'suspect' means unusual, and no other run agrees yet.
    docs/answers.md has the rules.

    Exit code 1 means a regression and nothing else: a metric that got worse by more than
    its threshold (5%, config 'thresholds', --threshold), or a point that fails now and
    did not before. Exactly the threshold is no regression. A metric whose direction
    nobody knows is not judged. No baseline is exit code 3; runs of different machines,
    and runs with nothing in common, are exit code 2, and so is, with --strict, a value
    that is suspect, incomparable or lacks data.
    """
    from graven.errors import InvalidInput
    from graven.porcelain.check import check

    if asked["run"] and asked["branch"]:
        raise InvalidInput(
            "--run and --branch name the run twice", kind="usage", hint="give one of them"
        )
    form = form_of(session, asked)
    report = check(
        session.open_store(),
        baseline=asked["baseline"],
        run=asked["run"],
        branch=asked["branch"],
        rules=rules_from(asked),
        strict=asked["strict"],
        allow_missing=asked["allow_missing"],
    )
    if form == "json":
        session.out.document("check", report.to_dict())
    elif form == "md":
        from graven.cli.render.comparison_markdown import check_markdown

        show_markdown(session, check_markdown(report))
    else:
        _show(session.out, report, asked["everything"])
    if report.result is not None and report.result.mistakes:
        return USAGE
    return OK if report.passed else NO


def _show(out: Output, report: CheckReport, everything: bool) -> None:
    from graven.cli.render.comparison import QUIET, show_remarks, show_rows, show_sides

    result = report.result
    if result is None:
        out.line(("passed", "good"), f": no baseline {report.baseline_name!r} yet")
        return
    if not out.session.quiet:
        if out.human:
            show_sides(out, result.comparison)
        hidden = () if everything else QUIET
        show_rows(out, result.comparison, hidden=hidden)
        if out.human:
            out.line("")
    _show_verdict(out, report)
    show_remarks(out, result.comparison)
    for mistake in result.mistakes:
        out.error(mistake.message, mistake.hint)


def _show_verdict(out: Output, report: CheckReport) -> None:
    from graven.cli.render.comparison import alarms_text, basis_text, counts_text

    result = report.result
    if result is None:
        return
    word, style = ("passed", "good") if result.passed else ("failed", "bad")
    if result.comparison.baseline == result.comparison.current:
        word, style = "nothing new", "warn"  # no run came since; a pass would say that one did
    if result.mistakes:
        word, style = "not judged", "warn"
    out.line((word, style), f": {counts_text(result.comparison)}")
    for text in (basis_text(result.comparison), alarms_text(report.alarms)):
        if text and out.human:
            out.line((text, "dim"))
        elif text:
            out.note(text)
    if result.strict or result.mistakes:
        return
    if result.doubtful:
        out.note("removed, skipped and not-a-number values do not fail without --strict")
    if result.undecided:
        out.note("suspect, incomparable and undecided values pass without --strict")

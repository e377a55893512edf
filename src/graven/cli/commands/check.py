"""``graven check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.commands.compare import rule_options, rules_from
from graven.cli.exits import NO, OK, USAGE
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.analysis import CheckResult
    from graven.cli.output import Output
    from graven.porcelain.check import CheckReport


@graven_command(
    "check",
    examples=("graven check", "graven check --branch main --threshold 10% --threshold memory=2%"),
    exits=(1,),
)
@click.option("--baseline", default="main", metavar="NAME", help="Baseline to judge by (main).")
@click.option(
    "--run", metavar="REV", shell_complete=complete_revision, help="Run to judge, not the latest."
)
@click.option("-b", "--branch", metavar="NAME", help="Judge the latest run of this branch.")
@rule_options
@click.option("--strict", is_flag=True, help="Removed, skipped and not-a-number values fail too.")
@click.option("--allow-missing", is_flag=True, help="Pass where the baseline was never set.")
@click.option("-a", "--all", "everything", is_flag=True, help="Show what did not change, too.")
def command(session: Session, **asked: Any) -> int:
    """Judge the latest run against a baseline: the gate of a continuous integration.

    Exit code 1 means a regression and nothing else: a metric that got worse by more than
    its threshold (5%, config 'thresholds', --threshold), or a point that fails now and
    did not before. Exactly the threshold is no regression. A metric whose direction
    nobody knows is not judged. No baseline is exit code 3; runs of different machines,
    and runs with nothing in common, are exit code 2.
    """
    from graven.errors import InvalidInput
    from graven.porcelain.check import check

    if asked["run"] and asked["branch"]:
        raise InvalidInput(
            "--run and --branch name the run twice", kind="usage", hint="give one of them"
        )
    report = check(
        session.open_store(),
        baseline=asked["baseline"],
        run=asked["run"],
        branch=asked["branch"],
        rules=rules_from(asked),
        strict=asked["strict"],
        allow_missing=asked["allow_missing"],
    )
    if session.out.json:
        session.out.document("check", report.to_dict())
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
    _show_verdict(out, result)
    show_remarks(out, result.comparison)
    for mistake in result.mistakes:
        out.error(mistake.message, mistake.hint)


def _show_verdict(out: Output, result: CheckResult) -> None:
    from graven.cli.render.comparison import counts_text

    word, style = ("passed", "good") if result.passed else ("failed", "bad")
    if result.mistakes:
        word, style = "not judged", "warn"
    out.line((word, style), f": {counts_text(result.comparison)}")
    if result.doubtful and not result.strict and not result.mistakes:
        out.note("removed, skipped and not-a-number values do not fail without --strict")

"""``graven compare``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import complete_revision, graven_command, pairs
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.porcelain.compare import Rules


def rule_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how to judge, of ``compare`` and ``check``."""
    for option in (
        click.option(
            "--allow-cross-machine", is_flag=True, help="Judge runs of different machines too."
        ),
        click.option("-m", "--metric", "metrics", multiple=True, help="Only this; repeatable."),
        click.option(
            "--direction",
            multiple=True,
            metavar="METRIC=lower",
            help="Which way is better; repeatable.",
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["text", "json", "md"]),
            help="As text, JSON (as --json), or a comment on a pull request.",
        ),
        click.option(
            "--judge-by",
            multiple=True,
            metavar="[METRIC=]WAY",
            help="auto, samples (of both runs alone) or ratio; repeatable.",
        ),
        click.option(
            "--threshold",
            multiple=True,
            metavar="[METRIC=]5%",
            help="A change beyond counts (10% or 0.1); repeatable.",
        ),
    ):
        function = option(function)
    return function


def rules_from(asked: dict[str, Any]) -> Rules:
    """What `rule_options` collected."""
    from graven.porcelain.compare import Rules

    return Rules(
        thresholds=asked["threshold"],
        directions=pairs(asked["direction"], "direction"),
        metrics=asked["metrics"],
        allow_cross_machine=asked["allow_cross_machine"],
        judge_by=asked["judge_by"],
    )


def form_of(session: Session, asked: dict[str, Any]) -> str:
    """How to answer: text, json or md; ``--format`` stands above ``--json``."""
    if asked["form"] is not None:
        session.set("json", asked["form"] == "json")
    return asked["form"] or ("json" if session.json else "text")


def show_markdown(session: Session, lines: Iterable[str]) -> None:
    """Markdown as it is."""
    for line in lines:
        session.out.verbatim(line)


@graven_command(
    "compare",
    examples=("graven compare", "graven compare v1 latest --threshold 10% --metric time"),
    exits=(1,),
)
@click.argument("baseline", default="baselines/main", shell_complete=complete_revision)
@click.argument("current", default="latest", shell_complete=complete_revision)
@rule_options
@click.option("-a", "--all", "everything", is_flag=True, help="Show what did not change, too.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
def command(session: Session, baseline: str, current: str, **asked: Any) -> int:
    """Compare two runs metric by metric: BASELINE (baselines/main) and CURRENT (latest).

    Points are matched by scenario, name and tags. What only one run has, what is not a
    number and what cannot be compared is listed, never dropped. A difference is no
    failure here; 'graven check' is the gate. BASELINE may also be merge-base or
    merge-base:BRANCH. docs/answers.md explains the verdicts.
    """
    from graven.analysis import Verdict
    from graven.cli.render.comparison import (
        QUIET,
        basis_text,
        counts_text,
        show_remarks,
        show_rows,
        show_sides,
    )
    from graven.porcelain.compare import compare

    form = form_of(session, asked)
    comparison = compare(session.open_store(), baseline, current, rules_from(asked))
    out = session.out
    if form == "json":
        out.document("compare", comparison.to_dict())
    elif form == "md":
        from graven.cli.render.comparison_markdown import comparison_markdown

        show_markdown(session, comparison_markdown(comparison))
    else:
        if out.human:
            show_sides(out, comparison)
        show_rows(out, comparison, hidden=() if asked["everything"] or not out.human else QUIET)
        if out.human:
            out.line("")
            out.line((counts_text(comparison), "strong"))
            out.line((basis_text(comparison), "dim"))
        show_remarks(out, comparison)
    differs = any(
        row.verdict is not Verdict.NO_CHANGE and (row.verdict is not Verdict.NO_DIRECTION
                                                  or row.delta)
        for row in comparison.rows
    )  # fmt: skip
    return 1 if asked["exit_code"] and differs else 0

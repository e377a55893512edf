"""``graven query``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command(
    "query",
    examples=(
        "graven query 'branch = main and metric.time > 0.5'",
        "graven query 'param.lr in (0.1, 0.01)' --sort metric.loss -n 10",
        "graven query 'since 30d and not tag.device = cpu' --columns run,param.lr,metric.loss",
    ),
)
@click.argument("where", metavar="[QUERY]", default="")
@click.option("-s", "--sort", metavar="FIELDS",
              help="Order, such as metric.time:desc,branch; newest first if left out.")  # fmt: skip
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most N runs.")
@click.option("--skip", type=click.IntRange(min=0), default=0, metavar="N",
              help="Leave out the first N.")  # fmt: skip
@click.option("-c", "--columns", metavar="FIELDS",
              help="Fields to show, such as run,branch,metric.time,param.lr.")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Answer as CSV with a line of titles.")
def command(session: Session, where: str, *, as_csv: bool, **asked: Any) -> None:
    """Show the runs that fit QUERY; without one, all of them.

    A query compares fields: run, branch, commit, time, experiment, status, origin, group,
    machine, dirty, points, baseline, and with a key tag.K, param.K, metric.M, derived.K; by
    = != < <= > >= ~ (a pattern), in (a, b), exists; joined by and, or, not, ( ). 'since 7d' and
    'until 2026-01-01' bound the time. docs/query.md describes it by example.

    A run's value of a metric is the median over its points. Without --columns the table has
    run, time, branch, commit and the fields that are asked for. Under a pipe: tabs between
    full values. In CSV text that a spreadsheet would take for a formula begins with a '.
    """
    from graven.cli.render.query import show_csv, show_table
    from graven.errors import InvalidInput
    from graven.porcelain.query import query

    if as_csv and session.json:
        raise InvalidInput("--csv and --json exclude each other", kind="usage")
    store, out = session.open_store(), session.out
    answer = query(store, where, **asked)
    if as_csv:
        show_csv(session, answer)
    elif out.json:
        for record in answer.records():
            out.record("query", record)
    else:
        show_table(out, answer)
    for text in answer.warnings:
        out.warn(text)
    if not answer.rows:
        out.note(answer.remark or "no run fits")

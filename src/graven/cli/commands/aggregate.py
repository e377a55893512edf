"""``graven aggregate``."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session
from graven.errors import InvalidInput


@graven_command(
    "aggregate",
    examples=(
        "graven aggregate baselines/main latest --by scenario",
        "graven aggregate --metric time --by param.batch_size -w 'experiment = sweep-7'",
    ),
)
@click.argument("baseline", required=False, shell_complete=complete_revision)
@click.argument("current", required=False, shell_complete=complete_revision)
@click.option("--metric", metavar="NAME", help="Sum up this metric of many runs instead.")
@click.option("--by", metavar="LABEL", help="Groups, see below.")
@click.option("-w", "--where", default="", metavar="QUERY", help="With --metric: runs that fit.")
@click.option("--allow-cross-machine", is_flag=True, help="Rate runs of different machines.")
def command(
    session: Session,
    baseline: str | None,
    current: str | None,
    *,
    metric: str | None,
    by: str | None,
    where: str,
    allow_cross_machine: bool,
) -> None:
    """Sum up a comparison of two runs, or a metric of many runs.

    Of a comparison (BASELINE, by default baselines/main, with CURRENT, by default latest): the
    geometric mean of the ratios current / baseline, the same turned so that above 1 is better
    (gain), how many rows got each verdict, and how large the changes are; --by scenario,
    point, metric, verdict or tag.KEY adds groups.

    With --metric: count, median and geometric mean over the runs by branch (or commit,
    experiment, status, origin, machine, group, param.KEY, derived.KEY, tag.KEY).

    Values that are zero, negative or no number have no place in a geometric mean: they are
    counted and named.
    """
    from graven.cli.render.aggregate import show_compared, show_grouped
    from graven.porcelain.aggregate import aggregate_comparison, aggregate_runs
    from graven.porcelain.compare import Rules

    if metric is not None:
        if baseline is not None:
            raise InvalidInput("runs to compare and --metric do not go together", kind="bad-usage")
        store = session.open_store()
        grouped = aggregate_runs(store, metric, by=by or "branch", where=where)
        if session.out.json:
            session.out.document("aggregate-runs", grouped.to_dict())
        else:
            show_grouped(session.out, grouped)
        return
    if where:
        raise InvalidInput("--where goes with --metric", kind="bad-usage")
    rules = Rules(allow_cross_machine=allow_cross_machine)
    compared = aggregate_comparison(
        session.open_store(), baseline or "baselines/main", current or "latest", by=by, rules=rules
    )
    if session.out.json:
        session.out.document("aggregate", compared.to_dict())
    else:
        show_compared(session.out, compared)

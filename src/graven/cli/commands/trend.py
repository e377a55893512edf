"""``graven trend``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command, pairs
from graven.cli.render.text import plural
from graven.cli.session import Session


@graven_command(
    "trend",
    examples=("graven trend", "graven trend time 'matmul*' -n 30 --tag device=cpu"),
)
@click.argument("metric", required=False)
@click.argument("point", required=False)
@click.option("--scenario", default="*", metavar="NAME", help="Only points of this scenario.")
@click.option("-t", "--tag", multiple=True, metavar="K=V", help="Only points with this tag.")
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="The newest N values.")
@click.option(
    "--max-series", type=click.IntRange(min=1), default=20, metavar="N", help="At most N series."
)
@click.option("--steps", is_flag=True, help="Mark the runs at which the level changed.")
def command(session: Session, metric: str | None, point: str | None, **asked: Any) -> None:
    """Show METRIC of POINT over the runs; without METRIC, list the series there are.

    Names may hold the wildcards * ? []. For people each series is a line of blocks, the
    newest to the right, with its newest values below. Under a pipe: one value a line,
    oldest first, with time, value, unit, run, commit, scenario, point, tags, metric and
    branch. Where values of several branches stand together, a change is that to the value
    before on the same branch; --branch takes one.

    --steps marks what 'graven steps' finds: ^ for a step, x for one that was rejected.
    """
    from graven.cli.render.trend import show_series, show_trend
    from graven.porcelain.trend import list_series, trend

    store, out = session.open_store(), session.out
    tags = pairs(asked["tag"], "tag")
    if metric is None:
        found = list_series(store, scenario=asked["scenario"], tags=tags)
        if out.json:
            for info in found:
                out.record("trend-series", info.to_dict())
        else:
            show_series(out, found)
            if not found:
                out.note("the store holds no metric yet")
        return
    answer = trend(
        store,
        metric,
        point or "*",
        scenario=asked["scenario"],
        tags=tags,
        branch=asked["branch"],
        limit=asked["limit"],
        max_series=asked["max_series"],
    )
    marked = None
    if asked["steps"]:
        from graven.porcelain.steps import steps_by_series

        marked = steps_by_series(store, answer.trends, branch=asked["branch"])
    for number, series in enumerate(answer.trends):
        steps = None if marked is None else marked[number]
        if out.json:
            more = {} if steps is None else {"steps": [step.to_dict() for step in steps]}
            out.record("trend", {**series.to_dict(), **more})
        else:
            if number and out.human:
                out.line("")
            show_trend(out, series, steps)
        if series.other_units:
            listed = ", ".join(f"{n:,} in {unit!r}" for unit, n in series.other_units.items())
            out.warn(f"values in another unit than the newest are left out: {listed}")
    if answer.more:
        out.warn(
            f"{plural(answer.more, 'more series', 'more series')} not shown; name a point,"
            " or raise --max-series"
        )

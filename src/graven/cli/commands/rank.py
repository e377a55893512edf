"""``graven rank``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command, pairs
from graven.cli.session import Session
from graven.errors import InvalidInput


@graven_command(
    "rank",
    examples=(
        "graven rank time memory=0.5",
        "graven rank --preset balanced --where 'experiment = sweep-7' --top 5",
        "graven rank accuracy latency --pareto",
    ),
)
@click.argument("metrics", nargs=-1, metavar="METRIC[=WEIGHT]...")
@click.option("--preset", metavar="NAME", help="Metrics and weights of config.json, rank.NAME.")
@click.option("-w", "--where", default="", metavar="QUERY", help="Only runs that fit.")
@click.option("--direction", multiple=True, metavar="METRIC=lower|higher",
              help="Which way of it is better.")  # fmt: skip
@click.option("--scale", type=click.Choice(["min-max", "z", "rank"]), default="min-max",
              help="How values are brought to one scale.")  # fmt: skip
@click.option("-n", "--top", type=click.IntRange(min=1), default=10, metavar="N",
              help="The best N runs (10).")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="All runs, those without a score too.")
@click.option("--pareto", is_flag=True, help="Runs that none beats without losing elsewhere.")
def command(session: Session, metrics: tuple[str, ...], **asked: Any) -> None:
    """Order runs by several metrics, the best first.

    The value of a run is the median over its points; SCENARIO/POINT/METRIC takes those points
    alone. Values of a metric are brought to one scale over the runs that fit, so that better
    is more; the score is their mean, weighted by WEIGHT (1).

    A run that lacks a metric has no score and comes last. Of equal scores the newer run comes
    first. --pareto takes no weights: it shows the runs that no other run beats in one metric
    without losing in another, equal ones together.
    """
    from graven.analysis.rank import Scale
    from graven.cli.render.rank import show_ranked
    from graven.porcelain.rank import pareto_runs, rank_runs, read_preset

    store = session.open_store()
    weights = _weights(metrics)
    if asked["preset"] is not None:
        weights = {**read_preset(store, asked["preset"]), **weights}
    directions = pairs(asked["direction"], "direction")
    if asked["pareto"]:
        answer = pareto_runs(store, list(weights), where=asked["where"], directions=directions)
    else:
        answer = rank_runs(
            store,
            weights,
            where=asked["where"],
            scale=Scale(asked["scale"]),
            directions=directions,
            top=None if asked["everything"] else asked["top"],
        )
    if session.out.json:
        session.out.document("rank", answer.to_dict())
    else:
        show_ranked(session.out, answer, pareto=asked["pareto"])


def _weights(words: tuple[str, ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in words:
        metric, equals, text = word.rpartition("=")
        if not equals:
            metric, text = word, "1"
        try:
            weight = float(text)
        except ValueError:
            raise InvalidInput(
                f"no weight: {word!r}", kind="bad-weight", hint="METRIC=0.5", field="metric"
            ) from None
        if metric in found:
            raise InvalidInput(f"metric {metric!r} is given twice", kind="bad-weight")
        found[metric] = weight
    return found

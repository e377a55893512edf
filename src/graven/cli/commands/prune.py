"""``graven prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, not_empty, pairs, where_option
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.upkeep.prune import PrunePlan, PruneReport


@graven_command(
    "prune",
    examples=(
        "graven prune --older-than 90d --keep-last 20 --dry-run",
        "graven prune --rank time --keep-top 50 --experiment sweep-7 --yes",
        "graven prune --branch spike --archive spike.zip",
        "graven prune --where 'metric.loss > 1 or not metric.loss exists' --dry-run",
    ),
    exits=(4, 6),
)
@click.option("--older-than", metavar="AGE", help="Only runs before then (36h, 90d, 4w, ISO time).")
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N",
              help="Keep the newest N of each branch.")  # fmt: skip
@click.option("--rank", metavar="METRIC", help="Order runs by a metric, the best first.")
@click.option("--keep-top", type=click.IntRange(min=1), metavar="N", help="Keep the N best.")
@click.option("--asc/--desc", "ascending", default=None,
              help="The smallest is the best, or the largest; else the metric says.")  # fmt: skip
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE",
              help="Only runs with a point that has this tag.")  # fmt: skip
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("--experiment", metavar="NAME", help="Only runs of this experiment.")
@click.option("--status", metavar="WORD", help="Only runs of this status (ok, failed ...).")
@where_option
@click.option("--keep-baselines/--no-keep-baselines", default=True,
              help="Keep what a baseline or tag points to (the default).")  # fmt: skip
@click.option("--archive", metavar="FILE", callback=not_empty, type=click.Path(),
              help="First write the runs into this archive, and check it.")  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace an archive that is there.")
@click.option("-n", "--dry-run", is_flag=True, help="Only show the plan.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def command(session: Session, **asked: Any) -> int:
    """Remove runs by age, number and rank.

    --branch, --experiment, --status, --tag and --where say which runs are looked at; of those,
    a run goes if it is old enough and none of --keep-last, --keep-top keeps it. The value of a
    run in --rank is the median over its points; a run without a value stays, and is named.

    Shows the plan and asks before anything is removed; without a terminal --yes must say
    so. A name that no run has removes nothing. 'graven restore' brings runs back as long as
    their objects are there; 'graven gc' frees the space.
    """
    from graven.cli.prompt import confirm
    from graven.cli.render.progress import transfer_progress
    from graven.cli.render.prune import show_plan
    from graven.cli.times import parse_moment
    from graven.porcelain.prune import plan_prune, prune

    archive, force = asked.pop("archive"), asked.pop("force")
    dry_run, yes = asked.pop("dry_run"), asked.pop("yes")
    asked["tags"] = pairs(asked["tags"], "tag")
    if asked["older_than"] is not None:
        asked["older_than"] = parse_moment(asked["older_than"], "--older-than")
    store = session.open_store()
    plan = plan_prune(store, **asked)
    show_plan(session, plan)
    report = None
    if plan.run_ids and not dry_run:
        if not yes:
            confirm(session, f"remove {len(plan.run_ids):,} runs?", option="--yes")
        with transfer_progress(session, "archived") as progress:
            report = prune(store, plan, archive=archive, force=force, progress=progress)
    _tell(session, plan, report, dry_run=dry_run)
    return 0


def _tell(session: Session, plan: PrunePlan, report: PruneReport | None, *, dry_run: bool) -> None:
    from graven.cli.render.text import plural
    from graven.cli.render.units import size

    out = session.out
    if out.json:
        done = None if report is None else report.to_dict()
        out.document("prune", {"dry_run": dry_run, "plan": plan.to_dict(), "done": done})
        return
    if report is None:
        out.note("nothing was removed")
        return
    if report.archive is not None:
        runs = plural(len(report.archive.sent.runs), "run")
        out.note(f"{report.archive.path}: {runs}, {size(report.archive.size)}, checked")
    for spared in report.spared:
        out.note(f"spared {spared.run_id}: {spared.why}")
    out.note(f"removed {plural(len(report.run_ids), 'run')}; 'graven gc' frees the space")

"""``graven steps``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import complete_revision, graven_command, pairs
from graven.cli.session import Session
from graven.errors import InvalidInput

if TYPE_CHECKING:
    from graven.analysis.steps import Step
    from graven.porcelain.steps import Selection


@graven_command(
    "steps",
    examples=(
        "graven steps",
        "graven steps time 'matmul*' --since 30d",
        "graven steps --accept b4dc01ab -m 'the new allocator'",
    ),
    exits=(4,),
)
@click.argument("metric", required=False)
@click.argument("point", required=False)
@click.option("--scenario", default="*", metavar="NAME", help="Only points of this scenario.")
@click.option("-t", "--tag", multiple=True, metavar="K=V", help="Only points with this tag.")
@click.option("-b", "--branch", metavar="NAME",
              help="Runs of this branch ('main', or that of most runs).")  # fmt: skip
@click.option("--all-branches", is_flag=True, help="Runs of all branches as one history.")
@click.option("--machine", metavar="FINGERPRINT", help="Runs of this machine (the newest run's).")
@click.option("--all-machines", is_flag=True, help="Runs of all machines as one history.")
@click.option("--since", metavar="TIME", help="Only steps from then on (36h, 30d, ISO time).")
@click.option("--sort", type=click.Choice(["newest", "biggest"]), default="newest",
              help="What comes first.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Rejected steps too.")
@click.option("--accept", metavar="RUN", shell_complete=complete_revision,
              help="The steps at this run are meant.")  # fmt: skip
@click.option("--reject", metavar="RUN", shell_complete=complete_revision,
              help="The steps at this run are none.")  # fmt: skip
@click.option("--undo", metavar="RUN", shell_complete=complete_revision,
              help="Take back what was said of the steps at this run.")  # fmt: skip
@click.option("-m", "--message", default="", metavar="TEXT", help="Why.")
def command(session: Session, metric: str | None, point: str | None, **asked: Any) -> None:
    """List the runs at which a metric changed its level, or say what they are.

    METRIC and POINT may hold the wildcards * ? []; without them every series is looked at.
    Runs of one branch and one machine are compared: others would show their own difference
    as a step. A change below the metric's threshold (5%) is none.

    A step that is accepted cuts the history that 'graven check' leans on; one that is rejected
    is not shown again. Both stand in the store, and go with it.
    """
    from graven.cli.render.steps import show_steps
    from graven.cli.times import parse_moment
    from graven.porcelain.steps import Selection, list_steps, shown_by_default

    moment = None if asked["since"] is None else parse_moment(asked["since"], "--since")
    selection = Selection(
        metric=metric or "*",
        point=point or "*",
        scenario=asked["scenario"],
        tags=pairs(asked["tag"], "tag"),
        branch=asked["branch"],
        all_branches=asked["all_branches"],
        machine=asked["machine"],
        all_machines=asked["all_machines"],
        since=moment,
    )
    marks = [(state, asked[word]) for word, state in _STATES.items() if asked[word] is not None]
    if len(marks) > 1:
        raise InvalidInput("only one of --accept, --reject and --undo", kind="bad-usage")
    if marks:
        _mark(session, selection, *marks[0], asked["message"])
        return
    if asked["message"]:
        raise InvalidInput("--message goes with --accept or --reject", kind="bad-usage")
    answer = list_steps(session.open_store(), selection)
    steps = [step for step in answer.steps if asked["everything"] or shown_by_default(step)]
    if asked["sort"] == "biggest":
        steps.sort(key=lambda step: step.size, reverse=True)
    if session.out.json:
        record = {**answer.to_dict(), "steps": [step.to_dict() for step in steps]}
        session.out.document("steps", record)
        return
    show_steps(session.out, answer, steps)


_STATES = {"accept": "accepted", "reject": "rejected", "undo": None}


def _mark(
    session: Session, selection: Selection, state: str | None, rev: str, message: str
) -> None:
    from graven.cli.render.text import plural
    from graven.porcelain.steps import mark_steps

    store = session.open_store()
    marked: list[Step] = mark_steps(store, selection, rev, state, message)
    if session.out.json:
        record = {"state": state, "steps": [step.to_dict() for step in marked]}
        session.out.document("steps-marked", record)
        return
    what = "taken back" if state is None else state
    session.out.note(f"{plural(max(len(marked), 1), 'step')} {what}")

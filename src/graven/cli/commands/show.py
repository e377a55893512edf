"""``graven show``."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session


@graven_command("show", examples=("graven show", "graven show latest~1 --metric time"))
@click.argument("rev", default="latest", shell_complete=complete_revision)
@click.option("-m", "--metric", "metrics", multiple=True, help="Only this metric; repeatable.")
@click.option("-p", "--point", "points", multiple=True, help="Only such points (a pattern).")
def command(session: Session, rev: str, metrics: tuple[str, ...], points: tuple[str, ...]) -> None:
    """Show the run that REV means (the newest one without it).

    A revision is a run id, an object id, a unique prefix of either (8 digits or more),
    latest, latest~2, latest@BRANCH, a baseline or tag, baselines/main~1, commit:SHA.
    """
    from graven.cli.render.run import show_run
    from graven.porcelain.show import show

    shown = show(session.open_store(), rev, metrics=metrics)
    out = session.out
    if out.json:
        out.document("show", shown.to_dict())
    else:
        show_run(out, shown, metrics, points)

"""``graven detach``."""

from __future__ import annotations

import click

from graven.cli.command import complete_attachment, complete_revision, graven_command
from graven.cli.session import Session


@graven_command(
    "detach",
    examples=("graven detach latest artifacts/model.bin",),
    exits=(4, 6),
)
@click.argument("rev", shell_complete=complete_revision)
@click.argument("names", nargs=-1, required=True, shell_complete=complete_attachment)
def command(session: Session, rev: str, names: tuple[str, ...]) -> None:
    """Take away what the run of REV has under NAMES. The run itself stays as it is.

    If one is not there, none is taken away. The space is free when no other run has the
    same content and 'graven gc' has been there twice.
    """
    from graven.porcelain.detach import detach

    report = detach(session.open_store(), rev, names)
    out = session.out
    if out.json:
        out.document("detach", report.to_dict())
        return
    for name in report.names:
        out.note(f"{report.run_id}: took away {name}")

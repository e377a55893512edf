"""``graven restore``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command("restore", examples=("graven restore 3f9c1a2b7d04",), exits=(4, 6))
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN...")
def command(session: Session, run_ids: tuple[str, ...]) -> None:
    """Bring removed runs back, with what was attached to them.

    RUN is an id or a unique prefix (8 digits or more); 'graven log --deleted' has them.
    """
    from graven.porcelain.restore import restore

    report = restore(session.open_store(), run_ids)
    out = session.out
    if out.json:
        out.document("restore", report.to_dict())
        return
    for run_id in report.run_ids:
        out.note(f"restored {run_id}")
    if report.without_attachments:
        out.warn(
            "this clone was made without artifacts: what was kept beside these runs did not come"
            " back with them; to have it too, restore them in a store that holds it"
        )

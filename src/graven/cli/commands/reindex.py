"""``graven reindex``."""

from __future__ import annotations

from graven.cli.command import graven_command
from graven.cli.render.text import plural
from graven.cli.session import Session


@graven_command("reindex", examples=("graven reindex",), exits=(6,))
def command(session: Session) -> None:
    """Throw the catalog away and build it anew from the packs. Nothing is lost with it."""
    from graven.porcelain.reindex import reindex

    report = reindex(session.open_store())
    out = session.out
    if out.json:
        out.document("reindex", report.to_dict())
    else:
        out.note(
            f"{plural(report.runs, 'run')} with {plural(report.values, 'value')}"
            f" from {plural(report.packs, 'pack')}"
        )

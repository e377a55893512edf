"""``graven views``."""

from __future__ import annotations

from graven.cli.command import graven_command
from graven.cli.render.text import plural
from graven.cli.session import Session


@graven_command("views", examples=("graven views",), exits=(6,))
def command(session: Session) -> None:
    """Write the readable file of every run in runs/ anew; remove those of runs that are gone.

    Views are for people and other tools; graven never reads them. With 'graven config
    views none' saving a run writes none.
    """
    from graven.porcelain.views import write_views

    report = write_views(session.open_store())
    out = session.out
    if out.json:
        out.document("views", report.to_dict())
    else:
        out.note(f"{plural(report.views, 'view')} in {report.folder}")

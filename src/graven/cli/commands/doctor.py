"""``graven doctor``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.exits import NO, OK
from graven.cli.session import Session
from graven.errors import BackendUnavailable


@graven_command(
    "doctor",
    examples=("graven doctor", "graven doctor s3://team-bench/project"),
    exits=(1, 3, 6),
    needs_store=False,
)
@click.argument("url", required=False, callback=not_empty)
def command(session: Session, url: str | None) -> int:
    """Say whether URL is a good place for a store, and what it lacks.

    URL may be a folder (that of a project means its .graven); without it the store at hand
    is meant. Tries with a few files of its own under
    probe/ what the place declares, and removes them again. A store need not be there.

    Exit code 1 if something does not hold, 6 if the place cannot be reached.
    """
    from graven.cli.render.doctor import show_diagnosis
    from graven.porcelain.doctor import doctor

    diagnosis = doctor(
        url or session.find_store(),
        storage_options=session.storage_options,
        offline=session.is_offline,
    )
    out = session.out
    if out.json:
        out.document("doctor", diagnosis.to_dict())
    else:
        show_diagnosis(out, diagnosis)
    if not diagnosis.reached:
        return BackendUnavailable.exit_code
    return OK if diagnosis.ok else NO

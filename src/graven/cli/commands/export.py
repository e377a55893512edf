"""``graven export``."""

from __future__ import annotations

import click

from graven.cli.command import complete_attachment, complete_revision, graven_command, not_empty
from graven.cli.session import Session


@graven_command(
    "export",
    examples=(
        "graven export latest -o out",
        "graven export latest artifacts/model.bin -o out",
    ),
    exits=(4, 6),
)
@click.argument("rev", shell_complete=complete_revision)
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=complete_attachment)
@click.option(
    "-o", "--output", required=True, callback=not_empty, type=click.Path(), metavar="DIR",
    help="The folder to write into; made if it is not there.",
)  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="Replace files that are there.")
def command(session: Session, rev: str, names: tuple[str, ...], output: str, force: bool) -> None:
    """Write what is kept beside the run of REV into a folder: all of it, or these NAMEs.

    Each file appears when it is whole, and none outside of the folder: what would lead
    somewhere else in a name (.., a colon) is written as %xx, and links that lead out of a
    folder are left out with a warning. Of 'x' and 'x/y' the former becomes 'x%'.
    """
    from graven.porcelain.attach import export

    report = export(session.open_store(), rev, names, output, force=force)
    out = session.out
    if out.json:
        out.document("export", report.to_dict())
        return
    for one in report.exported:
        out.note(one.path)
    if not report.exported:
        out.note(f"{report.run_id}: nothing is kept beside it")

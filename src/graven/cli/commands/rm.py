"""``graven rm``."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session


@graven_command(
    "rm", examples=("graven rm 3f9c1a2b7d04", "graven rm --dry-run latest"), exits=(4, 6)
)
@click.argument("revs", nargs=-1, required=True, shell_complete=complete_revision)
@click.option("-f", "--force", is_flag=True, help="Also runs that a baseline or tag points to.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say which runs would go.")
def command(session: Session, revs: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """Remove runs. 'graven restore' brings them back as long as their objects are there.

    A run that a baseline or tag points to is refused without --force; with it the name
    keeps its copy of the run. If one is refused, none is removed.
    """
    from graven.porcelain.rm import remove

    report = remove(session.open_store(), revs, force=force, dry_run=dry_run)
    out = session.out
    if out.json:
        out.document("rm", report.to_dict())
        return
    for run_id in report.run_ids:
        out.note(f"{'would remove' if dry_run else 'removed'} {run_id}")

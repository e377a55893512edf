"""``graven relabel``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session


@graven_command(
    "relabel",
    examples=("graven relabel latest --branch main", "graven relabel latest --clear group"),
    exits=(4, 6),
)
@click.argument("rev", shell_complete=complete_revision)
@click.option("-b", "--branch", metavar="NAME", help="Branch that was measured.")
@click.option("--commit", metavar="SHA", help="Commit that was measured.")
@click.option("--experiment", metavar="NAME", help="Experiment it belongs to.")
@click.option("--group", metavar="NAME", help="Group of shards it belongs to.")
@click.option("--status", metavar="WORD", help="Status of the whole run.")
@click.option("--origin", metavar="WORD", help="measured, simulated or imported.")
@click.option("--clear", multiple=True, metavar="LABEL", help="Take a label away; repeatable.")
def command(session: Session, rev: str, clear: tuple[str, ...], **labels: Any) -> None:
    """Change what the run of REV is filed under. Its numbers stay.

    Baselines and tags keep the run as it was when they were set.
    """
    from graven.porcelain.relabel import relabel

    changes = {name: value for name, value in labels.items() if value is not None}
    report = relabel(session.open_store(), rev, changes, clear=clear)
    out = session.out
    if out.json:
        out.document("relabel", report.to_dict())
        return
    for name, (before, after) in report.changes.items():
        out.note(f"{report.run_id}: {name} {before or 'none'} -> {after or 'none'}")
    if not report.changes:
        out.note(f"{report.run_id}: nothing to change")

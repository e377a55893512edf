"""``graven stats``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command("stats", examples=("graven stats", "graven stats --full", "graven stats --json"))
@click.option("--full", is_flag=True, help="Also count what nothing needs any more (orphans).")
def command(session: Session, full: bool) -> None:
    """Count runs, objects and packs, and the bytes they take.

    Bytes come in three steps: what runs and attachments name, each use counted; the objects,
    each counted once; the files on the disk. What runs share by design (environments,
    definitions) counts once in the first step too. --full follows every ref.
    """
    from graven.cli.render.stats import show_stats
    from graven.porcelain.stats import stats

    report = stats(session.open_store(), full=full)
    out = session.out
    if out.json:
        out.document("stats", report.to_dict())
        return
    show_stats(session, report)
    for name in report.store.damaged_packs:
        out.warn(f"pack {name} is damaged; see 'graven fsck'")
    if report.unknown is not None:
        out.warn(f"orphans cannot be counted: {report.unknown}")

"""``graven fsck``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.exits import NO, OK
from graven.cli.render.damage import show_damage
from graven.cli.render.text import plural
from graven.cli.render.units import size
from graven.cli.session import Session


@graven_command("fsck", examples=("graven fsck", "graven fsck --full"), exits=(1,))
@click.option("--full", is_flag=True, help="Read and check every byte.")
@click.option("--quick", is_flag=True, help="Names, metadata and refs only (the default).")
@click.option("--strict", is_flag=True, help="Canonical form too; means --full.")
def command(session: Session, full: bool, quick: bool, strict: bool) -> int:
    """Check the store for damage, and say which runs it hurts. Changes nothing.

    Exit code 1 if there is damage. What is not damaged stays readable.
    """
    from graven.porcelain.fsck import fsck

    if quick and (full or strict):
        raise click.UsageError("--quick and --full exclude each other", click.get_current_context())
    report = fsck(session.open_store(), full=full, strict=strict)
    out = session.out
    if out.json:
        out.document("fsck", report.to_dict())
        return OK if report.ok else NO
    show_damage(session, report.damage)
    for name in report.garbage:
        out.note(f"left over, harmless: {name}")
    what = (
        f"{plural(report.packs, 'pack')}, {plural(report.objects, 'object')},"
        f" {plural(report.refs, 'ref')}, {size(report.bytes_read)} read"
    )
    out.note(f"{'no damage' if report.ok else plural(len(report.damage), 'fault')}: {what}")
    return OK if report.ok else NO

"""``graven gc``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graven.cli.command import graven_command
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.upkeep.gc import GcReport


@graven_command(
    "gc", examples=("graven gc --dry-run", "graven gc", "graven gc --grace 7d"), exits=(5, 6)
)
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be condemned.")
@click.option("--grace", metavar="TIME", help="A longer grace than the store's (36h, 7d, 2w).")
def command(session: Session, dry_run: bool, grace: str | None) -> None:
    """Delete what no run, baseline or tag needs, in two visits.

    The first visit condemns it, for all clients to see; a visit after the grace period (a
    day, if the store says nothing else) deletes it, if nobody needs it by then. Removed runs
    can be restored until that. Anybody may write, push and read meanwhile.

    Where something cannot be read that might be needed, nothing is condemned: exit code 5.
    """
    from graven.cli.times import parse_span
    from graven.porcelain.gc import gc

    seconds = None if grace is None else parse_span(grace, "--grace")
    report = gc(session.open_store(), dry_run=dry_run, grace_seconds=seconds)
    if session.out.json:
        session.out.document("gc", report.to_dict())
        return
    _show(session, report)


def _show(session: Session, report: GcReport) -> None:
    from graven.cli.render.text import plural
    from graven.cli.render.units import size, span
    from graven.cli.render.upkeep import show_sweep

    out = session.out
    if report.swept is not None:
        show_sweep(session, report.swept)
    for key in report.condemned if report.dry_run else ():
        out.line("would condemn " if key not in report.rewritten else "would rewrite ", key)
    for key in report.left:
        out.warn(f"{key} is let alone: what is alive in it cannot be read anywhere else")
    if not report.condemned:
        out.note(f"nothing to condemn: {plural(report.kept, 'pack')} in use")
        return
    what = f"{plural(len(report.condemned), 'file')}, {size(report.bytes)}"
    if report.dry_run:
        out.note(f"would condemn {what}")
        return
    if report.rewritten:
        new = f"{plural(report.packs, 'new pack')}, {size(report.new_bytes)}"
        out.note(f"rewrote {plural(len(report.rewritten), 'pack')} with little in use: {new}")
    out.note(f"condemned {what}; 'graven gc' deletes it {span(report.grace_seconds)} from now")

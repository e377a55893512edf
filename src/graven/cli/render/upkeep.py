"""What was deleted, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graven.cli.render.text import plural
from graven.cli.render.units import size

if TYPE_CHECKING:
    from graven.cli.session import Session
    from graven.upkeep.sweep import SweepReport


def show_sweep(session: Session, report: SweepReport) -> None:
    """Remarks on what earlier plans have led to."""
    out = session.out
    if report.deleted:
        out.note(f"deleted {plural(len(report.deleted), 'file')}, {size(report.bytes)}")
    if report.spared:
        out.note(f"spared {plural(len(report.spared), 'file')} that somebody needs again")
    if report.unfinished:
        out.note(f"{plural(report.unfinished, 'plan')} took too long: the next visit goes on")
    if report.temporaries:
        out.note(f"removed {plural(report.temporaries, 'file')} of writes that never ended")
    if report.waiting:
        out.note(f"{plural(report.waiting, 'earlier plan')} whose grace is not over")

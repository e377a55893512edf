"""Faults that a check has found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.store.fsck import Damage


def show_damage(session: Session, faults: Sequence[Damage]) -> None:
    """Each fault, the runs it hurts, and where a healthy copy lies."""
    out = session.out
    for damage in faults:
        subject = f" {damage.kind or 'object'} {damage.object_id}" if damage.object_id else ""
        out.line(("damaged", "bad"), f" {damage.place}:{subject} {damage.what}")
        for run_id in damage.runs:
            out.line(f"  of run {run_id}")
        if damage.healthy_copy:
            out.line(("  a healthy copy is in ", "good"), damage.healthy_copy)

"""Faults that a check has found, and what a repair has made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graven import clock
from graven.cli.render.text import age, plural
from graven.cli.render.units import size
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.store.checking.report import Coverage
    from graven.store.fsck import Damage
    from graven.upkeep.repair import RepairReport


def show_damage(session: Session, faults: Sequence[Damage]) -> None:
    """Each fault, the runs and names it hurts, and where a healthy copy lies.

    What hurts nobody is only counted, for people; a pipe and --json have all of it.
    """
    out = session.out
    condemned = Counter(damage.place for damage in faults if damage.condemned)
    idle = Counter(damage.place for damage in faults if out.human and _is_idle(damage))
    for damage in faults:
        if damage.condemned or (out.human and _is_idle(damage)):
            continue
        subject = f" {damage.kind or 'object'} {damage.object_id}" if damage.object_id else ""
        out.line(("damaged", "bad"), f" {damage.place}:{subject} {damage.what}")
        for run_id in damage.runs:
            out.line(f"  of run {run_id}")
        for name in damage.names:
            if name.removeprefix("runs/") not in damage.runs:
                out.line(f"  in {name}")
        if damage.healthy_copy:
            out.line(("  a healthy copy is in ", "good"), damage.healthy_copy)
    for place, count in idle.items():
        out.line(("damaged", "bad"), f" {place}: {plural(count, 'object')} that nothing needs")
    for place, count in condemned.items():
        out.line(("condemned", "dim"), f" {place}: {plural(count, 'fault')}; gc will remove it")


def _is_idle(damage: Damage) -> bool:
    return damage.object_id is not None and not damage.names and not damage.condemned


def show_coverage(session: Session, coverage: Coverage) -> None:
    """How far the samples have come."""
    text = f"{coverage.share:.0%} of {size(coverage.total)} was read whole at some time"
    if coverage.oldest_ms is not None and coverage.share >= 1:
        oldest = clock.micros_to_datetime(coverage.oldest_ms * 1000)
        text = f"all {size(coverage.total)} were read whole, the first {age(oldest, clock.now())}"
    if not coverage.remembered:
        text += "; nothing can be kept here, so the next sample begins anew"
    session.out.note(text)


def show_repair(session: Session, report: RepairReport) -> None:
    """What was healed, what is left, what could not be done."""
    out = session.out
    if report.idle:
        out.note("no damage: nothing to do")
        return
    if report.fetched:
        out.line(("healed", "good"), f" {plural(len(report.fetched), 'object')} from there")
    if report.copied:
        out.line(("copied", "good"), f" {plural(report.copied, 'object')} from what can be read")
    for name in report.pointers:
        out.line(("healed", "good"), f" {name}: as it is there")
    if report.received is not None:
        from graven.cli.render.sync import summary

        out.line(("healed", "good"), f" lost updates: {summary(report.received)}")
    for key in report.plans:
        out.line(
            ("replaced", "good"), f" {key}: nobody knows what it named, so nothing that stands is"
            " counted on until 'graven gc' has carried out the new one"
        )  # fmt: skip
    for key in report.condemned:
        out.line(("condemned", "dim"), f" {key}: all of it stands elsewhere; a later gc removes it")
    for note in report.notes:
        out.note(note)
    show_damage(session, report.still)
    left = plural(len(report.still), "fault")
    out.note("all is healed" if report.ok else f"still damaged: {left}")

"""The plan of a pruning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graven.cli.render.blocks import Table
from graven.cli.render.text import plural, short_id
from graven.cli.render.units import size
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.upkeep.prune import PrunePlan

_SHOWN = 10  # runs and spared ones, for people; a pipe and --json name all


def show_plan(session: Session, plan: PrunePlan) -> None:
    """Which runs would go, which are spared and why; under a pipe a line each."""
    out = session.out
    if out.json:
        return  # all of it is in the document
    if not out.human:
        for run_id in plan.run_ids:
            out.fields("remove", run_id)
        for spared in plan.spared:
            out.fields("spare", *spared)
        return
    if plan.run_ids and plan.first is not None and plan.last is not None:
        table = Table("", "*", header=False)
        table.add(("to be removed", "dim"), plural(len(plan.run_ids), "run"))
        table.add(("span", "dim"), f"{plan.first:%Y-%m-%d %H:%M} to {plan.last:%Y-%m-%d %H:%M}")
        table.add(("garbage then", "dim"), f"up to {size(plan.garbage_bytes)}")
        out.table(table)
        for run_id in plan.run_ids[:_SHOWN]:
            out.line("  ", (short_id(run_id), "id"))
        _more(session, len(plan.run_ids))
    for spared in plan.spared[:_SHOWN]:
        out.line(("spared ", "dim"), (short_id(spared.run_id), "id"), (f" {spared.why}", "dim"))
    _more(session, len(plan.spared))


def _more(session: Session, count: int) -> None:
    if count > _SHOWN:
        session.out.line((f"  and {count - _SHOWN:,} more", "dim"))

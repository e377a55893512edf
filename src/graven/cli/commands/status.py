"""``graven status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graven import clock
from graven.cli.command import graven_command
from graven.cli.render.blocks import Table
from graven.cli.render.sync import describe
from graven.cli.render.text import age, plural, short_commit, short_id
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.cli.render.blocks import Span
    from graven.porcelain.status import Status


@graven_command("status", examples=("graven status",))
def command(session: Session) -> None:
    """Say which store is used, its newest run, its baselines and tags.

    Of a remote store also when it was last looked at, and how many runs wait on this
    machine to be sent ('graven push'). --offline asks only what is kept here.
    """
    from graven.porcelain.status import status

    report = status(session.open_store())
    out = session.out
    if out.json:
        out.document("status", report.to_dict())
        return
    table = Table("", "*", header=False)
    table.add(("store", "dim"), report.url)
    table.add(("id", "dim"), report.store_id)
    table.add(("runs", "dim"), f"{report.runs:,}" if out.human else str(report.runs))
    if report.latest is not None:
        header = report.latest.header
        if out.human:
            words = [age(header.timestamp, clock.now()), header.branch, short_commit(header.commit)]
            table.add(
                ("latest", "dim"),
                [(short_id(header.run_id), "id"), ("  " + ", ".join(filter(None, words)), "")],
            )
        else:
            table.add("latest", header.run_id)
    for pointer in (*report.baselines, *report.tags):
        run = pointer.run or "damaged"
        shown = short_id(run) if out.human else run
        style = "bad" if pointer.damaged else "id"
        table.add((f"{pointer.space}/{pointer.name}", "ref"), (shown, style))
    _add_places(session, table, report)
    out.table(table)
    if report.unreadable:
        out.warn(report.unreadable)
    for name in report.damaged_packs:
        out.warn(f"pack {name} is damaged; see 'graven fsck'")


def _add_places(session: Session, table: Table, report: Status) -> None:
    """Where else there is something of it: other stores, this machine's cache and outbox."""
    human = session.out.human
    for remote in report.remotes:
        partly = "" if remote.selection.whole else f"  {describe(remote.selection)}"
        shown: list[Span] = [(remote.url, ""), (partly, "dim")]
        table.add((f"remote {remote.name}", "dim"), shown)
    if report.as_of is not None:
        moment = age(report.as_of, clock.now()) if human else report.as_of.isoformat()
        table.add(("looked at", "dim"), moment)
    if report.waiting.packs:
        runs, packs = report.waiting.runs, report.waiting.packs
        told = f"{plural(runs, 'run')} in {plural(packs, 'pack')}; 'graven push' sends them"
        table.add(("queued here", "dim"), (told, "warn") if human else str(runs))
    for log in report.logs:
        told = f"{log.name} of {log.run_id}: its writer died; 'graven cat' keeps and shows it"
        table.add(("log left here", "dim"), (told, "warn") if human else f"{log.run_id} {log.name}")

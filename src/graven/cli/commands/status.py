"""``graven status``."""

from __future__ import annotations

from graven import clock
from graven.cli.command import graven_command
from graven.cli.render.blocks import Table
from graven.cli.render.text import age, short_commit, short_id
from graven.cli.session import Session


@graven_command("status", examples=("graven status",))
def command(session: Session) -> None:
    """Say which store is used, its newest run, its baselines and tags."""
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
    out.table(table)
    for name in report.damaged_packs:
        out.warn(f"pack {name} is damaged; see 'graven fsck'")

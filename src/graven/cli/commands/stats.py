"""``graven stats``."""

from __future__ import annotations

from graven.cli.command import graven_command
from graven.cli.render.blocks import Table
from graven.cli.render.units import size
from graven.cli.session import Session


@graven_command("stats", examples=("graven stats", "graven stats --json"))
def command(session: Session) -> None:
    """Count runs, objects and packs, and the bytes they take."""
    from graven.porcelain.stats import stats

    report = stats(session.open_store())
    out = session.out
    if out.json:
        out.document("stats", report.to_dict())
        return

    def amount(count: int) -> str:
        return f"{count:,}" if out.human else str(count)

    def length(count: int) -> str:
        return size(count) if out.human else str(count)

    table = Table("", ">", ">", "", header=False)
    table.add(("runs", "dim"), amount(report.runs))
    for name in ("deleted_runs", "attachments", "baselines", "tags"):
        table.add((name.replace("_", " "), "dim"), amount(getattr(report, name)))
    table.add(("packs", "dim"), amount(report.packs), length(report.pack_bytes))
    table.add(("objects", "dim"), amount(report.objects), length(report.raw_bytes), ("raw", "dim"))
    for kind, (count, raw) in sorted(report.by_kind.items()):
        table.add((f"  {kind}", "dim"), amount(count), length(raw))
    table.add(("catalog", "dim"), "", length(report.catalog_bytes))
    out.table(table)
    for name in report.damaged_packs:
        out.warn(f"pack {name} is damaged; see 'graven fsck'")

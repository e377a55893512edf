"""Counts and sizes of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graven.cli.render.blocks import Table
from graven.cli.render.text import short_id
from graven.cli.render.units import size
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.porcelain.stats import Stats

_SHOWN_HEX = 12
_SHOWN = 3  # of each, for people


def show_stats(session: Session, report: Stats) -> None:
    """A table: counts, the three steps of bytes, kinds, packs by size, what is largest."""
    out = session.out

    def amount(count: int) -> str:
        return f"{count:,}" if out.human else str(count)

    def length(count: int) -> str:
        return size(count) if out.human else str(count)

    found = report.store
    table = Table("", ">", ">", "", header=False)
    table.add(("runs", "dim"), amount(found.runs))
    for name in ("deleted_runs", "attachments", "baselines", "tags"):
        table.add((name.replace("_", " "), "dim"), amount(getattr(found, name)))
    table.add(("named", "dim"), "", length(found.named_bytes), ("each use counted", "dim"))
    table.add(
        ("objects", "dim"), amount(found.objects), length(found.raw_bytes),
        (_ratio(found.named_bytes, found.raw_bytes, "deduplicated"), "dim"),
    )  # fmt: skip
    for kind, (count, raw) in sorted(found.by_kind.items()):
        table.add((f"  {kind}", "dim"), amount(count), length(raw))
    stored = found.pack_bytes + found.loose_bytes
    table.add(
        ("packs", "dim"), amount(found.packs), length(found.pack_bytes),
        (_ratio(found.raw_bytes, stored, "compressed"), "dim"),
    )  # fmt: skip
    for entry in found.size_classes:
        if entry.packs:
            table.add((f"  {entry.name}", "dim"), amount(entry.packs), length(entry.bytes))
    if found.condemned.packs:
        condemned = found.condemned
        table.add(("  condemned", "dim"), amount(condemned.packs), length(condemned.bytes))
    if found.loose:
        table.add(("loose objects", "dim"), amount(found.loose), length(found.loose_bytes))
    if report.orphans is not None:
        orphans = report.orphans
        # Not all of them: a pack that is mostly needed stays as it is.
        remark = "'graven gc' takes them where most of a pack is one" if orphans.objects else ""
        table.add(("orphans", "dim"), amount(orphans.objects), length(orphans.bytes),
                  (remark, "dim"))  # fmt: skip
    table.add(("catalog", "dim"), "", length(found.catalog_bytes))
    out.table(table)
    _show_largest(session, report)


def _ratio(before: int, after: int, word: str) -> str:
    worth = before and after and before >= 1.05 * after
    return f"{word} {before / after:.1f} : 1" if worth else ""


def _show_largest(session: Session, report: Stats) -> None:
    out = session.out
    table = Table("largest", ">bytes", "*name", header=False)
    for what, entries in (
        ("run", report.store.largest_runs),
        ("attachment", report.store.largest_attachments),
        ("object", report.store.largest_objects),
    ):
        for entry in entries[:_SHOWN] if out.human else entries:
            name = entry.name
            if out.human:
                name = name[:_SHOWN_HEX] if what == "object" else name
                name = short_id(name) if what == "run" else name
            shown = size(entry.bytes) if out.human else str(entry.bytes)
            table.add((what, "dim"), shown, (name, "id" if what != "attachment" else ""))
    out.table(table)

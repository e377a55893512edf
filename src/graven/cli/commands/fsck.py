"""``graven fsck``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.exits import NO, OK
from graven.cli.render.damage import show_coverage, show_damage
from graven.cli.render.text import plural
from graven.cli.render.units import size
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.store.fsck import FsckReport


def _share(_ctx: click.Context, _param: click.Parameter, word: str | None) -> float | None:
    if word is None:
        return None
    try:
        share = float(word.removesuffix("%")) / (100 if word.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise click.BadParameter(f"{word!r} is no share: write it like 5%")
    return share


@graven_command(
    "fsck",
    examples=(
        "graven fsck",
        "graven fsck --full",
        "graven fsck --sample 5%",
        "graven fsck --repair --from origin",
    ),
    exits=(1,),
)
@click.option("--full", is_flag=True, help="Read and check every byte.")
@click.option("--quick", is_flag=True, help="Names, metadata and refs only (the default).")
@click.option("--sample", metavar="SHARE", callback=_share,
              help="Read that part (5%) of the bytes, other ones each time.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Canonical form too; means --full.")
@click.option("--repair", is_flag=True, help="Heal what can be healed; means --full.")
@click.option("--from", "remote", metavar="REMOTE", callback=not_empty,
              help="Heal from this store: a remote, URL, folder or archive.")  # fmt: skip
def command(session: Session, **asked: Any) -> int:
    """Check the store for damage, and say which runs and names it hurts.

    Exit code 1 if there is damage. What is not damaged stays readable. Nothing is changed
    without --repair.

    --sample remembers what it has read: twenty calls with 5% read all of it, and say how far
    they are. --repair writes again what is damaged or missing, taken from healthy copies in
    the store and from the store that --from names, every object verified; damaged files that
    nothing needs any more go with a later 'graven gc'. Exit code 1 if damage is left.
    """
    context = click.get_current_context()
    levels = [name for name in ("quick", "full", "sample") if asked[name]]
    if len(levels) > 1 or (asked["quick"] and asked["strict"]):
        raise click.UsageError("--quick, --full and --sample exclude each other", context)
    if asked["remote"] is not None and not asked["repair"]:
        raise click.UsageError("--from goes with --repair", context)
    if asked["repair"]:
        if asked["quick"] or asked["sample"] or asked["strict"]:
            raise click.UsageError("--repair reads all there is", context)
        return _repair(session, asked["remote"])
    from graven.porcelain.fsck import fsck

    report = fsck(
        session.open_store(), full=asked["full"], strict=asked["strict"], sample=asked["sample"]
    )
    out = session.out
    if out.json:
        out.document("fsck", report.to_dict())
        return OK if report.ok else NO
    show_damage(session, report.damage)
    for name in report.garbage:
        out.note(f"left over, harmless: {name}")
    out.note(_summary(report))
    if asked["sample"] and report.coverage is not None:
        show_coverage(session, report.coverage)
    return OK if report.ok else NO


def _summary(report: FsckReport) -> str:
    found = [damage for damage in report.damage if not damage.condemned]
    counts = [plural(report.packs, "pack"), plural(report.objects, "object")]
    if report.loose:
        counts.append(plural(report.loose, "loose object"))
    counts += [plural(report.refs, "ref"), f"{size(report.bytes_read)} read"]
    unread = "; what is in them was not read, --full does" if report.level == "quick" else ""
    return f"{plural(len(found), 'fault') if found else 'no damage'}: {', '.join(counts)}{unread}"


def _repair(session: Session, remote: str | None) -> int:
    from graven.cli.render.damage import show_repair
    from graven.porcelain.fsck import repair

    report = repair(
        session.open_store(),
        remote,
        storage_options=session.storage_options,
        offline=session.is_offline,
        **session.opening,
    )
    if session.out.json:
        session.out.document("fsck-repair", report.to_dict())
    else:
        show_repair(session, report)
    return OK if report.ok else NO

"""``graven repack``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command(
    "repack", examples=("graven repack", "graven repack --all --level 19"), exits=(5, 6)
)
@click.option("--level", type=click.IntRange(1, 19), help="Compression, 1 to 19 (3 is usual).")
@click.option("--all", "every", is_flag=True, help="Large packs too.")
@click.option("--auto", is_flag=True, help="Only if there are many (the setting repack.auto).")
def command(session: Session, level: int | None, every: bool, auto: bool) -> None:
    """Merge small packs into large ones.

    Each save makes a pack, and many of them make a listing long. The small ones are deleted
    ten minutes later, by the next 'graven repack' or 'graven gc', so that nobody who reads
    meanwhile misses them. It also happens by itself, in the background, when a command finds
    over a thousand of them: 'graven config repack.auto N' says how many, 0 never.
    """
    from graven.cli.render.text import plural
    from graven.cli.render.units import size
    from graven.cli.render.upkeep import show_sweep
    from graven.porcelain.repack import repack

    report = repack(session.open_store(), level=level, every=every, auto=auto)
    out = session.out
    if out.json:
        out.document("repack", {"due": False} if report is None else report.to_dict())
        return
    if report is None:
        out.note("few small packs: nothing to do")
        return
    show_sweep(session, report.swept)
    for key in report.left:
        out.warn(f"{key} is let alone: it is damaged; see 'graven fsck'")
    if not report.merged:
        out.note("no small packs to merge")
        return
    merged = f"{plural(len(report.merged), 'pack')} of {size(report.bytes)}"
    out.note(f"merged {merged} into {plural(report.packs, 'pack')} of {size(report.new_bytes)}")

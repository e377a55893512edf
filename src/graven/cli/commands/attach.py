"""``graven attach``."""

from __future__ import annotations

import sys
from typing import Any

import click

from graven.cli.command import complete_revision, graven_command, not_empty, pairs
from graven.cli.session import Session


@graven_command(
    "attach",
    examples=(
        "graven attach latest artifacts/model.bin build/model.bin",
        "graven attach latest artifacts/plots/ loss.png rate.png",
        "make bench 2>&1 | graven attach latest logs/bench.txt -",
    ),
    exits=(4, 6),
)
@click.argument("rev", shell_complete=complete_revision)
@click.argument("name", callback=not_empty)
@click.argument(
    "paths", nargs=-1, required=True, callback=not_empty, type=click.Path(), metavar="PATH..."
)
@click.option("-t", "--type", "media_type", metavar="TYPE", help="Media type, such as text/csv.")
@click.option("-m", "--metadata", multiple=True, metavar="KEY=VALUE", help="A fact; repeatable.")
def command(session: Session, rev: str, name: str, paths: tuple[str, ...], **asked: Any) -> None:
    """Keep files and folders beside the run of REV, under NAME.

    NAME begins with artifacts/, logs/, results/, derived/, tables/ or tensors/; the rest is
    any text. With several PATHs, or a NAME that ends with /, each goes under its own name
    behind it. PATH - is standard input. What has the name is replaced; what is in the store
    already is not stored again. In a folder, links are kept as links and not followed.
    """
    from graven.cli.render.progress import attach_progress
    from graven.cli.render.units import size
    from graven.porcelain.attach import attach

    store = session.open_store()
    with attach_progress(session) as progress:
        report = attach(
            store,
            rev,
            name,
            paths,
            stdin=getattr(sys.stdin, "buffer", None),
            media_type=asked["media_type"],
            metadata=pairs(asked["metadata"], "metadata"),
            progress=progress,
        )
    out = session.out
    if out.json:
        out.document("attach", report.to_dict())
        return
    for one in report.attached:
        made = one.attachment
        out.note(f"{made.name}: {size(made.size)}, {size(one.new_bytes)} new")

"""``graven ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graven.cli.command import complete_attachment, complete_revision, graven_command
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.porcelain.ls import Kept


@graven_command(
    "ls",
    examples=(
        "graven ls",
        "graven ls latest artifacts/model",
        "graven ls latest tensors/",
    ),
)
@click.argument("rev", default="latest", shell_complete=complete_revision)
@click.argument("name", required=False, shell_complete=complete_attachment)
def command(session: Session, rev: str, name: str | None) -> None:
    """List what is kept beside the run of REV (the newest one without it).

    With NAME: what the folder of that name holds, or whatever has a name that begins so.
    Under a pipe: tab-separated name, size in bytes, type and metadata (JSON); of a folder
    path, size, kind and where a link leads.
    """
    from graven.porcelain.ls import list_kept

    kept = list_kept(session.open_store(), rev, name)
    out = session.out
    if out.json:
        out.document("ls", kept.to_dict())
    elif kept.entries is not None:
        _show_folder(session, kept)
    else:
        _show_attachments(session, kept)


def _show_attachments(session: Session, kept: Kept) -> None:
    from graven.cli.output import to_json
    from graven.cli.render.blocks import Table
    from graven.cli.render.run import type_of
    from graven.cli.render.units import size

    out = session.out
    table = Table("*name", ">size", "type", "*metadata", header=False)
    for one in kept.attachments:
        if out.human:
            known = ", ".join(f"{key}={value}" for key, value in one.metadata.items())
            table.add(one.name, (size(one.size), "dim"), (type_of(one), "dim"), (known, "dim"))
        else:
            known = to_json(one.metadata) if one.metadata else ""
            table.add(one.name, str(one.size), type_of(one), known)
    out.table(table.drop_empty() if out.human else table)
    if not kept.attachments:
        out.note(f"{kept.run_id}: nothing is kept beside it")


def _show_folder(session: Session, kept: Kept) -> None:
    from graven.cli.render.blocks import Table
    from graven.cli.render.units import size
    from graven.porcelain.ls import kind_of

    out = session.out
    table = Table("*path", ">size", "*", header=False)
    for entry in kept.entries or ():
        kind = kind_of(entry)
        if not out.human:
            out.fields(entry.name, str(entry.size), kind, entry.target or "")
            continue
        remark = {"link": f"-> {entry.target}", "folder": "empty folder"}.get(kind, "")
        held = "" if kind != "file" else size(entry.size)
        table.add(entry.name, (held, "dim"), (remark, "dim"))
    out.table(table.drop_empty())
    if not kept.entries:
        out.note(f"{kept.folder}: an empty folder")

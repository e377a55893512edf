"""``graven ls-objects``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command("ls-objects", examples=("graven ls-objects", "graven ls-objects --kind run"))
@click.option("--kind", metavar="KIND", help="Only objects of this kind.")
def command(session: Session, kind: str | None) -> None:
    """List the objects by id: id, kind, size in bytes, pack or loose file; tab-separated."""
    out = session.out
    for info in session.open_store().iter_objects(kind):
        if out.json:
            out.record("ls-objects", dict(info._asdict()))
        else:
            out.fields(info.id, info.kind, str(info.size), info.pack)

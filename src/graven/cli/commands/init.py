"""``graven init``."""

from __future__ import annotations

import os

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.session import STORE_FOLDER, Session


@graven_command(
    "init",
    examples=("graven init", "graven init bench/store", "graven init s3://team-bench/project"),
    exits=(4, 6),
    needs_store=False,
)
@click.argument("url", required=False, callback=not_empty)
def command(session: Session, url: str | None) -> None:
    """Make a new, empty store at URL, which may be a folder or in a bucket.

    Without URL it is what --store or GRAVEN_STORE says, else ./.graven, which every
    command finds from here and from the folders below.
    """
    from graven.porcelain.init import init

    named = url or session.named_store
    report = init(
        named or os.path.join(os.curdir, STORE_FOLDER),
        storage_options=session.storage_options,
    )
    out = session.out
    if out.json:
        out.document("init", report.to_dict())
    else:
        out.note(f"new store at {report.url}")

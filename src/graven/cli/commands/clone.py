"""``graven clone``."""

from __future__ import annotations

import os
from typing import Any

import click

from graven.cli.command import graven_command, not_empty, storage_options
from graven.cli.session import Session


@graven_command(
    "clone",
    examples=(
        "graven clone s3://team-bench/project",
        "graven clone s3://team-bench/project . --since 90d --branch main",
        "graven clone ../lab lab-copy.graven",
    ),
    exits=(4, 6),
)
@click.argument("url", callback=not_empty)
@click.argument("folder", required=False, callback=not_empty)
@click.option("--since", metavar="TIME", help="Only runs from then on (ISO time, or 36h, 7d, 2w).")
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("--no-artifacts", is_flag=True, help="Not what is kept beside the runs.")
@click.option(
    "-o", "--option", multiple=True, metavar="KEY=VALUE", help="For its library; repeatable."
)
def command(session: Session, url: str, folder: str | None, **asked: Any) -> int:
    """Copy the store at URL, or a part of it, to this machine.

    The copy goes into FOLDER/.graven, so that commands find it from FOLDER; a FOLDER
    whose name ends in .graven is the store itself. Without FOLDER it is called as the
    last part of URL is. With --store PATH it goes exactly there. GRAVEN_STORE, where it is
    set, goes before the nearest .graven: unset it to work in the clone.

    URL becomes the remote 'origin' of the copy, with the options ('graven remote add'
    says which), and what was left out is left out by pull as well. Removed runs are known
    to every copy. If a clone breaks off the same command goes on with it.
    """
    from graven.cli.render.progress import transfer_progress
    from graven.cli.render.sync import describe, exit_code, show_troubles, summary
    from graven.cli.times import parse_moment
    from graven.porcelain.clone import clone
    from graven.porcelain.pull import select

    options = storage_options(asked["option"])
    since = None if asked["since"] is None else parse_moment(asked["since"], "--since")
    selection = select(since, asked["branch"], attachments=not asked["no_artifacts"])
    path = _place(session, url, folder)
    with transfer_progress(session, "received") as progress:
        report = clone(
            url,
            path,
            selection=selection,
            keep_options=options,
            storage_options=session.storage_options,
            offline=session.is_offline,
            progress=progress,
            **session.opening,
        )
    out = session.out
    if out.json:
        out.document("clone", report.to_dict())
    else:
        part = "" if report.selection.whole else f" ({describe(report.selection)})"
        out.note(f"{report.path}{part}: {summary(report.received)}")
        show_troubles(session, report.received, url=report.url, remote="origin")
    _warn_of_variable(session, report.path)
    return exit_code(report.received)


def _warn_of_variable(session: Session, path: str) -> None:
    """GRAVEN_STORE goes before the nearest .graven: in the clone, too."""
    named = session.environ.get("GRAVEN_STORE")
    if named and not session.store and os.path.abspath(named) != path:
        session.out.warn(
            f"GRAVEN_STORE is set: commands in the clone use {named} until you unset it"
        )


def _place(session: Session, url: str, folder: str | None) -> str:
    from graven.porcelain.clone import place_of_clone

    if not session.store:  # not GRAVEN_STORE: it names the store that is worked with
        return place_of_clone(url, folder)
    if folder is not None:
        raise click.UsageError("FOLDER and --store exclude each other", click.get_current_context())
    if "://" in session.store:
        raise click.UsageError(
            "a clone is a folder of this machine; 'graven push' fills other stores",
            click.get_current_context(),
        )
    return session.store

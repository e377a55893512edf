"""``graven pull``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.session import Session


@graven_command(
    "pull",
    examples=("graven pull", "graven pull ci-archive.zip", "graven pull origin --since 30d"),
    exits=(4, 6),
)
@click.argument("remote", required=False, callback=not_empty)
@click.option("--since", metavar="TIME", help="Only runs from then on (ISO time, or 36h, 7d, 2w).")
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("--no-artifacts", is_flag=True, help="Not what is kept beside the runs.")
@click.option("--all", "everything", is_flag=True, help="All: a partial clone becomes a whole one.")
def command(session: Session, remote: str | None, **asked: Any) -> int:
    """Take in what REMOTE has and this store lacks.

    REMOTE is a name ('graven remote'), a URL, a folder or an archive; without it the only
    remote there is, or 'origin'. A partial clone goes on with its part of origin, where
    no option says otherwise. Deletions always come along: a run that was removed here or
    there stays removed. A baseline or tag that has moved on both sides stays, both
    histories are shown, and the exit code is 4. What cannot be read is named, the rest
    comes, and the exit code is 5.
    """
    from graven.cli.render.progress import transfer_progress
    from graven.cli.render.sync import describe, exit_code, show_troubles, summary
    from graven.cli.times import parse_moment
    from graven.porcelain.pull import pull

    if asked["everything"] and (asked["since"] or asked["branch"] or asked["no_artifacts"]):
        raise click.UsageError("--all takes everything", click.get_current_context())
    since = None if asked["since"] is None else parse_moment(asked["since"], "--since")
    store = session.open_store()
    with transfer_progress(session, "received") as progress:
        report = pull(
            store,
            remote,
            since=since,
            branch=asked["branch"],
            attachments=False if asked["no_artifacts"] else None,
            everything=asked["everything"],
            storage_options=session.storage_options,
            offline=session.is_offline,
            progress=progress,
            **session.opening,
        )
    out = session.out
    if out.json:
        out.document("pull", report.to_dict())
    else:
        part = "" if report.selection.whole else f" ({describe(report.selection)})"
        out.note(f"{report.remote or report.url}{part}: {summary(report.received)}")
        show_troubles(session, report.received, url=report.url, remote=report.remote)
    return exit_code(report.received)

"""``graven push``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.porcelain.push import PushReport


@graven_command(
    "push",
    examples=(
        "graven push",
        "graven push s3://team-bench/project",
        "graven -C s3://team-bench/project push",
    ),
    exits=(4, 6),
)
@click.argument("remote", required=False, callback=not_empty)
def command(session: Session, remote: str | None) -> int:
    """Send to REMOTE what this store has and it lacks.

    REMOTE is a name ('graven remote'), a URL or a folder; without it the only remote
    there is, or 'origin'. Deletions go along. A baseline or tag goes forward only: one
    that has moved on both sides stays, both histories are shown, and the exit code is 4.
    What cannot be read is named, the rest goes, and the exit code is 5.

    What could not be sent before, and was queued on this machine, is sent too. With -C
    and the URL of a bucket, and no REMOTE, that is all there is to do.
    """
    from graven.cli.render.progress import transfer_progress
    from graven.cli.render.sync import exit_code
    from graven.porcelain.push import push

    store = session.open_store()
    with transfer_progress(session, "sent") as progress:
        report = push(
            store,
            remote,
            storage_options=session.storage_options,
            offline=session.is_offline,
            progress=progress,
            **session.opening,
        )
    _show(session, report)
    return exit_code(*report.parts)


def _show(session: Session, report: PushReport) -> None:
    from graven.cli.render.sync import show_troubles, summary

    out = session.out
    if out.json:
        out.document("push", report.to_dict())
        return
    name = report.remote or report.url
    queued = report.delivered
    if queued.runs or queued.packs or report.sent is None:
        out.note(f"{name}: {summary(queued)} from this machine's queue")
    if report.sent is not None:
        out.note(f"{name}: {summary(report.sent)}")
    for part in report.parts:
        show_troubles(session, part, url=report.url, remote=report.remote)

"""``graven cat``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import click

from graven.cli.command import complete_attachment, complete_revision, graven_command
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.store import Store

_READ_BYTES = 1024 * 1024


@graven_command(
    "cat",
    examples=(
        "graven cat latest logs/train.txt",
        "graven cat latest artifacts/model --path config.json",
        "graven cat -f latest logs/train.txt",
    ),
    exits=(2,),
)
@click.argument("rev", shell_complete=complete_revision)
@click.argument("name", shell_complete=complete_attachment)
@click.option("-p", "--path", metavar="PATH", help="A file within NAME, where that is a folder.")
@click.option("-f", "--follow", is_flag=True, help="Go on while the log is being written.")
def command(session: Session, rev: str, name: str, path: str | None, follow: bool) -> None:
    """Write what the run of REV has under NAME, as it is.

    A log that is being written on this machine is shown as it is now. A result and other
    records are written as JSON, an array as its raw bytes. With --json: what is known of it.
    """
    from graven.errors import InvalidInput
    from graven.porcelain.attach import run_of

    store, out = session.open_store(), session.out
    run_id = run_of(store, rev)
    if out.json:
        out.document("cat", {"run": run_id, **store.attachment(run_id, name).to_dict()})
        return
    _recover(session, store)
    if follow:
        if path is not None or not name.startswith("logs/"):
            raise InvalidInput("only logs/ can be followed", kind="bad-option", field="follow")
        _write(session, store.follow_log(run_id, name), flush=True)
        return
    with store.open_attachment(run_id, name, path) as content:
        _write(session, _pieces(content))


def _recover(session: Session, store: Store) -> None:
    """Keep logs whose writers died; who asks for one need not know that there was a crash."""
    for log in store.recover_logs():
        if log.error is not None:
            session.out.warn(f"{log.name} of {log.run_id} is not kept: {log.error.message}")


def _pieces(content: BinaryIO) -> Iterable[bytes]:
    return iter(partial(content.read, _READ_BYTES), b"")


def _write(session: Session, pieces: Iterable[bytes], *, flush: bool = False) -> None:
    session.stdout.flush()
    binary = getattr(session.stdout, "buffer", None)
    for piece in pieces:
        if binary is None:
            session.stdout.write(piece.decode("utf-8", "backslashreplace"))
        else:
            binary.write(piece)
            if flush:
                binary.flush()

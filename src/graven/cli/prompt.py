"""Asking a person before something is done that cannot simply be undone."""

from __future__ import annotations

import sys

from graven.cli.session import Session, is_terminal
from graven.errors import InvalidInput


def confirm(session: Session, question: str, *, option: str) -> None:
    """Ask on the terminal; anything but yes ends the command.

    Raises:
        InvalidInput: nobody is there to be asked (kind ``not-confirmed``), or the answer is no.
    """
    if session.json or not (is_terminal(sys.stdin) and is_terminal(session.stderr)):
        raise InvalidInput(
            "nobody is there to be asked, so nothing was done",
            kind="not-confirmed",
            hint=f"{option} does it without asking, --dry-run only shows what would be done",
        )
    session.stdout.flush()
    session.stderr.write(f"{question} [y/N] ")
    session.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InvalidInput("the answer was no, so nothing was done", kind="not-confirmed")

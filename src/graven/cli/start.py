"""The first steps of a call: `log` at once, everything else through click.

Importing click takes several times as long as answering ``graven log -n 5`` does. So
the options of `log` stand in a table that both click and a few lines here can read;
whatever is not plainly right goes to click, which has the error messages and the help.
"""

import os
import sys
import warnings

from graven.cli.session import Session
from graven.errors import GravenWarning

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from collections.abc import Callable

COMPLETION_VARIABLE = "_GRAVEN_COMPLETE"


def run(words: list[str]) -> int:
    """Run the command line ``words`` and return its exit code. Never raises."""
    _open_closed_streams()
    session = Session()
    session.words = words
    with warnings.catch_warnings():
        # A remark of ours ends no command, whatever PYTHONWARNINGS says, and each is shown.
        warnings.simplefilter("always", GravenWarning)
        warnings.showwarning = _show_warning(session, warnings.showwarning)
        return _guard(session, lambda: _dispatch(session, words))


def _open_closed_streams() -> None:
    """Where a caller closed stdout or stderr, what is said there goes nowhere.

    It is no reason to fail: exit code 1 would mean "no". And the next file to be opened
    must not become the program's stdout.
    """
    for name, descriptor in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != descriptor:
                os.dup2(handle, descriptor)
                os.close(handle)
            mode = "r" if descriptor == 0 else "w"
            stream = open(descriptor, mode, closefd=False)  # noqa: SIM115  open to the end
            setattr(sys, name, stream)


def _show_warning(session: Session, others: "Callable[..., None]") -> "Callable[..., None]":
    """Our own warnings as remarks of the command; other packages' as Python shows them."""

    def show(message: "Warning | str", category: type[Warning], *where: object) -> None:
        if issubclass(category, GravenWarning):
            session.out.warn(str(message))
        else:
            others(message, category, *where)

    return show


def _dispatch(session: Session, words: list[str]) -> int:
    if COMPLETION_VARIABLE not in session.environ:
        code = _try_log(session, words)
        if code is not None:
            return code
    from graven.cli.main import run_click

    return run_click(session, words)


def _try_log(session: Session, words: list[str]) -> int | None:
    """The exit code of a plain ``graven log ...``; None if click has to look at it."""
    from graven.cli.options import GLOBAL_OPTIONS, LOG_OPTIONS, parse_plain

    if "log" not in words:
        return None
    at = words.index("log")
    before = parse_plain(words[:at], GLOBAL_OPTIONS)
    after = parse_plain(words[at + 1 :], GLOBAL_OPTIONS + LOG_OPTIONS)
    if before is None or after is None:
        return None
    asked = {}
    for values in (before, after):
        for name, value in values.items():
            if any(name == row[1] for row in GLOBAL_OPTIONS):
                session.set(name, value)
            else:
                asked[name] = value
    from graven.cli.log import run_log

    run_log(session, asked)
    return 0


def _guard(session: Session, body: "Callable[[], int]") -> int:
    """Turn whatever ``body`` raises into a message and an exit code."""
    try:
        code = body()
        session.stdout.flush()
        return code
    except BaseException as error:  # the edge: nothing may reach the user as a traceback
        from graven.cli.exits import report

        return report(session, error)

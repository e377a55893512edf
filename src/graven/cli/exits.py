"""From an exception to a message on stderr and an exit code."""

from __future__ import annotations

import os
import traceback
from typing import Any

from graven.cli.output import to_json
from graven.cli.render.caret import point_at
from graven.cli.render.text import clean, clean_lines
from graven.cli.session import Session
from graven.errors import BackendUnavailable, GravenError

OK = 0
NO = 1
USAGE = 2
NOT_FOUND = 3
INTERNAL = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


def report(session: Session, error: BaseException) -> int:
    """Say what went wrong, in the form asked for, and return the exit code."""
    if isinstance(error, BrokenPipeError):
        _let_go_of(session)
        return BROKEN_PIPE
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else USAGE
    if session.debug:
        session.stderr.write("".join(traceback.format_exception(error)))
    try:
        record = describe(error)
        _improve(session, record)
        _flush_or_redirect(session.stdout)
        _say(session, record)
    except BrokenPipeError:
        _let_go_of(session)
    except OSError:  # stdout or stderr is full or closed; the code is all that is left
        _let_go_of(session)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else BackendUnavailable.exit_code
    return int(record["exit_code"])


def _improve(session: Session, record: dict[str, Any]) -> None:
    """Say in the hint what may have been meant, where the store knows of something near."""
    if session.opened is None or record["kind"] not in ("run-missing", "attachment-missing"):
        return
    from graven.porcelain.hints import better_hint

    try:
        hint = better_hint(session.opened, record)
    except GravenError:  # the error that is told of matters more than the hint
        return
    if hint:
        record["hint"] = hint


def describe(error: BaseException) -> dict[str, Any]:
    """The error as one JSON-ready record with ``message``, ``kind``, ``exit_code``."""
    if isinstance(error, GravenError):
        return error.to_dict()
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return _record("Interrupted", "interrupted", "interrupted", INTERRUPTED)
    usage = _from_click(error)
    if usage is not None:
        return usage
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        fault = (error.strerror or str(error)).lower()
        return _record("OSError", "os-error", where + fault, BackendUnavailable.exit_code)
    message = f"internal error: {type(error).__name__}: {error}"
    hint = "this is a fault of graven's own; run it again with GRAVEN_DEBUG=1 for the traceback"
    return {**_record("InternalError", "internal", message, INTERNAL), "hint": hint}


def _from_click(error: BaseException) -> dict[str, Any] | None:
    import click

    if not isinstance(error, click.ClickException):
        return None
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        near = " or ".join(map(repr, error.possibilities or ()))
        message = f"no such option: {error.option_name!r}" + (near and f"; did you mean {near}?")
    if not message[1:2].isupper():  # a word in capitals is an argument's name
        message = message[:1].lower() + message[1:]
    record = _record("Usage", "usage", message, USAGE)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        record["hint"] = f"see '{error.ctx.command_path} --help'"
    return record


def _record(name: str, kind: str, message: str, code: int) -> dict[str, Any]:
    return {"error": name, "kind": kind, "message": message, "exit_code": code}


def _say(session: Session, record: dict[str, Any]) -> None:
    if session.json_errors:
        text = to_json({"schema": "graven.error/1", **record}) + "\n"
    else:
        text = f"graven: {clean_lines(str(record['message']))}\n"
        if "query" in record and "column" in record:
            for line in point_at(str(record["query"]), record["column"], record["width"]):
                text += f"  {line}\n"
        if record.get("hint"):
            text += f"hint: {clean(str(record['hint']))}\n"
    if hasattr(session.stderr, "reconfigure"):
        session.stderr.reconfigure(errors="backslashreplace")
    session.stderr.write(text)
    session.stderr.flush()


def _let_go_of(session: Session) -> None:
    """Point the broken streams elsewhere, so that Python's own flush at exit stays quiet."""
    for stream in (session.stdout, session.stderr):
        _flush_or_redirect(stream)


def _flush_or_redirect(stream: Any) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):  # full, closed, nobody reads: what it still holds is lost
        _redirect(stream)


def _redirect(stream: Any) -> None:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)

"""Progress: on a terminal only, in bytes that have really gone."""

from __future__ import annotations

import io

import pytest

from graven.cli.render.progress import transfer_progress
from graven.cli.session import Session


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(session, stream):
    with transfer_progress(session, "sent") as tell:
        if tell is None:
            return None
        tell(1, 512)
        tell(12_000, 4_300_000)
    return stream.getvalue()


def test_a_person_sees_what_has_gone(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    text = shown(Session({"TERM": "xterm"}, io.StringIO(), stream), stream)
    assert "sent 12,000 updates, 4.1 MiB" in text
    assert "%" not in text  # nobody knows yet how much there is


@pytest.mark.parametrize("setting", ["pipe", "quiet", "json"])
def test_nobody_else_sees_any(setting):
    stream = io.StringIO() if setting == "pipe" else Terminal()
    session = Session({}, io.StringIO(), stream)
    if setting != "pipe":
        session.set(setting, True)
    assert shown(session, stream) is None
    assert stream.getvalue() == ""

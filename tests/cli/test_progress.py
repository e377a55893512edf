"""Progress: on a terminal only, in bytes that have really gone."""

from __future__ import annotations

import io

import pytest

from graven.cli.render.progress import attach_progress, transfer_progress
from graven.cli.session import Session
from graven.porcelain.attach import AttachProgress


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


def test_of_a_large_file_what_was_read_and_what_was_new_stand_apart(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with attach_progress(Session({"TERM": "xterm"}, io.StringIO(), stream)) as tell:
        tell(AttachProgress(source="a/model.bin", done=3 << 20, total=9 << 20, new=1 << 20))
    assert "3.0 MiB of 9.0 MiB, 1.0 MiB new" in stream.getvalue()
    assert "model.bin" in stream.getvalue()
    stream = Terminal()
    with attach_progress(Session({"TERM": "xterm"}, io.StringIO(), stream)) as tell:
        tell(AttachProgress(source="-", done=3 << 20, total=None, new=0))
    assert "3.0 MiB, 0 B new" in stream.getvalue()
    with attach_progress(Session({}, io.StringIO(), io.StringIO())) as tell:
        assert tell is None

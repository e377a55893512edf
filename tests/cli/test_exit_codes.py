"""One test for each exit code, and the forms that errors take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graven.cli.registry import EXIT_CODES
from graven.errors import GravenError


def test_0_is_done(call, store):
    assert call("log").code == 0


def test_1_is_the_answer_no(call, store):
    call("baseline", "set", "r1")
    assert call("check", "-q").code == 1


def test_2_is_bad_input_or_usage(call, store):
    assert call("log", "--bogus").code == 2
    assert call("log", "-n", "many").code == 2
    assert call("check", "--threshold", "fast").code == 2
    assert call("bogus").code == 2


def test_3_is_not_found(call, store):
    answer = call("show", "nope")
    assert answer.code == 3
    assert answer.err.startswith("graven: ")
    assert "\nhint: " in answer.err


def test_3_without_a_store_says_how_to_get_one(call):
    answer = call("log")
    assert answer.code == 3
    assert answer.err == (
        "graven: no store: neither here nor in a folder above is a '.graven'\n"
        "hint: make one with 'graven init', or name one with --store or GRAVEN_STORE\n"
    )


def test_4_is_a_conflict(call, store):
    assert call("init").code == 4
    call("baseline", "set", "r1")
    assert call("rm", "r1").code == 4
    assert call("tag", "set", "v1", "r1").code == 0
    assert call("tag", "set", "v1", "r2").code == 4


def test_5_is_corrupt(call, store, tmp_path):
    call("baseline", "set", "r1")
    (file,) = (tmp_path / ".graven/refs/baselines").glob("*.json")
    file.chmod(0o600)
    file.write_text("{")
    assert call("baseline", "show").code == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to fill up")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_6_is_a_storage_that_is_not_available(store, tmp_path, unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "graven", "log"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 6
    assert done.stderr == "graven: no space left on device\n"


def test_7_is_a_store_of_a_newer_graven(call, store, tmp_path):
    file = tmp_path / ".graven/store.json"
    record = json.loads(file.read_text())
    record["format"] = 9999
    file.chmod(0o600)
    file.write_text(json.dumps(record))
    answer = call("log")
    assert answer.code == 7
    assert "needs graven" in answer.err


def test_70_is_our_own_fault_and_says_how_to_see_more(call, store, monkeypatch):
    def broken(*_args, **_options):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("graven.store.reading.ReadingStore.iter_headers", broken)
    answer = call("log")
    assert answer.code == 70
    assert answer.err.startswith("graven: internal error: ZeroDivisionError: oops\nhint: ")
    assert "GRAVEN_DEBUG=1" in answer.err
    monkeypatch.setenv("GRAVEN_DEBUG", "1")
    assert "Traceback" in call("log").err


def test_130_is_interrupted(call, store, monkeypatch):
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("graven.store.reading.ReadingStore.iter_headers", interrupt)
    answer = call("log")
    assert (answer.code, answer.err) == (130, "graven: interrupted\n")


@pytest.mark.parametrize("command", ["log", "ls-objects", "trend time"])
@pytest.mark.skipif(os.name == "nt", reason="pipes end differently on Windows")
def test_141_is_a_reader_that_went_away_and_is_quiet(store, tmp_path, command):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "graven", *command.split()],
        cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_errors_are_json_where_json_was_asked_for(call, store):
    answer = call("show", "nope", "--json")
    record = json.loads(answer.err)
    assert answer.out == ""
    assert record["schema"] == "graven.error/1"
    assert (record["error"], record["exit_code"]) == ("NotFound", 3)
    usage = json.loads(call("show", "--bogus", "--json").err)
    assert (usage["error"], usage["exit_code"]) == ("Usage", 2)


def test_every_code_of_an_error_class_is_documented():
    classes = [GravenError, *GravenError.__subclasses__()]
    assert {found.exit_code for found in classes} <= set(EXIT_CODES)


def test_an_unknown_command_names_near_ones(call):
    assert call("lgo").err == (
        "graven: no such command: 'lgo'; did you mean 'log'?\nhint: see 'graven --help'\n"
    )


def test_a_damaged_baseline_does_not_hide_the_runs(call, store, tmp_path):
    call("baseline", "set", "r1")
    (file,) = (tmp_path / ".graven/refs/baselines").glob("*.json")
    file.chmod(0o600)
    file.write_text("{")
    answer = call("log")
    assert answer.code == 0
    assert len(answer.rows()) == 3
    assert answer.err == "warning: baselines/main cannot be read; see 'graven fsck'\n"


@pytest.mark.parametrize(
    "words",
    [("ingest", ""), ("export-asv", ""), ("init", ""), ("-C", "", "log"), ("--store=", "init")],
)
def test_an_empty_place_is_a_variable_that_was_not_set(call, store, words, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    answer = call(*words)
    assert answer.code == 2
    assert "empty" in answer.err
    assert "is the variable set" in answer.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "closed", "code"),
    [
        ("log", ">&-", 0),
        ("fsck", "2>&-", 0),
        ("check", ">&- 2>&-", 3),
        ("stats --bogus", "2>&-", 2),
        ("tag set t latest", ">&-", 0),
        ("log -n 1", "<&- >&- 2>&-", 0),
    ],
)
@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="no shell to close streams")
def test_a_closed_stream_changes_no_exit_code(store, tmp_path, words, closed, code):
    command = f"exec {sys.executable} -m graven {words} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)

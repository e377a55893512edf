"""What a call imports, where it finds the store, and which road `log` takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import graven
from graven.cli.main import run_click
from graven.cli.options import GLOBAL_OPTIONS, LOG_OPTIONS, parse_plain
from graven.cli.session import Session

PROBE = """
import json, sys
before = set(sys.modules)
import graven.__main__
sys.argv = ["graven", *{words!r}]
code = graven.__main__.main()
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
sys.exit(code)
"""


def modules_of(*words, cwd):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(words=list(words))],
        cwd=cwd, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def tops(modules):
    return {name.split(".")[0] for name in modules}


def test_the_version_imports_nothing_but_the_version(tmp_path):
    out, modules = modules_of("--version", cwd=tmp_path)
    assert out == f"graven {graven.__version__}\n"
    assert modules == {"graven", "graven.__main__", "graven._version"}


def test_importing_graven_imports_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import graven;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["graven", "graven._version"]


def test_log_imports_neither_click_nor_a_decoder(store, tmp_path, call):
    call("baseline", "set", "r1")
    out, modules = modules_of("log", "-n", "5", cwd=tmp_path)
    assert len(out.splitlines()) == 3
    heavy = {"click", "msgspec", "msgpack", "numpy", "rich", "zstandard", "email", "subprocess"}
    assert tops(modules) & heavy == set()
    assert {name for name in modules if name.startswith("graven.model")} == set()
    assert {"graven.ingest", "graven.analysis", "graven.export"} & modules == set()


def test_help_and_completion_import_no_command_but_the_one_named(tmp_path):
    _, modules = modules_of("--help", cwd=tmp_path)
    assert {m for m in modules if m.startswith("graven.cli.commands")} == set()
    _, modules = modules_of("check", "--help", cwd=tmp_path)
    named = {m for m in modules if m.startswith("graven.cli.commands.")}
    assert named == {"graven.cli.commands.check", "graven.cli.commands.compare"}
    assert tops(modules) & {"msgspec", "numpy", "rich", "zstandard"} == set()


def complete(tmp_path, line):
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from graven.__main__ import main; main()"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"_GRAVEN_COMPLETE": "bash_complete", "COMP_WORDS": line,
             "COMP_CWORD": str(len(words) - 1), "PATH": ""},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_knows_commands_and_revisions(store, tmp_path, call):
    call("baseline", "set", "r1")
    assert complete(tmp_path, "graven lo") == ["plain,log"]
    assert complete(tmp_path, "graven show bas") == ["plain,baselines/main"]
    assert complete(tmp_path, "graven show r") == ["plain,r3", "plain,r2", "plain,r1"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {}),
        ("-n 5", {"limit": 5}),
        ("-n5 --json", {"limit": 5, "json": True}),
        ("--limit=5 --branch main", {"limit": 5, "branch": "main"}),
        ("--origin measured", {"origin": "measured"}),
        ("--color=never", {"color": "never"}),
    ],
)
def test_plain_options_are_read_without_click(words, expected):
    assert parse_plain(words.split(), GLOBAL_OPTIONS + LOG_OPTIONS) == expected


@pytest.mark.parametrize(
    "words",
    ["extra", "--bogus", "-n", "-n x", "-n -5", "--limi 5", "--json=1", "--origin x", "--help",
     "--branch", "--branch --json", "-n ٣"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_click(words):
    assert parse_plain(words.split(), GLOBAL_OPTIONS + LOG_OPTIONS) is None


def test_both_roads_of_log_answer_the_same(call, store, capsys):
    words = ["log", "--json", "-n", "2"]
    plain = call(*words)
    session = Session()
    assert run_click(session, words) == 0
    assert capsys.readouterr().out == plain.out
    assert call("--json", "log", "-n", "2").out == plain.out


def test_global_options_stand_before_or_after(call, store, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    where = str(tmp_path / ".graven")
    expected = [["r3", "3"]]
    for words in (("-C", where, "status"), ("status", "-C", where), ("status", f"--store={where}")):
        rows = call(*words).rows()
        assert [[row[1], "3"] for row in rows if row[0] == "latest"] == expected


def test_the_store_is_found_upwards_and_the_variable_goes_before(
    call, store, tmp_path, monkeypatch
):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert len(call("log").rows()) == 3
    monkeypatch.setenv("GRAVEN_STORE", str(tmp_path / "other"))
    assert call("log").code == 3
    assert call("-C", str(tmp_path / ".graven"), "log").code == 0


def test_the_store_is_found_by_who_stands_in_it(call, tmp_path, monkeypatch):
    assert call("init", "kept").code == 0
    monkeypatch.chdir(tmp_path / "kept")
    assert call("log").code == 0
    assert call("status").rows()[0] == ["store", str(tmp_path / "kept")]
    (tmp_path / "kept" / "store.json").write_text('{"of": "another program"}')
    assert call("log").code == 3


def test_the_version_of_the_package_is_the_one_it_says():
    from importlib.metadata import version

    assert version("graven") == graven.__version__

"""docs/sync.md: its commands are run, in order, and print what the page shows.

Of the blocks marked ``console`` each line after ``$ `` is a command. What stands below must be
among the lines it prints, ``...`` for anything, spaces not counted. A command may fail where
its message stands below it, or ``echo $?`` follows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "sync.md"
RESULTS = ROOT / "tests" / "ingest" / "data"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to type in")


def steps():
    """(command, lines below it) of all blocks."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


class Shell:
    """One command after the other, each as at a terminal, in the folder that `cd` says."""

    def __init__(self, folder):
        self.folder = folder
        self.code = 0
        commands = folder / "bin"
        commands.mkdir()
        (commands / "graven").write_text(f'#!/bin/sh\nexec {sys.executable} -m graven "$@"\n')
        (commands / "graven").chmod(0o755)
        keep = {n: v for n, v in os.environ.items() if not n.startswith("GRAVEN_")}
        self.environment = {
            **keep,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "GRAVEN_CACHE_DIR": str(folder / "cache"),
            "GRAVEN_STATE_DIR": str(folder / "state"),
            "COLUMNS": "300",
        }

    def run(self, command):
        if command.startswith("cd "):
            self.folder = (self.folder / command[3:]).resolve()
            return []
        if command.startswith("graven "):
            command = command.replace("graven ", "graven --color always ", 1)
        done = subprocess.run(
            ["bash", "-c", f"(exit {self.code}); {command}"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.code = done.returncode
        return [" ".join(ESCAPES.sub("", line).split())
                for line in (done.stdout + done.stderr).splitlines()]  # fmt: skip


def pattern(line):
    text = " ".join(line.split()).replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")
    return text.replace("...", "*")


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    shell = Shell(tmp_path)
    wanted = steps()
    assert len(wanted) > 30
    for number, (command, expected) in enumerate(wanted):
        printed = shell.run(command)
        for line in expected:
            shown = "\n  ".join(printed)
            assert any(fnmatchcase(one, pattern(line)) for one in printed), (
                f"$ {command}\n  {shown}\nis without\n  {line}"
            )
        following = wanted[number + 1][0] if number + 1 < len(wanted) else ""
        if not (following == "echo $?" or any(line.startswith("graven: ") for line in expected)):
            assert shell.code == 0, f"$ {command}\n" + "\n".join(printed)

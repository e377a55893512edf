"""Pages whose commands are run, in order, and print what the page shows.

Of the blocks marked ``console`` each line after ``$ `` is a command. What stands below must be
among the lines it prints, ``...`` for anything, spaces not counted. A command may fail where
its message stands below it, or ``echo $?`` follows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def steps(page):
    """(command, lines below it) of all blocks."""
    text = (DOCS / page).read_text("utf-8")
    return steps_of(re.findall(r"```console\n(.*?)```", text, re.DOTALL))


def steps_of(blocks):
    """(command, lines below it) of blocks of a page."""
    found = []
    for block in blocks:
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
        (commands / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (commands / "python3").chmod(0o755)
        keep = {n: v for n, v in os.environ.items() if not n.startswith("GRAVEN_")}
        self.environment = {
            **keep,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "GRAVEN_CACHE_DIR": str(folder / "cache"),
            "GRAVEN_STATE_DIR": str(folder / "state"),
            "GRAVEN_AUTO_REPACK": "0",
            "COLUMNS": "300",
        }

    def run(self, command):
        """The lines that a command prints."""
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
    """A line of the page, for `fnmatchcase`."""
    text = " ".join(line.split()).replace("[", "[[]").replace("?", "[?]").replace("*", "[*]")
    return text.replace("...", "*")


def run_page(page, folder, at_least):
    """Run all commands of a page, of which there are at least so many."""
    wanted = steps(page)
    assert len(wanted) >= at_least
    run_steps(Shell(folder), wanted)


def run_steps(shell, wanted):
    """Run commands, and look for the lines that stand below each."""
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

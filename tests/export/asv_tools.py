"""Runs git and a real asv for the tests of the asv export."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FIRST_COMMIT = 1_700_000_000  # seconds since 1970
DAY = 86_400


def git(folder: Path, *args: str, when: int | None = None) -> str:
    """Run git in ``folder`` with fixed identity, dates and settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env.update(LC_ALL="C", GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        env[f"GIT_{who}_NAME"], env[f"GIT_{who}_EMAIL"] = "A", "a@example.invalid"
        if when is not None:
            env[f"GIT_{who}_DATE"] = f"{when} +0000"
    done = subprocess.run(
        ["git", *args], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


@dataclass
class Project:
    """A repository: ``main`` has c0..c5 and then a merge; ``feature`` leaves main at c3."""

    path: Path
    main: list[str] = field(default_factory=list)  # first-parent line, oldest first
    feature: list[str] = field(default_factory=list)  # the commits of feature alone
    side: str = ""  # merged into main, so on no first-parent line
    tagged: str = ""  # on no branch, has a tag

    def revision(self, commit: str) -> int:
        """asv's number for a commit: its place in date order over all refs."""
        order = git(self.path, "rev-list", "--all", "--date-order", "--reverse").split()
        return order.index(commit)


def find_asv() -> str | None:
    """GRAVEN_ASV, else asv beside this Python, else on PATH."""
    named = os.environ.get("GRAVEN_ASV")
    if named:
        return named
    beside = Path(sys.executable).with_name("asv")
    return str(beside) if beside.exists() else shutil.which("asv")


@dataclass
class Asv:
    """A real asv, run in a folder of its own; every call must end with 0."""

    executable: str
    home: Path

    def __call__(self, folder: Path, *args: str) -> str:
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        env.update(
            HOME=str(self.home),  # asv keeps a file about machines there
            LC_ALL="C.UTF-8",
            COLUMNS="200",
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_SYSTEM=os.devnull,
        )
        env.pop("PYTHONWARNINGS", None)
        done = subprocess.run(
            [self.executable, *args],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

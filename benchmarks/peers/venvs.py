"""Interpreters of peers: each has a virtual environment of its own in the user's cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent


class PeerVenv(NamedTuple):
    """Where a peer's interpreter is, and how to make one.

    Attributes:
        variable: of the environment, names another interpreter.
        pinned: the peer and its version, as pip takes it.
        probe: code that only works where the peer can be imported.
        needed: what is installed beside it in the place of all that it names; None for that.
    """

    variable: str
    pinned: str
    probe: str
    needed: tuple[str, ...] | None = None

    def find(self) -> Path | None:
        """An interpreter that has the peer, if there is one already; installs nothing."""
        named = os.environ.get(self.variable)
        python = Path(named) if named else self._cache()
        if not python.is_file():
            return None
        words = [str(python), "-c", self.probe]
        probe = subprocess.run(words, cwd=HERE, capture_output=True, check=False)
        return python if probe.returncode == 0 else None

    def make(self) -> Path:
        """A venv in the user's cache folder."""
        python = self._cache()
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        commands = [[sys.executable, "-m", "venv", "--clear", str(python.parent.parent)]]
        if self.needed is None:
            commands.append([*pip, self.pinned])
        else:
            commands += [[*pip, "--no-deps", self.pinned], [*pip, *self.needed]]
        for command in commands:
            subprocess.run(command, check=True)
        return python

    def _cache(self) -> Path:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return home / "graven-peers" / self.pinned.replace("==", "-") / "bin" / "python"

"""DVC on the command line: a folder of files pushed, and pulled elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Dvc:
    """DVC from an interpreter's venv, with one bucket as its remote.

    Attributes:
        python: of that venv.
        env: how the bucket is reached.
        bucket: its name.
    """

    python: Path
    env: Mapping[str, str]
    bucket: str

    def version(self) -> str:
        """What it calls itself."""
        return self._call(Path.cwd(), "--version").strip()

    def push(self, home: Path, files: Path) -> None:
        """Make a project in ``home`` that tracks a copy of ``files``, and push it."""
        home.mkdir(parents=True)
        shutil.copytree(files, home / "data")
        self._call(home, "init", "--no-scm", "--quiet")
        self._call(home, "config", "core.analytics", "false")
        self._call(
            home, "remote", "add", "--quiet", "--default", "store", f"s3://{self.bucket}/dvc"
        )
        self._call(home, "remote", "modify", "store", "endpointurl", self.env["AWS_ENDPOINT_URL"])
        self._call(home, "add", "--quiet", "data")
        self._call(home, "push", "--quiet")

    def prepare_pull(self, source: Path, home: Path) -> None:
        """A project that knows the remote and what is tracked, as after a git clone."""
        (home / ".dvc").mkdir(parents=True)
        shutil.copy(source / ".dvc" / "config", home / ".dvc" / "config")
        shutil.copy(source / "data.dvc", home / "data.dvc")

    def pull(self, home: Path) -> None:
        """Fetch and check out all that is tracked."""
        self._call(home, "pull", "--quiet")

    def _call(self, folder: Path, *words: str) -> str:
        command = [str(self.python), "-m", "dvc", *words]
        done = subprocess.run(
            command, cwd=folder, env=dict(self.env), check=False, capture_output=True, text=True
        )
        if done.returncode:
            print(done.stderr[-2000:], file=sys.stderr)
            done.check_returncode()
        return done.stdout

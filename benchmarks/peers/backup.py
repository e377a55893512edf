"""restic and borg as peers: a repository in a folder, one file backed up or restored.

Both with their defaults for compression and chunks. restic encrypts and cannot be told not
to; borg is told not to. Neither keeps a cache between the commands that are timed, except
what lies in its repository or in a folder of the benchmark.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.commands import bytes_under, timed


@dataclass(frozen=True)
class Tool:
    """A backup program; ``version`` is empty where it is not installed."""

    name: str
    version: str


class Restic(Tool):
    """restic, which reads the file even if it looks unchanged."""

    def environment(self, repo: Path) -> Mapping[str, str]:
        """Where the repository and its cache are."""
        return {
            "RESTIC_PASSWORD": "benchmark",
            "RESTIC_REPOSITORY": str(repo),
            "RESTIC_CACHE_DIR": f"{repo}.cache",
            "RESTIC_PROGRESS_FPS": "0.01",
        }

    def init(self, repo: Path) -> None:
        """Make a repository."""
        timed(["restic", "init"], self.environment(repo))

    def put(self, repo: Path, path: Path) -> dict[str, Any]:
        """Back one file up."""
        return timed(
            ["restic", "backup", "--force", path.name], self.environment(repo), path.parent
        )

    def get(self, repo: Path, target: Path) -> dict[str, Any]:
        """Restore what was backed up."""
        command = ["restic", "restore", "latest", "--target", target]
        return timed(command, self.environment(repo))


class Borg(Tool):
    """borg, without its cache of files."""

    def environment(self, repo: Path) -> Mapping[str, str]:
        """Where the repository and its cache are."""
        return {
            "BORG_REPO": str(repo),
            "BORG_BASE_DIR": f"{repo}.home",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        }

    def init(self, repo: Path) -> None:
        """Make a repository."""
        timed(["borg", "init", "--encryption", "none"], self.environment(repo))

    def put(self, repo: Path, path: Path) -> dict[str, Any]:
        """Back one file up."""
        number = len(list(repo.parent.glob(f"{repo.name}.done-*")))
        Path(f"{repo}.done-{number}").touch()
        command = ["borg", "create", "--files-cache=disabled", f"::a{number}", path.name]
        return timed(command, self.environment(repo), path.parent)

    def get(self, repo: Path, target: Path) -> dict[str, Any]:
        """Restore what was backed up."""
        target.mkdir()
        return timed(["borg", "extract", "::a0"], self.environment(repo), target)


def stored(repo: Path) -> int:
    """Bytes of a repository."""
    return bytes_under(repo)


def find_tools() -> list[Restic | Borg]:
    """Those that are installed."""
    found: list[Restic | Borg] = []
    if shutil.which("restic"):
        found.append(Restic("restic", timed(["restic", "version"])["said"].split()[1]))
    if shutil.which("borg"):
        found.append(Borg("borg", timed(["borg", "--version"])["said"].split()[1]))
    return found

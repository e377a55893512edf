"""A real browser without a window, for what only it can say of a page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path


def find_chromium() -> str | None:
    """GRAVEN_CHROMIUM, else the first of the usual names on PATH."""
    named = os.environ.get("GRAVEN_CHROMIUM")
    if named:
        return named
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


class Browser:
    """Opens pages, each time with a profile of its own and no network."""

    def __init__(self, executable: str) -> None:
        self.executable = executable

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as profile:
            return subprocess.run(
                [
                    self.executable, "--headless", "--no-sandbox", "--disable-gpu",
                    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
                    "--enable-logging=stderr", "--v=0", f"--user-data-dir={profile}",
                    "--virtual-time-budget=20000", *words,
                ],
                capture_output=True, text=True, timeout=240, check=False,
            )  # fmt: skip

    def dom(self, page: Path, place: str = "", width: int = 1280) -> str:
        """The document after its scripts have run; an error on its console fails the test."""
        done = self.run(f"--window-size={width},900", "--dump-dom", f"{page.as_uri()}{place}")
        said = re.findall(r"CONSOLE[^\n]*", done.stderr)
        assert not said, said
        assert done.returncode == 0, done.stderr
        return done.stdout

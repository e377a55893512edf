"""Find or make an interpreter that can import calibrax."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The current release needs Python 3.12. The newest that runs on 3.11 is far older.
NEWEST = ("calibrax==0.1.14", "substrax==0.1.22")
FOR_3_11 = ("calibrax==0.1.1",)
# Installed with --no-deps: calibrax names JAX and more, which its Store never imports.
NEEDED = ("click", "lazy-loader", "pydantic>=2.10")
PROBE = "from calibrax.storage.store import Store; from calibrax.core.models import Run"


def calibrax_python() -> Path | None:
    """An interpreter with calibrax; None (and a line that says why) where there is none.

    ``GRAVEN_CALIBRAX_PYTHON`` names one; else a venv in the user's cache folder, made
    on first use.
    """
    named = os.environ.get("GRAVEN_CALIBRAX_PYTHON")
    if named:
        return Path(named) if works(Path(named)) else _missing(f"{named} has no calibrax")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graven-peers"
    base = newest_python()
    modern = base is not None
    venv = home / ("calibrax-0.1.14" if modern else "calibrax-0.1.1")
    python = venv / "bin" / "python"
    if works(python):
        return python
    print(f"making {venv}", file=sys.stderr)
    try:
        _make(venv, base or Path(sys.executable), NEWEST if modern else FOR_3_11)
    except subprocess.CalledProcessError as error:
        return _missing(f"cannot install calibrax: {(error.stderr or '').strip()[-300:]}")
    return python if works(python) else _missing(f"{python} cannot import calibrax")


def works(python: Path) -> bool:
    """True if ``python`` can import calibrax's Store."""
    return python.is_file() and _quiet(python, PROBE)


def newest_python() -> Path | None:
    """A Python of 3.12 or later: this one, one on PATH, or one of pyenv's."""
    import shutil

    candidates = [sys.executable]
    candidates += [found for minor in (12, 13, 14) if (found := shutil.which(f"python3.{minor}"))]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob("3.1[2-9]*/bin/python"))]
    test = "import sys, ensurepip; sys.exit(sys.version_info < (3, 12))"
    return next((Path(c) for c in candidates if _quiet(Path(c), test)), None)


def _make(venv: Path, base: Path, pinned: tuple[str, ...]) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    for command in (
        [str(base), "-m", "venv", "--clear", str(venv)],
        [*pip, "--no-deps", *pinned],
        [*pip, *NEEDED],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True)


def _quiet(python: Path, code: str) -> bool:
    return (
        subprocess.run([str(python), "-c", code], capture_output=True, check=False).returncode == 0
    )


def _missing(why: str) -> None:
    print(f"no calibrax: {why}", file=sys.stderr)


if __name__ == "__main__":
    print(calibrax_python() or "none")

"""Find or make an interpreter that can import calibrax; ``--graven`` adds graven to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent

# The current release needs Python 3.12. The newest that runs on 3.11 is far older.
NEWEST = ("calibrax==0.1.14", "substrax==0.1.22")
FOR_3_11 = ("calibrax==0.1.1",)
# Installed with --no-deps: calibrax names JAX and more, which its Store never imports.
NEEDED = ("click", "lazy-loader", "pydantic>=2.10")
PROBE = "import peers.calibrax_worker"


def find() -> Path | None:
    """An interpreter with calibrax, if there is one already; installs nothing.

    ``GRAVEN_CALIBRAX_PYTHON`` names one; else the venv in the user's cache folder.
    """
    named = os.environ.get("GRAVEN_CALIBRAX_PYTHON")
    places = [Path(named)] if named else [_cache(NEWEST), _cache(FOR_3_11)]
    return next((python for python in places if works(python)), None)


def calibrax_python() -> Path | None:
    """`find`, or make a venv; None (and a line that says why) where that fails."""
    found = find()
    if found or os.environ.get("GRAVEN_CALIBRAX_PYTHON"):
        return found or _missing("GRAVEN_CALIBRAX_PYTHON has none")
    base = newest_python()
    pinned = NEWEST if base else FOR_3_11
    python = _cache(pinned)
    print(f"making {python.parent.parent}", file=sys.stderr)
    try:
        _make(python, base or Path(sys.executable), pinned)
    except subprocess.CalledProcessError as error:
        return _missing(f"cannot install it: {(error.stderr or '').strip()[-300:]}")
    return python if works(python) else _missing(f"{python} cannot import it")


def add_graven(python: Path) -> None:
    """Install what graven depends on beside calibrax, for tests that need both at once."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    if _quiet(python, "import blake3, msgspec, zstandard, pyfastcdc"):
        return
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = str(HERE.parent / "constraints.txt")
    command = [*pip, "-c", constraints, *project["dependencies"]]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        _missing(f"cannot add graven's dependencies: {done.stderr.strip()[-300:]}")


def _cache(pinned: tuple[str, ...]) -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "graven-peers" / pinned[0].replace("==", "-") / "bin" / "python"


def works(python: Path) -> bool:
    """True if ``python`` can import calibrax's Store."""
    return python.is_file() and _quiet(python, PROBE)


def newest_python() -> Path | None:
    """A Python of 3.12 or later: this one, one on PATH, one of pyenv's, or one beside this."""
    import shutil

    candidates = [sys.executable]
    candidates += [found for minor in (12, 13, 14) if (found := shutil.which(f"python3.{minor}"))]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for versions in (pyenv, Path(sys.base_prefix).parent):
        candidates += [str(path) for path in sorted(versions.glob("3.1[2-9]*/bin/python"))]
    test = "import sys, ensurepip; sys.exit(sys.version_info < (3, 12))"
    return next((Path(c) for c in candidates if _quiet(Path(c), test)), None)


def _make(python: Path, base: Path, pinned: tuple[str, ...]) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [str(base), "-m", "venv", "--clear", str(python.parent.parent)],
        [*pip, "--no-deps", *pinned],
        [*pip, *NEEDED],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True)


def _quiet(python: Path, code: str) -> bool:
    return (
        subprocess.run(
            [str(python), "-c", code], cwd=HERE, capture_output=True, check=False
        ).returncode
        == 0
    )


def _missing(why: str) -> None:
    print(f"no calibrax: {why}", file=sys.stderr)


if __name__ == "__main__":
    found = calibrax_python()
    if found and "--graven" in sys.argv[1:]:
        add_graven(found)
    print(found or "none")

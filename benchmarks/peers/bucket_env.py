"""Interpreters with what else writes to buckets, each in a venv in the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The first package gives the venv its name; the second value is what must be importable.
PEERS: dict[str, tuple[tuple[str, ...], str]] = {
    "icechunk": (("icechunk==1.1.21", "zarr==3.1.6"), "icechunk, zarr"),
    "lance": (("pylance==14.0.2", "pyarrow==26.0.1"), "lance, pyarrow"),
    "delta": (("deltalake==1.6.6", "pyarrow==26.0.1"), "deltalake, pyarrow"),
    "dvc": (("dvc[s3]==3.67.1",), "dvc_s3"),
}


def interpreters() -> dict[str, Path]:
    """Those that there are or can be made; a line on stderr for each that cannot."""
    found = {peer: _interpreter(peer) for peer in PEERS}
    return {peer: python for peer, python in found.items() if python}


def _interpreter(peer: str) -> Path | None:
    packages, imports = PEERS[peer]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    venv = home / "graven-peers" / packages[0].replace("==", "-")
    python = venv / "bin" / "python"
    if _works(python, imports):
        return python
    print(f"making {venv}", file=sys.stderr)
    for commands in _ways(venv, python, packages):
        failed = next(filter(None, map(_run, commands)), None)
        if failed is None and _works(python, imports):
            return python
    print(f"no {peer}: {(failed or 'it cannot be imported')[-300:]}", file=sys.stderr)
    return None


def _ways(venv: Path, python: Path, packages: tuple[str, ...]) -> list[list[list[str]]]:
    """Commands that make it: uv's, ten times as fast, then pip's."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ways = [[[sys.executable, "-m", "venv", "--clear", str(venv)], [*pip, *packages]]]
    beside = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if beside:
        make = [beside, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)]
        install = [beside, "pip", "install", "--quiet", "--python", str(python), *packages]
        ways.insert(0, [make, install])
    return ways


def _run(command: list[str]) -> str | None:
    """What a command says when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return (done.stderr.strip() or "it failed") if done.returncode else None


def _works(python: Path, imports: str) -> bool:
    if not python.is_file():
        return False
    return _run([str(python), "-c", f"import {imports}"]) is None


if __name__ == "__main__":
    print(interpreters())

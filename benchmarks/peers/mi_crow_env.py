"""Find or make an interpreter that can import mi_crow's store.

python -m peers.mi_crow_env     make it (torch is large: hundreds of megabytes without
                                CUDA, gigabytes with it; pip's own settings choose)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PINNED = "mi-crow==1.0.0.post10"
NEEDED = ("torch", "safetensors", "numpy")  # of all that it names, what its store imports
PROBE = "import peers.mi_crow_worker"


def find() -> Path | None:
    """An interpreter with mi_crow, if there is one already; installs nothing.

    ``GRAVEN_MI_CROW_PYTHON`` names one; else the venv in the user's cache folder.
    """
    named = os.environ.get("GRAVEN_MI_CROW_PYTHON")
    python = Path(named) if named else _cache()
    if not python.is_file():
        return None
    probe = subprocess.run([str(python), "-c", PROBE], cwd=HERE, capture_output=True, check=False)
    return python if probe.returncode == 0 else None


def make() -> Path:
    """A venv in the user's cache folder."""
    python = _cache()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(python.parent.parent)],
        [*pip, "--no-deps", PINNED],
        [*pip, *NEEDED],
    ):
        subprocess.run(command, check=True)
    return python


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "graven-peers" / PINNED.replace("==", "-") / "bin" / "python"


if __name__ == "__main__":
    print(find() or make())

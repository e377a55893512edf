"""Find or make an interpreter that can import MLflow.

python -m peers.mlflow_env     make it (some 100 packages)
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PINNED = "mlflow==3.17.2"
PROBE = "import peers.mlflow_worker"


def find() -> Path | None:
    """An interpreter that has it, if there is one already; installs nothing.

    ``GRAVEN_MLFLOW_PYTHON`` names one; else the venv in the user's cache folder.
    """
    named = os.environ.get("GRAVEN_MLFLOW_PYTHON")
    python = Path(named) if named else _cache()
    if not python.is_file():
        return None
    probe = subprocess.run([str(python), "-c", PROBE], cwd=HERE, capture_output=True, check=False)
    return python if probe.returncode == 0 else None


def make() -> Path:
    """A venv in the user's cache folder."""
    python = _cache()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(python.parent.parent)], check=True)
    subprocess.run([*pip, PINNED], check=True)
    return python


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "graven-peers" / PINNED.replace("==", "-") / "bin" / "python"


if __name__ == "__main__":
    print(find() or make())

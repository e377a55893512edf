"""Where calibrax is, if it is anywhere. `benchmarks/peers/calibrax_env.py` makes a place."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from peers import calibrax_env  # noqa: E402  the benchmarks are no package of ours


def can_run(python: Path, code: str) -> bool:
    """True if ``code`` runs to its end in that interpreter."""
    return not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode


@pytest.fixture(scope="session")
def calibrax_python() -> Path:
    """An interpreter with calibrax; only found, never installed by a test."""
    found = calibrax_env.find()
    # Releases before 0.1.14 need JAX for the imports that programs use.
    if found is None or not can_run(found, "from calibrax.core import Run"):
        pytest.skip("calibrax is not installed: python benchmarks/peers/calibrax_env.py")
    return found


@pytest.fixture(scope="session")
def both_python(calibrax_python: Path) -> Path:
    """An interpreter that has calibrax and what graven depends on."""
    if not can_run(calibrax_python, "import blake3, msgspec, zstandard, pyfastcdc"):
        pytest.skip(
            "no interpreter with calibrax and graven's dependencies: calibrax_env.py --graven"
        )
    return calibrax_python


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., object]:
    """Run code in an interpreter and read the JSON that it prints; ``src`` is importable."""

    def run(python: Path | str, code: str, *arguments: object) -> object:
        script = tmp_path / "script.py"
        script.write_text(code)
        done = subprocess.run(
            [str(python), str(script), *map(str, arguments)],
            capture_output=True,
            check=False,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run

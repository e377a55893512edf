"""The benchmarks still run, on next to no work; nothing here looks at a time."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_can_be_measured(tmp_path):
    done = subprocess.run(
        [sys.executable, "benchmarks/local.py", "--quick", "--json", "--folder", str(tmp_path)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    work = [row["work"] for row in report["rows"]]
    assert len(work) == len(set(work)) > 10
    assert all(row["graven"] for row in report["rows"])
    lost = next(row for row in report["rows"] if row["bar"] == "none lost")
    assert lost["met"], lost["note"]

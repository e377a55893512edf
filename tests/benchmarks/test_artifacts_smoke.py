"""The benchmark of artifacts still runs, on next to no work; times are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_of_files_can_be_measured(tmp_path):
    command = [sys.executable, "benchmarks/artifacts.py", "--quick", "--json"]
    groups = ["--only", "files", "--only", "checkpoints"]
    done = subprocess.run(
        [*command, *groups, "--folder", str(tmp_path)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    work = [row["work"] for row in json.loads(done.stdout)["rows"]]
    assert len(work) == len(set(work)) > 6

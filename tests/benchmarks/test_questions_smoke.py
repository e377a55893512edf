"""The benchmark of questions still runs, on next to no work; times are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_row_that_needs_no_peer_can_be_measured(tmp_path):
    command = [sys.executable, "benchmarks/questions.py", "--quick", "--json"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    work = [row["work"] for row in json.loads(done.stdout)["rows"]]
    assert len(work) == len(set(work)) > 12


def test_both_sides_of_the_backtests_have_the_same_numbers():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from peers import backtests
    finally:
        sys.path.pop(0)
    assert len(set(backtests.METRICS)) == 55
    assert set(backtests.METRICS) > backtests.LOWER
    assert backtests.numbers_of(7) == backtests.numbers_of(7) != backtests.numbers_of(8)

"""The benchmark on a bucket still runs, on next to no work; times are not looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graven.testing.servers import Ministack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    found = Ministack.find()
    if not found.path:
        pytest.skip(f"ministack is not installed: {found.why}")
    folder = str(tmp_path_factory.mktemp("bench"))
    done = subprocess.run(
        [sys.executable, "benchmarks/remote.py", "--quick", "--json", "--folder", folder],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_row_can_be_measured(report):
    work = [row["work"] for row in report["rows"]]
    assert len(work) == len(set(work)) > 10
    assert all(row["graven"] for row in report["rows"])


def test_nothing_is_refused_or_lost(report):
    row = next(row for row in report["rows"] if row["bar"] == "none")
    assert row["met"], row["note"]

"""The work is the same for all peers, and what the rows say of it is true."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import workload
from graven import Run


def test_a_slice_is_part_of_the_whole():
    whole = list(workload.records(40))
    assert list(workload.records(40, first=10, count=5)) == whole[10:15]
    assert len({record["id"] for record in whole}) == 40


@pytest.mark.parametrize("n", [7, 100, 1050])
def test_rare_things_are_rare(n):
    runs = list(workload.records(n))
    rare_branch = [r for r in runs if r["branch"] == workload.RARE_BRANCH]
    rare_tag = [r for r in runs if r["points"][0]["tags"]["device"] == "tpu"]
    assert len(rare_branch) == len(rare_tag) == min(n, workload.RARE)


@pytest.mark.parametrize("rounded", [False, True])
def test_runs_keep_their_numbers(rounded):
    record = workload.record(3, 10, rounded=rounded)
    assert Run.from_dict(record).to_dict() == record
    metrics = [m for p in record["points"] for m in p["metrics"].values()]
    assert len(metrics) == workload.METRICS_A_RUN
    assert sum(map(len, metrics)) == workload.NUMBERS_A_RUN

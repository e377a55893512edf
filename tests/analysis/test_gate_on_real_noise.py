"""Steps injected into real noise: how often the gate fires, and how often for nothing.

The first noise stands beside the statistics' tests: twelve snippets in 120 processes on a shared
machine. Where the folder of samples is there, Django's own history is looked at too.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from graven.analysis import Verdict
from graven.analysis.changes import Allowance
from graven.analysis.gate import Pair, settle
from graven.analysis.history import WINDOW, History, PastRun
from graven.analysis.replay import Side, replay
from graven.model import Metric, MetricDirection

NOISE = Path(__file__).parent / "statistics" / "noise.json"
DJANGO = (
    Path(__file__).resolve().parents[3]
    / "shared/samples/asv-real/django-asv-subset/results/ubuntu-latest"
)
START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("s", "p", (), "time")
TRIALS = 200


def own_noise():
    draw = random.Random(1)
    series = json.loads(NOISE.read_text("utf-8"))["series"]
    # Within a process samples waver less than from one to the next, as was measured.
    return [
        [(value, [value * draw.gauss(1, 0.014) for _ in range(9)]) for value in values]
        for values in series.values()
    ]


def django_noise():
    runs = sorted(
        (json.loads(path.read_text("utf-8")) for path in DJANGO.glob("*-*.json")),
        key=lambda run: run["date"],
    )
    found = {}
    for run in runs:
        for name, row in run["results"].items():
            cells = dict(zip(run["result_columns"], row or [], strict=False))
            if cells.get("samples") and len(cells["result"]) == 1 and cells["samples"][0]:
                found.setdefault(name, []).append((cells["result"][0], cells["samples"][0]))
    return [series for series in found.values() if len(series) >= 100]


def history(series, baseline, current, factor, step, *, moving):
    apart = {current, current - 1} if moving or current - 1 != baseline else {current}
    rows = [at for at in range(max(0, current - 2 * WINDOW), current) if at not in apart]
    near = [current - 1] if current - 1 in apart else []

    def values(places):
        found = [[series[at][0] * (factor if at >= step else 1)] for at in places]
        return np.array(found, dtype=float).reshape(-1, 1)

    return History(
        columns={KEY: 0},
        runs=[
            PastRun(run_id=str(at), timestamp=START + timedelta(hours=at), commit=None)
            for at in rows
        ],
        values=values(rows),
        confirming=values(near),
        baseline_at=START + timedelta(hours=baseline),
        moving=moving,
    )


def judged(series, step, factor, after, *, moving, samples):
    """The verdict on the run ``after`` the one at which the step begins."""
    current = step + after
    baseline = current - 1 if moving else step - 1

    def metric(at):
        scale = factor if at >= step else 1
        value, measured = series[at]
        kept = tuple(sample * scale for sample in measured) if samples else None
        return Metric(value=value * scale, samples=kept)

    old, new = metric(baseline), metric(current)
    facts = {
        "scenario": "s", "name": "p", "tags": {}, "metric": "time", "occurrence": 1,
        "worse": new.value > old.value,
    }  # fmt: skip
    pair = Pair(
        facts=facts, old=old, new=new, direction=MetricDirection.LOWER,
        allowance=Allowance(relative=0.05, floor=0.0), series=KEY,
    )  # fmt: skip
    past = history(series, baseline, current, factor, step, moving=moving)
    return settle([pair], (str(step), str(after)), past)[0].verdict


def rates(noise, factor, *, moving, samples):
    """How many of the runs at a step are a regression, and of the two runs from it on."""
    draw = random.Random(f"{factor}{moving}{samples}")
    at_once = in_two = 0
    for _ in range(TRIALS):
        series = draw.choice(noise)
        step = draw.randrange(WINDOW + 5, len(series) - 1)
        first, second = (
            judged(series, step, factor, after, moving=moving, samples=samples) for after in (0, 1)
        )
        at_once += first is Verdict.REGRESSION
        in_two += Verdict.REGRESSION in (first, second)
    return at_once / TRIALS, in_two / TRIALS


def sources():
    # Quartiles a seventh apart: a step of 10 % is less than what it does by itself.
    yield pytest.param(own_noise, (0.05, 0.25, 0.7), id="own")
    missing = pytest.mark.skipif(not DJANGO.is_dir(), reason=f"{DJANGO} is not there")
    yield pytest.param(django_noise, (0.45, 0.65, 0.9), id="django", marks=missing)


@pytest.mark.parametrize("samples", [True, False])
@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize(("source", "power"), list(sources()))
def test_it_hardly_fires_for_nothing_and_sees_what_is_there(source, power, moving, samples):
    noise = source()
    for_nothing, _ = rates(noise, 1.0, moving=moving, samples=samples)
    assert for_nothing <= 0.04
    for factor, least in zip((1.1, 1.2, 1.5), power, strict=True):
        _, seen = rates(noise, factor, moving=moving, samples=samples)
        assert seen >= least, factor


@pytest.mark.parametrize(("source", "power"), list(sources()))
def test_the_replay_says_about_as_much_as_judging_one_by_one(source, power):
    noise = source()[:20]
    fired = compared = 0
    for series in noise:
        runs = [
            PastRun(run_id=str(at), timestamp=START + timedelta(hours=at), commit=None)
            for at in range(len(series))
        ]
        past = History(
            columns={KEY: 0},
            runs=runs,
            values=np.array([[value] for value, _ in series]),
            confirming=np.empty((0, 1)),
            baseline_at=START,
        )
        alarms = replay(past, {KEY: Side(sign=1, relative=0.05)})
        fired += alarms.fired
        compared += alarms.comparisons
        one_by_one = sum(
            judged(series, at, 1.0, 0, moving=True, samples=False) is Verdict.REGRESSION
            for at in range(12, len(series))
        )
        assert abs(alarms.fired - one_by_one) <= 2  # which of the first runs have enough before
    assert fired / compared <= 0.05

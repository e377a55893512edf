"""Whatever floats two runs and their history hold: a verdict, no warning, JSON that is strict."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graven.analysis import Thresholds, Verdict, compare_runs, judge, replay
from graven.analysis.history import History, PastRun
from graven.analysis.replay import Side
from graven.cli.output import to_json
from graven.model import Metric, MetricDef, MetricDirection, Point, Run

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = ("s", "p", (), "m")
VALUES = st.one_of(
    st.floats(width=64),
    st.sampled_from([0.0, -0.0, 1.0, 1.05, -1.0, 1e308, -1e308, 5e-324, float("inf")]),
)
SAMPLES = st.none() | st.lists(VALUES, max_size=12).map(tuple)


@st.composite
def metrics(draw):
    samples = draw(SAMPLES)
    groups = None
    if samples and draw(st.booleans()):
        cut = draw(st.integers(0, len(samples)))
        groups = (cut, len(samples) - cut)
    return Metric(value=draw(VALUES), samples=samples, sample_groups=groups)


def run_of(metric, direction):
    return Run(
        id="r", timestamp=NOW, points=(Point(name="p", scenario="s", metrics={"m": metric}),),
        metric_defs={"m": MetricDef(name="m", unit="s", direction=direction)},
    )  # fmt: skip


@given(
    metrics(), metrics(), st.sampled_from(MetricDirection), st.lists(VALUES, max_size=45),
    st.lists(VALUES, max_size=3), st.integers(0, 45), st.integers(-1, 45), st.booleans(),
)  # fmt: skip
def test_every_input_has_a_verdict(old, new, direction, past, near, split, cut, moving):
    times = [NOW + timedelta(hours=at - split) for at in range(len(past))]
    history = History(
        columns={KEY: 0},
        runs=[PastRun(run_id=str(at), timestamp=t, commit=None) for at, t in enumerate(times)],
        values=np.array(past, dtype=float).reshape(-1, 1),
        confirming=np.array(near, dtype=float).reshape(-1, 1),
        baseline_at=NOW,
        cuts={KEY: times[cut]} if 0 <= cut < len(times) else {},
        moving=moving,
    )
    before, now = run_of(old, direction), run_of(new, direction)
    for given_history in (None, history):
        comparison = compare_runs(
            before, now, history=given_history, thresholds=Thresholds(floors=(("m", 0.5),))
        )
        (row,) = comparison.rows
        assert row.verdict in set(Verdict)
        if direction is MetricDirection.INFO:
            assert row.verdict in (Verdict.NO_DIRECTION, Verdict.NOT_A_NUMBER)
        json.loads(to_json(judge(comparison, strict=True).to_dict()))
    alarms = replay(history, {KEY: Side(sign=1, relative=0.05)})
    assert 0 <= alarms.fired <= alarms.comparisons


@given(metrics(), st.sampled_from([MetricDirection.LOWER, MetricDirection.HIGHER]))
def test_a_run_is_no_regression_of_itself(metric, direction):
    run = run_of(metric, direction)
    (row,) = compare_runs(run, run).rows
    assert row.verdict in (Verdict.NO_CHANGE, Verdict.NOT_A_NUMBER)

"""A report whose every text would do harm where a program believed it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from graven.analysis import Comparison, Row, RunLabel, Verdict
from graven.analysis.steps import Step
from graven.model import MetricDef, MetricDirection
from graven.report.model import Report, ReportRun, ReportSeries

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
EVIL = "=cmd()|'<script>alert(1)</script>` @me http://e.x"


def run(number, **fields):
    known = {
        "id": f"r{number}",
        "timestamp": START + timedelta(hours=number),
        "branch": "main",
        "commit": f"{number:040x}",
        "experiment": None,
        "status": "ok",
        "origin": "measured",
        "points": 1,
        "environment": 0,
    }
    return ReportRun(**{**known, **fields})


def series(values, **fields):
    known = {
        "scenario": "linalg",
        "name": "matmul",
        "tags": {"n": "10"},
        "metric": "time",
        "rows": np.arange(len(values)),
        "values": np.array(values, float),
        "definition": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER),
    }
    return ReportSeries(**{**known, **fields})


def label(number):
    at = START + timedelta(hours=number)
    return RunLabel(id=f"r{number}", timestamp=at, commit=EVIL, branch=EVIL, origin="measured",
                    status="ok", machine=None)  # fmt: skip


def comparison():
    rows = (
        Row(scenario=EVIL, name=EVIL, tags={EVIL: EVIL}, verdict=Verdict.REGRESSION, metric=EVIL,
            unit="s", baseline=1.0, current=1.5, delta=0.5, change=0.5, worse=True, note=EVIL),
        Row(scenario="linalg", name="matmul", tags={}, verdict=Verdict.NO_CHANGE, metric="time",
            baseline=math.nan, current=math.inf),
    )  # fmt: skip
    return Comparison(baseline=label(0), current=label(2), rows=rows, duplicates=(),
                      comparable=True, warnings=())  # fmt: skip


def step(**fields):
    known = {
        "scenario": "linalg", "name": "matmul", "tags": {}, "metric": "time", "unit": "s",
        "direction": MetricDirection.LOWER, "before": 1.0, "after": 1.5, "change": 0.5,
        "worse": True, "p": 0.001, "index": 2, "run_id": "r2", "timestamp": START,
        "commit": EVIL, "last_run_id": "r1", "last_commit": None, "state": "accepted",
        "by": EVIL, "message": EVIL,
    }  # fmt: skip
    return Step(**{**known, **fields})


@pytest.fixture
def evil():
    return EVIL


@pytest.fixture
def plain_report():
    """Three runs, two series; the third run is simulated and has no number of the second."""
    return Report(
        title="store: benchmarks", store="store", made=START, where="",
        runs=(run(0), run(1), run(2, origin="simulated")),
        series=(
            series([1.0, 1.25, 1.5], lower=np.array([0.9, math.nan, 1.4]),
                   upper=np.array([1.1, math.nan, 1.6])),
            series([3.0, math.inf, math.nan], metric="rate", tags={},
                   definition=MetricDef(name="rate", unit="ops/s",
                                        direction=MetricDirection.HIGHER)),
        ),
        environments=({"cpu": {"name": "Some", "cores": 4}, "gpu": None},), machines=("f00",),
        comparison=None, without="there is no baseline", baseline_name="main",
    )  # fmt: skip


@pytest.fixture
def evil_report(plain_report):
    """Every text of the store is `EVIL`."""
    runs = tuple(
        replace(one, id=f"{EVIL}{at}", branch=EVIL, commit=EVIL, experiment=EVIL, refs=(EVIL,))
        for at, one in enumerate(plain_report.runs)
    )
    known = MetricDef(name=EVIL, unit=EVIL, direction=MetricDirection.LOWER)
    found = tuple(
        replace(one, scenario=EVIL, name=EVIL, tags={EVIL: EVIL}, metric=EVIL + str(at),
                definition=known, steps=(step(),), left_out={EVIL: 2})
        for at, one in enumerate(plain_report.series)
    )  # fmt: skip
    return replace(
        plain_report, title=EVIL, store=EVIL, where=EVIL, runs=runs, series=found,
        environments=({EVIL: EVIL}, {EVIL: "other"}), machines=(EVIL, None),
        comparison=comparison(), baseline_name=EVIL, without=None, notes=(EVIL,),
        runs_left_out=7, series_left_out=1,
    )  # fmt: skip


@pytest.fixture
def empty_report(plain_report):
    return replace(plain_report, runs=(), series=(), environments=(), machines=())

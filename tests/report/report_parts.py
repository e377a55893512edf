"""Runs, series, steps and comparisons for tests of reports."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np

from graven.analysis import Comparison, Row, RunLabel, Verdict
from graven.analysis.steps import Step
from graven.model import MetricDef, MetricDirection
from graven.report.model import ReportRun, ReportSeries

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

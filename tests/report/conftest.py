"""A report whose every text would do harm where a program believed it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from report_parts import EVIL, START, comparison, run, series, step

from graven.model import MetricDef, MetricDirection
from graven.report.model import Report


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

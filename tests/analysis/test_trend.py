"""Summaries and sparklines of series."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from graven.analysis import sparkline, summarize_trend
from graven.model import TrendPoint, TrendSeries


def series(*values):
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    points = tuple(TrendPoint(run_id="r", timestamp=moment, value=value) for value in values)
    return TrendSeries(metric="time", point_name="p", points=points)


def test_the_summary_leaves_out_what_is_no_number_and_counts_it():
    summary = summarize_trend(series(2.0, math.nan, 5.0, 3.0))
    assert summary.to_dict() == {
        "count": 4,
        "not_numbers": 1,
        "first": 2.0,
        "last": 3.0,
        "minimum": 2.0,
        "maximum": 5.0,
        "delta": 1.0,
        "change": 0.5,
    }


def test_an_empty_series_and_a_first_value_of_zero_have_no_change():
    assert summarize_trend(series()).first is None
    assert summarize_trend(series(0.0, 1.0)).change is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), ""),
        ((1.0,), "▄"),
        ((1.0, 1.0), "▄▄"),
        ((0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0), "▁▂▃▄▅▆▇█"),
        ((0.0, math.nan, 1.0), "▁ █"),
        ((-math.inf, 0.0, 1.0, math.inf), "▁▁██"),
        ((-1.7e308, 1.7e308), "▁█"),
        ((math.nan,), " "),
    ],
)
def test_the_sparkline_scales_to_its_own_values(values, expected):
    assert sparkline(values) == expected


def test_many_values_share_blocks_and_the_whole_series_is_shown():
    assert sparkline([0.0, 0.0, 1.0, 1.0, 2.0, 2.0], width=3) == "▁▅█"
    assert len(sparkline([float(n) for n in range(1000)], width=60)) == 60
    assert sparkline([0.0, math.nan, math.nan, math.nan, 1.0, 1.0], width=3) == "▁ █"


def test_the_sparkline_can_be_ascii():
    assert sparkline([0.0, 1.0], ascii_only=True) == "_@"

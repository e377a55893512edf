from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.export.asv.stats import make_stats, median_interval, quantile

finite = st.floats(-1e200, 1e200)


@given(st.lists(finite, min_size=2, max_size=60))
def test_quartiles_are_those_of_the_standard_library(samples):
    ordered = sorted(samples)
    expected = statistics.quantiles(ordered, n=4, method="inclusive")
    assert quantile(ordered, 0.25) == pytest.approx(expected[0], rel=1e-9, abs=1e190)
    assert quantile(ordered, 0.75) == pytest.approx(expected[2], rel=1e-9, abs=1e190)


@pytest.mark.parametrize(
    # Ranks from tables of the sign test: coverage of at least 99 %.
    ("n", "rank"),
    [(7, 0), (8, 1), (10, 1), (11, 1), (12, 2), (15, 3), (20, 4), (30, 8), (50, 16), (100, 37)],
)
def test_median_interval_counts_off_the_tabled_rank(n, rank):
    ordered = [float(value) for value in range(1, n + 1)]
    low, high = median_interval(ordered)
    expected = (rank, n + 1 - rank) if rank else (-math.inf, math.inf)
    assert (low, high) == expected


def test_median_interval_of_many_samples_meets_the_exact_one():
    below = median_interval([float(value) for value in range(1000)])
    above = median_interval([float(value) for value in range(1001)])
    assert abs(below[0] - above[0]) <= 1
    assert abs(below[1] - above[1]) <= 1


def test_there_are_all_statistics_or_none():
    assert make_stats(None, 1.0, 2.0) is None
    assert make_stats([math.nan, math.inf], 1.0, 2.0) is None
    stats = make_stats([3.0, 1.0, 2.0, math.nan], 1.5, 2.5)
    assert stats is not None
    assert (stats.low, stats.high, stats.q25, stats.q75, stats.repeat) == (1.5, 2.5, 1.5, 2.5, 3)


@pytest.mark.parametrize(
    ("lower", "upper"), [(None, 2.0), (math.nan, 2.0), (1.0, 1.0 + 1e51), (0.0, 5e-324)]
)
def test_an_interval_asv_cannot_weigh_gives_way_to_the_median_s(lower, upper):
    stats = make_stats([1.0, 2.0], lower, upper)
    assert stats is not None
    assert (stats.low, stats.high) == (-math.inf, math.inf)

"""The ratio of medians: the same answer every time, and an interval that means something."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from graven.analysis.statistics import ratio
from graven.analysis.statistics.ratio import ratio_of_medians

SEED = ("a", "b")


def numbers(*values):
    return np.array(values, dtype=np.float64)


def test_it_is_the_ratio_of_the_medians():
    assert ratio_of_medians(numbers(1, 2, 3), numbers(3, 5, 4), SEED).value == 2.0
    assert ratio_of_medians(numbers(1, 3), numbers(3, 5), SEED).value == 2.0


def test_the_same_names_give_the_same_interval_down_to_the_last_bit():
    draw = np.random.default_rng(1)
    old, new = draw.normal(1, 0.1, 9), draw.normal(1.1, 0.1, 10)
    first = ratio_of_medians(old, new, SEED)
    assert ratio_of_medians(old[::-1], new[::-1], SEED) == first
    assert ratio_of_medians(old, new, ("b", "a")) != first
    assert ratio_of_medians(old, new, ("ab", "")) != first


def test_the_interval_is_pinned_for_all_machines():
    old = numbers(*(1 + i / 100 for i in range(10)))
    new = numbers(*(1.2 + i / 50 for i in range(9)))
    found = ratio_of_medians(old, new, ("base", "now", "s", "p", "", "1", "time"))
    assert [x.hex() for x in found] == PINNED


PINNED = ["0x1.3991c2c187f64p+0", "0x1.2aaaaaaaaaaaap+0", "0x1.484497e29a55cp+0"]


@pytest.mark.parametrize("count", [*range(1, 8)])
def test_the_table_of_resampled_medians_is_that_of_all_resamples(count):
    def places(resample):
        ordered = sorted(resample)
        return ordered[(count - 1) // 2], ordered[count // 2]

    truth = Counter(map(places, itertools.product(range(count), repeat=count)))
    cumulative, low, high = ratio._median_table(count)
    chances = np.diff(cumulative, prepend=0.0)
    assert chances == pytest.approx(
        [truth[pair] / count**count for pair in zip(low, high, strict=True)]
    )


@pytest.mark.parametrize("count", [10, 99, 100, 101, 500, 1001])
def test_the_table_of_many_samples_has_the_spread_of_a_beta_law(count):
    cumulative, low, high = ratio._median_table(count)
    chances = np.diff(cumulative, prepend=0.0)
    middles = (low + high) / 2 + 0.5
    mean = (chances * middles).sum() / count
    deviation = math.sqrt((chances * (middles / count - mean) ** 2).sum())
    assert mean == pytest.approx(0.5, abs=0.01)
    assert deviation == pytest.approx(0.5 / math.sqrt(count + 2), rel=0.06)


def test_the_bounds_are_near_those_of_scipys_bootstrap():
    draw = np.random.default_rng(5)
    for count in (9, 10, 25, 150):
        old, new = draw.lognormal(0, 0.05, count), draw.lognormal(0.1, 0.05, count)
        mine = ratio_of_medians(old, new, SEED)
        theirs = stats.bootstrap(
            (old, new), lambda a, b, axis: np.median(b, axis=axis) / np.median(a, axis=axis),
            method="percentile", n_resamples=4000, vectorized=True, rng=draw,
        ).confidence_interval  # fmt: skip
        width = theirs.high - theirs.low
        assert mine.lower == pytest.approx(theirs.low, abs=0.12 * width)
        assert mine.upper == pytest.approx(theirs.high, abs=0.12 * width)


def test_the_interval_covers_the_truth_nearly_as_often_as_it_says():
    draw = np.random.default_rng(7)
    covered = 0
    for trial in range(400):
        old, new = draw.normal(1, 0.05, 10), draw.normal(1.2, 0.06, 10)
        found = ratio_of_medians(old, new, (str(trial),), replicates=500)
        covered += found.lower <= 1.2 <= found.upper
    assert 0.92 <= covered / 400 <= 0.995


def test_one_sample_has_no_interval_and_constants_have_one_of_no_width():
    assert ratio_of_medians(numbers(2), numbers(1, 3), SEED) == (1.0, None, None)
    assert ratio_of_medians(numbers(2, 2), numbers(3, 3, 3), SEED) == (1.5, 1.5, 1.5)


@pytest.mark.parametrize(
    ("old", "new"),
    [((), (1,)), ((1,), ()), ((0, 0), (1, 1)), ((1, 1), (0, 0)), ((-1, -2), (-1, -2))],
)
def test_without_a_ratio_there_is_none(old, new):
    assert ratio_of_medians(numbers(*old), numbers(*new), SEED) is None


def test_extreme_values_neither_fail_nor_warn():
    huge = numbers(1e308, 1.7e308, 1.5e308)
    tiny = numbers(5e-324, 1e-320, 1e-310)
    assert ratio_of_medians(tiny, huge, SEED).value == math.inf
    assert ratio_of_medians(huge, tiny, SEED).lower == 0.0
    assert ratio_of_medians(numbers(-5, 1, 1), numbers(1, 1, 1), SEED).upper == math.inf

"""Mann-Whitney's test against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graven.analysis.statistics.ranktest import EXACT_UP_TO, mann_whitney


@pytest.mark.parametrize("first", [1, 2, 3, 5, 8, 13, EXACT_UP_TO])
@pytest.mark.parametrize("second", [1, 2, 4, 7, 10, EXACT_UP_TO])
def test_without_ties_it_is_exact(first, second):
    draw = np.random.default_rng(first * 100 + second)
    for shift in (0.0, 0.3, 1.0, -2.0):
        old, new = draw.normal(0, 1, first), draw.normal(shift, 1, second)
        mine = mann_whitney(old, new)
        theirs = stats.mannwhitneyu(new, old, method="exact")
        assert mine.u == theirs.statistic
        assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert mine.superiority == pytest.approx((new[:, None] > old).mean())


@pytest.mark.parametrize("levels", [2, 3, 10, 50])
@pytest.mark.parametrize(("first", "second"), [(2, 3), (5, 5), (10, 20), (40, 7), (300, 200)])
def test_with_ties_it_is_the_corrected_normal_law(first, second, levels):
    draw = np.random.default_rng(first + second + levels)
    for shift in (0, 1):
        old = draw.integers(0, levels, first).astype(float)
        new = draw.integers(0, levels, second) + float(shift)
        if len({*old, *new}) in (1, first + second):
            continue
        mine = mann_whitney(old, new)
        theirs = stats.mannwhitneyu(new, old, method="asymptotic")
        assert mine.u == theirs.statistic
        assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_many_values_without_ties_use_the_normal_law():
    draw = np.random.default_rng(3)
    old, new = draw.normal(0, 1, 21), draw.normal(0.5, 1, 30)
    theirs = stats.mannwhitneyu(new, old, method="asymptotic")
    assert mann_whitney(old, new).p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_equal_values_tell_nothing_and_nothing_is_no_answer():
    same = np.ones(5)
    assert mann_whitney(same, same) == (12.5, 1.0, 0.5)
    assert mann_whitney(same, same[:0]) is None
    assert mann_whitney(same[:0], same) is None

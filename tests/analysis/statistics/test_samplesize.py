"""How many samples: held against the exact test and against drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from graven.analysis.statistics.ranktest import mann_whitney
from graven.analysis.statistics.samplesize import least_samples, samples_needed


@pytest.mark.parametrize("level", [0.05, 0.01, 0.002, 1e-5])
def test_the_least_number_is_the_first_with_which_a_test_can_answer(level):
    count = least_samples(level)
    sides = np.arange(count, dtype=float), np.arange(count, dtype=float) + count
    assert mann_whitney(*sides).p < level
    assert mann_whitney(sides[0][1:], sides[1][1:]).p >= level


@pytest.mark.parametrize("shift", [0.8, 1.5])
def test_with_as_many_as_it_says_most_tests_find_the_difference(shift):
    draw = np.random.default_rng(11)
    superiority = stats.norm.cdf(shift / np.sqrt(2))
    count = samples_needed(superiority, 0.01)
    found = sum(
        mann_whitney(draw.normal(0, 1, count), draw.normal(shift, 1, count)).p < 0.01
        for _ in range(300)
    )
    assert 0.7 <= found / 300 <= 0.9


def test_what_does_not_differ_is_never_found():
    assert samples_needed(0.5, 0.01) is None
    assert samples_needed(0.5001, 0.01) is None
    assert samples_needed(float("nan"), 0.01) is None
    assert samples_needed(1.0, 0.01) == least_samples(0.01) + 3

"""Benjamini and Hochberg's adjustment against scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from graven.analysis.statistics.falsediscovery import benjamini_hochberg


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1000])
def test_it_adjusts_as_scipy_does(count):
    draw = np.random.default_rng(count)
    for _ in range(20):
        chances = draw.random(count) ** draw.integers(1, 8)
        chances[draw.random(count) < 0.2] = 0.01  # equal ones
        assert benjamini_hochberg(chances.tolist()) == pytest.approx(
            stats.false_discovery_control(chances, method="bh").tolist()
        )


def test_what_is_no_chance_finds_nothing():
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([math.nan, 0.01, 2.0]) == [1.0, pytest.approx(0.03), 1.0]

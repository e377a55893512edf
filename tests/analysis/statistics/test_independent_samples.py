"""Samples of a process count once where there are several processes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graven.analysis.statistics.samples import independent, median


def test_each_of_several_groups_counts_once():
    assert independent([1, 2, 9, 5, 7], [3, 2]).tolist() == [2, 6]
    assert independent([1, 2, 9, 5], [3, 0, 1]).tolist() == [2, 5]


def test_one_group_is_taken_as_it_is():
    assert independent([1, 2, 9], [3]).tolist() == [1, 2, 9]
    assert independent([1, 2, 9], [0, 3]).tolist() == [1, 2, 9]
    assert independent([1, 2, 9]).tolist() == [1, 2, 9]


def test_what_is_no_finite_number_is_left_out():
    assert independent([1, math.nan, math.inf, 2]).tolist() == [1, 2]
    assert independent([math.nan, 1, 2], [1, 2]).tolist() == [1.5]
    assert independent([], []).tolist() == []


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [3.0, 1.0, 2.0], [1.7e308, 1.7e308]])
def test_the_median(values):
    assert median(np.array(values)) == (np.median(values) if max(values) < 9 else 1.7e308)
    assert math.isnan(median(np.array([])))

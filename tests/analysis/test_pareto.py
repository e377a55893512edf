"""The Pareto front, against its definition."""

import math

import numpy as np
import pytest

from graven.analysis.pareto import pareto_front


def by_definition(values, higher):
    signs = np.where(higher, 1, -1)
    turned = values * signs
    return [
        at
        for at, row in enumerate(turned)
        if not any((other >= row).all() and (other > row).any() for other in turned)
    ]


@pytest.mark.parametrize("width", [1, 2, 3, 5])
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_it_is_what_the_definition_says(width, levels):
    rng = np.random.default_rng(width * levels)
    for _ in range(10):
        values = rng.integers(0, levels, (40, width)).astype(float)
        higher = rng.integers(0, 2, width).astype(bool).tolist()
        assert pareto_front(values, higher)[0] == by_definition(values, higher)


def test_equal_rows_are_there_together():
    values = np.array([[1, 2], [1, 2], [2, 1], [1, 1]], float)
    assert pareto_front(values, [True, True]) == ([0, 1, 2], [])


def test_what_is_no_number_is_left_out_and_named():
    values = np.array([[math.nan, 9], [1, 2], [5, math.nan]], float)
    assert pareto_front(values, [True, True]) == ([1], [0, 2])


def test_infinities_are_what_they_are():
    values = np.array([[math.inf, 0], [0, 5], [-math.inf, 6], [1e308, 0]], float)
    assert pareto_front(values, [True, True])[0] == [0, 1, 2]
    assert pareto_front(values, [False, True])[0] == [2]


@pytest.mark.parametrize("shape", [(0, 2), (0, 0), (3, 0)])
def test_nothing_to_choose_by(shape):
    assert pareto_front(np.empty(shape), [True] * shape[1]) == (list(range(shape[0])), [])

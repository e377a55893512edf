"""Weighted ranks over a matrix."""

import math

import numpy as np
import pytest

from graven.analysis.rank import Scale, check_weights, rank
from graven.errors import InvalidInput

NAN, INF = math.nan, math.inf


def ranked(rows, weights=None, higher=None, scale=Scale.MIN_MAX):
    values = np.array(rows, float).reshape(len(rows), -1)
    width = values.shape[1]
    names = [f"m{at}" for at in range(width)]
    return rank(values, names, weights or [1.0] * width, higher or [True] * width, scale)


@pytest.mark.parametrize("scale", list(Scale))
def test_equal_rows_score_the_same_wherever_they_stand(scale):
    random = np.random.default_rng(5)
    for width in (3, 9, 13, 55):
        row, weights = random.normal(size=width), random.uniform(0.1, 3, width).tolist()
        for count in (5, 9, 33):
            rows = [row] * count + [random.normal(size=width), random.normal(size=width)]
            found = ranked(rows, weights, [True, False] * (width // 2) + [True], scale)
            assert len(set(found.scores[:count].tolist())) == 1
            assert [at for at in found.order if at < count] == list(range(count))


@pytest.mark.parametrize("scale", list(Scale))
def test_the_better_comes_first_whichever_way_that_is(scale):
    assert ranked([[1], [3], [2]], scale=scale).order == [1, 2, 0]
    assert ranked([[1], [3], [2]], higher=[False], scale=scale).order == [0, 2, 1]


def test_min_max_scores_are_weighted_means():
    found = ranked([[0, 10], [10, 0], [5, 10]], weights=[3, 1])
    assert found.scores.tolist() == [0.25, 0.75, 0.625]
    assert ranked([[0, 10], [10, 0], [5, 10]], weights=[30, 10]).scores.tolist() == [
        0.25, 0.75, 0.625,
    ]  # fmt: skip


def test_z_scores_are_deviations():
    assert ranked([[1], [2], [3]], scale=Scale.Z).scores.tolist() == pytest.approx(
        [-1.2247, 0, 1.2247], abs=1e-4
    )


def test_rank_shares_places_and_takes_infinities():
    found = ranked([[1], [INF], [1], [-INF], [7]], scale=Scale.RANK)
    assert found.scores.tolist() == [0.375, 1.0, 0.375, 0.0, 0.75]
    assert found.order == [1, 4, 0, 2, 3]


def test_equal_scores_keep_the_order_given():
    assert ranked([[1], [2], [1], [2], [1]]).order == [1, 3, 0, 2, 4]


@pytest.mark.parametrize("scale", list(Scale))
def test_runs_that_lack_a_metric_come_last_and_are_named(scale):
    found = ranked([[NAN, 1], [1, 1], [2, NAN], [3, 3]], scale=scale)
    assert found.order == [3, 1, 0, 2]
    assert found.lacking == {"m0": [0], "m1": [2]}
    assert np.isnan(found.scores[[0, 2]]).all()


@pytest.mark.parametrize("scale", list(Scale))
@pytest.mark.parametrize("rows", [[[5]], [[5], [5], [5]], [[0], [0]], [[-1e308], [-1e308]]])
def test_what_is_the_same_everywhere_says_nothing(rows, scale):
    found = ranked(rows, scale=scale)
    assert found.scores.tolist() == [0.0] * len(rows)
    assert found.order == list(range(len(rows)))


@pytest.mark.parametrize("scale", list(Scale))
def test_extreme_values_do_not_overflow(scale):
    assert ranked([[-1.7e308], [1.7e308], [0]], scale=scale).order == [1, 2, 0]
    assert ranked([[5e-324], [0], [1e-323]], scale=scale).order[-1] in (0, 1)


def test_nothing_to_rank():
    found = rank(np.empty((0, 2)), ["a", "b"], [1.0, 2.0], [True, False])
    assert (found.order, found.lacking) == ([], {})
    assert ranked([[NAN], [NAN]]).order == [0, 1]


@pytest.mark.parametrize("weight", [0, -1, NAN, INF, "1", True, None])
def test_weights_are_numbers_above_zero(weight):
    with pytest.raises(InvalidInput, match="weight of 'a'"):
        check_weights({"a": weight})


def test_no_weights():
    with pytest.raises(InvalidInput, match="no metric"):
        check_weights({})


def test_huge_weights_do_not_overflow():
    assert ranked([[1, 0], [0, 1]], weights=[1e308, 1e308]).scores.tolist() == [0.5, 0.5]

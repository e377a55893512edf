"""The tail of Student's t, against scipy."""

import math

import pytest
from scipy import stats

from graven.analysis.statistics.student import two_sided_p


@pytest.mark.parametrize("freedom", [1, 2, 5, 48, 5_000, 1e6])
@pytest.mark.parametrize("t", [0, 1e-9, 0.1, 1, 2.5, 20, 1e3])
def test_it_is_what_scipy_says(t, freedom):
    assert two_sided_p(t, freedom) == pytest.approx(
        2 * stats.t.sf(t, freedom), rel=1e-8, abs=1e-290
    )


def test_both_sides_count():
    assert two_sided_p(-2.0, 10) == two_sided_p(2.0, 10)


def test_ends():
    assert two_sided_p(math.inf, 5) == 0
    assert two_sided_p(math.nan, 5) == 1
    assert two_sided_p(1e200, 5) == 0

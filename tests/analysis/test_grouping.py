"""Groups side by side."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from graven.analysis.grouping import Part, group_matrices
from graven.model import MetricDef, MetricDirection

START = datetime(2026, 1, 2, tzinfo=UTC)
TIME = MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)
RATE = MetricDef(name="rate", unit="1/s", direction=MetricDirection.HIGHER)


def part(group, *values, row=("", "sort", ""), known=TIME, origin="measured", series=None, **more):
    return Part(
        group=group, row=row, series=series or row, metric=known.name if known else "x",
        definition=known, values=values, origins={origin: len(values)}, run_id=f"r{group}",
        timestamp=START, **more,
    )  # fmt: skip


def only_row(parts, groups=2, **how):
    (matrix,) = group_matrices(parts, groups, **how)
    (row,) = matrix.rows
    return row.cells


def test_the_smallest_is_best_where_lower_is_better():
    left, right = only_row([part(0, 2.0), part(1, 3.0)])
    assert (left.best, left.ratio, right.best, right.ratio) == (True, 1.0, False, 1.5)


def test_the_largest_is_best_where_higher_is():
    left, right = only_row([part(0, 2.0, known=RATE), part(1, 4.0, known=RATE)])
    assert (left.best, left.ratio, right.best, right.ratio) == (False, 0.5, True, 1.0)


def test_equal_ones_are_both_best():
    assert all(cell.best for cell in only_row([part(0, 2.0), part(1, 2.0)]))


def test_what_nobody_measured_is_empty():
    first, second = group_matrices(
        [part(0, 1.0), part(1, 2.0), part(1, 5.0, row=("", "zip", ""))], 2
    )[0].rows
    assert first.cells[0].value == 1.0
    assert second.cells[0] is None


def test_the_median_and_how_many():
    (cell, _) = only_row([part(0, 5.0, 1.0, 2.0)])
    assert (cell.value, cell.count, cell.minimum, cell.maximum) == (2.0, 3, 1.0, 5.0)
    (huge, _) = only_row([part(0, 1.7e308, 1.7e308)])
    assert huge.value == 1.7e308


def test_a_simulated_number_is_not_best_beside_a_measured_one():
    simulated, measured = only_row([part(0, 1.0, origin="simulated"), part(1, 2.0)])
    assert (simulated.best, simulated.ratio, measured.best) == (False, 0.5, True)
    alone, _ = only_row([part(0, 1.0, origin="simulated")])
    assert alone.best


def test_a_mixture_says_so():
    cell, _ = only_row([part(0, 1.0), part(0, 3.0, origin="imported", series=("other",))])
    assert (cell.origin, cell.series) == ("imported, measured", 2)


def test_units_are_never_mixed():
    ms = MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)
    first, second = group_matrices([part(0, 1.0), part(1, 900.0, known=ms)], 2)
    assert (first.unit, second.unit) == ("ms", "s")
    assert first.rows[0].cells[0] is None
    assert second.rows[0].cells[1] is None


@pytest.mark.parametrize(
    "known",
    [
        None,
        MetricDef(name="time", unit="s", direction=MetricDirection.INFO),
        MetricDef(name="t", unit="s", direction=MetricDirection.LOWER, direction_source="unknown"),
    ],
)
def test_without_a_direction_nothing_is_best(known):
    assert not any(
        cell.best for cell in only_row([part(0, 1.0, known=known), part(1, 2.0, known=known)])
    )


def test_nor_where_the_runs_contradict_each_other():
    cells = only_row([part(0, 1.0), part(1, 2.0)], unsure=["time"])
    assert not any(cell.best or cell.ratio for cell in cells)


@pytest.mark.parametrize(("one", "other"), [(0.0, 1.0), (-1.0, 2.0), (-2.0, -1.0)])
def test_zero_and_less_have_a_best_and_no_ratio(one, other):
    left, right = only_row([part(0, one), part(1, other)])
    assert (left.best, left.ratio, right.ratio) == (True, None, None)


def test_a_cell_that_lacks_a_series_is_not_rated():
    row = ("bert",)
    whole, less = only_row(
        [part(0, 1.0, row=row, series=("a",)), part(0, 9.0, row=row, series=("b",)),
         part(1, 2.0, row=row, series=("a",))]
    )  # fmt: skip
    assert (whole.value, whole.best, whole.missing) == (5.0, True, 0)
    assert (less.value, less.best, less.ratio, less.missing) == (2.0, False, None, 1)

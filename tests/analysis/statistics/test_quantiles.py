"""Quartiles of rows against numpy's, row by row."""

from __future__ import annotations

import numpy as np
import pytest

from graven.analysis.statistics.quantiles import spread_of_rows


def test_rows_with_gaps_are_as_their_numbers_alone():
    draw = np.random.default_rng(2)
    rows = draw.normal(0, 1, (50, 12))
    rows[draw.random(rows.shape) < 0.3] = np.nan
    rows[0, :3] = np.inf, -np.inf, np.nan
    found = spread_of_rows(rows)
    for index, row in enumerate(rows):
        values = row[np.isfinite(row)]
        assert found.counts[index] == len(values)
        cuts = found.least, found.q1, found.median, found.q3, found.most
        assert [cut[index] for cut in cuts] == pytest.approx(
            np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
        )


def test_nothing_has_no_quartiles():
    found = spread_of_rows(np.full((2, 3), np.nan))
    assert found.counts.tolist() == [0, 0]
    assert np.isnan(found.median).all()
    assert np.isnan(spread_of_rows(np.empty((2, 0))).q1).all()

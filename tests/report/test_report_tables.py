"""A report as CSV."""

from __future__ import annotations

import csv
import io

from graven.report.tables import COLUMNS, render


def rows_of(report):
    return list(csv.DictReader(io.StringIO("".join(render(report)))))


def test_a_row_a_value(plain_report):
    rows = rows_of(plain_report)
    assert len(rows) == 6
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0] == {
        "run": "r0", "time": "2026-01-02T12:00:00+00:00", "branch": "main", "commit": "0" * 40,
        "origin": "measured", "scenario": "linalg", "point": "matmul", "tags": "n=10",
        "metric": "time", "value": "1.0", "lower": "0.9", "upper": "1.1", "unit": "s",
        "direction": "lower",
    }  # fmt: skip


def test_what_is_no_number_is_empty_and_origin_stands_beside(plain_report):
    *_, infinite, missing = rows_of(plain_report)
    assert (infinite["value"], infinite["lower"]) == ("inf", "")
    assert (missing["value"], missing["origin"]) == ("", "simulated")


def test_no_cell_is_a_formula(evil_report):
    for row in rows_of(evil_report):
        assert not any(text.startswith(("=", "+", "-", "@")) for text in row.values())
        assert row["point"].startswith("'=cmd()")


def test_without_runs_there_are_titles(empty_report):
    assert "".join(render(empty_report)) == ",".join(COLUMNS) + "\n"

"""A report as a workbook, read back by openpyxl."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime

import numpy as np
import openpyxl
import pytest

from graven.report import sheets, workbook


def book_of(report):
    file = io.BytesIO()
    workbook.write(report, file)
    return openpyxl.load_workbook(io.BytesIO(file.getvalue()))


def cells(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_values_are_numbers_under_titles_with_units(plain_report):
    book = book_of(plain_report)
    assert book.sheetnames == ["Overview", "Comparison", "Runs x Series", "Steps", "Environments"]
    sheet = book["Runs x Series"]
    titles, first, second, third = cells(sheet)
    assert titles[-2:] == ["linalg/matmul[n=10] time [s]", "linalg/matmul rate [ops/s]"]
    assert first[1] == datetime(2026, 1, 2, 12)
    assert first[-2:] == [1.0, 3.0]
    assert second[-1] == "infinite"
    assert third[6:] == ["simulated", None, 1.5, None]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:J4")
    assert sheet.column_dimensions["B"].width >= 19


def test_no_text_is_a_formula_or_a_link(evil_report):
    book = book_of(evil_report)
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    assert not any(cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row)
    assert book["Comparison"]["B2"].value.startswith("=cmd()")
    assert book["Steps"]["I2"].value == 1.0


def test_the_overview_says_what_is_left_out(evil_report):
    rows = cells(book_of(evil_report)["Overview"])
    assert [row[1] for row in rows if row[0] == "left out"][:2] == ["7 older runs", "1 series"]
    assert ["verdict regression", 1] in rows


def test_environments_that_differ_come_first(evil_report):
    rows = cells(book_of(evil_report)["Environments"])
    assert rows[3][1] is True


def test_a_long_text_is_cut_and_odd_characters_do_no_harm(plain_report):
    text = "x" * 40_000
    report = replace(plain_report, where=text, store="a\x07\ud800\ufffe")
    values = dict(cells(book_of(report)["Overview"]))
    assert len(values["runs chosen by"]) == sheets.MOST_CHARACTERS
    assert values["store"].startswith("a")


def test_more_series_than_columns(plain_report, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_COLUMNS", len(workbook.RUN_TITLES) + 1)
    book = book_of(plain_report)
    assert book["Runs x Series"].max_column == len(workbook.RUN_TITLES) + 1
    assert "1 series: Excel has 9 columns" in [row[1] for row in cells(book["Overview"])]


def test_more_runs_than_rows(plain_report, monkeypatch):
    for module in (sheets, workbook):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    report = replace(plain_report)
    assert workbook.left_out(report) == ["1 runs: Excel has 3 rows"]
    assert book_of(report)["Runs x Series"].max_row == 3


@pytest.mark.parametrize("which", ["empty", "plain"])
def test_the_same_report_is_the_same_bytes(which, plain_report, empty_report):
    report = empty_report if which == "empty" else plain_report
    first, second = io.BytesIO(), io.BytesIO()
    workbook.write(report, first)
    workbook.write(report, second)
    assert first.getvalue() == second.getvalue()


def test_nan_leaves_no_trace(plain_report):
    none = replace(plain_report.series[0], values=np.full(3, np.nan))
    book = book_of(replace(plain_report, series=(none,)))
    assert [row[-1] for row in cells(book["Runs x Series"])][1:] == [None] * 3

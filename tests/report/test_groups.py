"""Groups side by side as Markdown, CSV, JSON and a workbook."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime

import openpyxl
import pytest

from graven.analysis.grouping import Part, group_matrices
from graven.model import MetricDef, MetricDirection
from graven.report import groups
from graven.report.group_model import Group, GroupComparison

START = datetime(2026, 1, 2, 12, tzinfo=UTC)


def found(text=None, metric="time", unit="s"):
    """Two groups; the second is simulated, and has no second row."""
    name = text or "sort"
    known = MetricDef(name=metric, unit=unit, direction=MetricDirection.LOWER)
    parts = [
        Part(group=group, row=row, series=row, metric=metric, definition=known, values=values,
             origins={origin: len(values)}, run_id=text or f"r{group}", timestamp=START)
        for group, row, values, origin in (
            (0, (name, name, name), (1.5,), "measured"),
            (1, (name, name, name), (3.0, 4.0), "simulated"),
            (0, (name, name, name + "2"), (2.0,), "measured"),
        )
    ]  # fmt: skip
    labels = (text or "cpu", (text or "gpu") + " ")
    return GroupComparison(
        store=text or "store", made=START, field=text or "tag.hw", by=None, over="newest",
        where=text or "", model=text, runs=3,
        groups=tuple(Group(label=label, runs=1, newest=START) for label in labels),
        row_titles=("scenario", "point", "tags"), matrices=tuple(group_matrices(parts, 2)),
        left_out=(text,) if text else (),
    )  # fmt: skip


def test_markdown_has_a_table_a_metric():
    text = "".join(groups.markdown(found()))
    row = next(line for line in text.splitlines() if line.startswith("| <code>sort"))
    assert "**1.500 <code>s</code>**" in row
    assert "3.500 <code>s</code> <code>2&#46;33x</code> <code>of 2</code> <code>simulated" in row
    assert "| **2.000 <code>s</code>** |  |" in text


def test_csv_has_a_row_a_number():
    rows = list(csv.DictReader(io.StringIO("".join(groups.tables(found())))))
    assert [(row["group"], row["value"], row["origin"]) for row in rows] == [
        ("cpu", "1.5", "measured"), ("gpu ", "3.5", "simulated"), ("cpu", "2.0", "measured")
    ]  # fmt: skip
    assert rows[1]["best"] == "false"
    assert float(rows[1]["ratio"]) == pytest.approx(3.5 / 1.5)


def test_json_has_null_for_what_is_missing():
    document = json.loads("".join(groups.document(found())))
    assert document["schema"] == "graven.report-groups/1"
    assert document["matrices"][0]["rows"][1]["groups"]["gpu "] is None


def book_of(comparison):
    file = io.BytesIO()
    groups.write_workbook(comparison, file)
    return openpyxl.load_workbook(io.BytesIO(file.getvalue()))


def test_the_workbook_has_a_sheet_a_metric():
    book = book_of(found())
    assert book.sheetnames == ["Overview", "time  s", "Values"]
    titles, first, second = book["time  s"].iter_rows(values_only=True)
    assert titles[3:] == ("cpu [s]", "gpu  [s]", "origin")
    assert first[3:] == (1.5, 3.5, "gpu : simulated")
    assert second[3:] == (2.0, None, "measured")
    assert book["Values"].max_row == 4


def test_no_text_is_markup_or_a_formula(evil):
    comparison = found(evil, metric=evil, unit=evil)
    for line in "".join(groups.markdown(comparison)).splitlines():
        assert not set(re.sub(r"<code>[^<>`]*</code>", "", line)) & set("<>`@'=")
    for row in csv.reader(io.StringIO("".join(groups.tables(comparison)))):
        assert not any(text.startswith(("=", "+", "-", "@")) for text in row)
    book = book_of(comparison)
    assert {"f"}.isdisjoint(
        cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row
    )


@pytest.mark.parametrize(
    "metric", ["History", "Values", "overview", "a/b:c*", "''", "x" * 80, "\n", "x" * 30 + "'x"]
)
def test_every_metric_is_a_sheet(metric):
    assert len(book_of(found(metric=metric, unit="")).sheetnames) == 3

"""Groups side by side as Markdown, CSV and a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from graven.analysis.grouping import Cell, GroupMatrix, MatrixRow
from graven.report.group_model import GroupComparison
from graven.report.markdown import amount, table
from graven.report.numbers import scale_for
from graven.report.safe_text import code, harmless
from graven.report.sheets import Sheet, workbook
from graven.report.strict_json import dump
from graven.report.tables import lines, number

SCHEMA = "graven.report-groups/1"
MOST_ROWS = 200
"""Of a metric in Markdown; the csv has all."""
_FACTS = (
    "metric", "unit", "direction", "group", "value", "count", "series", "missing",
    "minimum", "maximum", "ratio", "best", "origin", "run", "time",
)  # fmt: skip
_NUMBERS = ("value", "count", "series", "missing", "minimum", "maximum", "ratio")
_SHEET_NAME = 31
_NOT_IN_A_NAME = str.maketrans("[]:*?/\\", "       ")


def markdown(found: GroupComparison) -> Iterator[str]:
    """The lines, each with its end: a table a metric."""
    for line in _lines(found):
        yield line + "\n"


def _lines(found: GroupComparison) -> Iterator[str]:
    by = f" and {code(found.by)}" if found.by else ""
    yield f"# {code(found.store)} by {code(found.field)}{by}"
    yield ""
    for text in headings(found):
        yield f"* {code(text)}"
    yield ""
    for matrix in found.matrices:
        yield f"## {code(matrix_title(matrix))}"
        yield ""
        titles = [code(title) for title in (*found.row_titles, *found.labels)]
        rows = ([*map(code, row.name), *_shown(row, matrix)] for row in matrix.rows[:MOST_ROWS])
        yield from table(titles, rows, "l" * len(found.row_titles) + "r")
        if len(matrix.rows) > MOST_ROWS:
            yield f"and {len(matrix.rows) - MOST_ROWS:,} more"
            yield ""


def headings(found: GroupComparison) -> Iterator[str]:
    """What was looked at, and what is left out, as sentences."""
    how = "the newest number of each series" if found.over == "newest" else "the median of all"
    yield f"{found.runs:,} runs, {len(found.groups):,} groups; shown is {how}"
    if found.model is not None:
        yield f"model: {found.model}"
    if found.where:
        yield f"runs chosen by: {found.where}"
    for text in found.left_out:
        yield f"left out: {text}"


def matrix_title(matrix: GroupMatrix) -> str:
    """``time [s], lower is better``."""
    unit = f" [{matrix.unit}]" if matrix.unit else ""
    ways = {"lower": ", lower is better", "higher": ", higher is better", "info": ""}
    way = ", direction unknown" if matrix.direction is None else ways[str(matrix.direction)]
    return f"{matrix.metric}{unit}{way}"


def _shown(row: MatrixRow, matrix: GroupMatrix) -> Iterator[str]:
    scale = scale_for([cell.value for cell in row.cells if cell is not None], matrix.unit)
    for cell in row.cells:
        if cell is None:
            yield ""
            continue
        text = amount(cell.value, scale)
        remarks = cell_remarks(cell)
        yield " ".join([f"**{text}**" if cell.best else text, *map(code, remarks)])


def cell_remarks(cell: Cell) -> list[str]:
    """What stands beside a number: how far from the best, of how many, where it comes from."""
    found = []
    if cell.ratio is not None and not cell.best:
        found.append(f"{cell.ratio:.2f}x")
    if cell.count > 1:
        found.append(f"of {cell.count:,}")
    if cell.missing:
        found.append(f"{cell.series:,} of {cell.series + cell.missing:,} series")
    if cell.origin != "measured":
        found.append(cell.origin)
    return found


def tables(found: GroupComparison) -> Iterator[str]:
    """CSV: a row for each cell that has a value."""
    count = len(found.row_titles)
    numbers = {count + _FACTS.index(name) for name in _NUMBERS}
    titles, *rows = (
        [text if at in numbers else harmless(text) for at, text in enumerate(row)]
        for row in rows_of(found)
    )
    return lines(titles, rows)


def rows_of(found: GroupComparison) -> Iterator[list[str]]:
    """Titles, then a row of texts for each cell that has a value; numbers with all digits."""
    yield [*found.row_titles, *_FACTS]
    for matrix in found.matrices:
        way = "" if matrix.direction is None else str(matrix.direction)
        for row in matrix.rows:
            for label, cell in zip(found.labels, row.cells, strict=True):
                if cell is not None:
                    yield [
                        *row.name, matrix.metric, matrix.unit or "", way, label,
                        number(cell.value), str(cell.count), str(cell.series),
                        str(cell.missing), number(cell.minimum),
                        number(cell.maximum), number(cell.ratio),
                        "true" if cell.best else "false", cell.origin, cell.run_id,
                        cell.timestamp.isoformat(),
                    ]  # fmt: skip


def document(found: GroupComparison) -> Iterator[str]:
    """Strict JSON."""
    yield dump({"schema": SCHEMA, **found.to_dict()}) + "\n"


def write_workbook(found: GroupComparison, file: BinaryIO) -> None:
    """A sheet with all cells and what they stand for, and a matrix a metric.

    Raises:
        InvalidInput: the extra ``xlsx`` is not installed.
    """
    with workbook(file, found.made, f"{found.store} by {found.field}") as book:
        _overview(book, found)
        names = {"overview", "values"}
        for matrix in found.matrices:
            _matrix(book, found, matrix, _sheet_name(matrix_title(matrix), names))
        _values(book, found)


def _overview(book: Any, found: GroupComparison) -> None:
    sheet = Sheet(book, "Overview", ("", "value"), widths=(24, 60))
    asked = (("store", found.store), ("groups by", found.field), ("rows by", found.by),
             ("runs chosen by", found.where or None), ("model", found.model),
             ("over", found.over), ("made (UTC)", found.made), ("runs", found.runs))  # fmt: skip
    for name, value in asked:
        sheet.add(name, value)
    for group in found.groups:
        sheet.add(f"runs of {group.label}", group.runs)
    for text in found.left_out:
        sheet.add("left out", text)


def _matrix(book: Any, found: GroupComparison, matrix: GroupMatrix, name: str) -> None:
    unit = f" [{matrix.unit}]" if matrix.unit else ""
    titles = [*found.row_titles, *(f"{label}{unit}" for label in found.labels), "origin"]
    sheet = Sheet(book, name, titles, frozen=len(found.row_titles),
                  widths=[24] * len(found.row_titles))  # fmt: skip
    sheet.style("best", bold=True)
    # Not by colour: what is not measured is told by slant too.
    sheet.style("other", italic=True, font_color="#7a5195")
    for row in matrix.rows:
        cells = [None if cell is None else (cell.value, _style(cell)) for cell in row.cells]
        told = [f"{label}: {cell.origin}" for label, cell in
                zip(found.labels, row.cells, strict=True)
                if cell is not None and cell.origin != "measured"]  # fmt: skip
        sheet.add(*row.name, *cells, "; ".join(told) or "measured")
    sheet.done()


def _style(cell: Cell) -> str:
    if cell.origin != "measured":
        return "other"
    return "best" if cell.best else ""


def _values(book: Any, found: GroupComparison) -> None:
    sheet = Sheet(book, "Values", (*found.row_titles, *_FACTS), frozen=0)
    for matrix in found.matrices:
        way = None if matrix.direction is None else str(matrix.direction)
        for row in matrix.rows:
            for label, cell in zip(found.labels, row.cells, strict=True):
                if cell is not None:
                    sheet.add(
                        *row.name, matrix.metric, matrix.unit, way, label, cell.value,
                        cell.count, cell.series, cell.missing, cell.minimum, cell.maximum,
                        cell.ratio, cell.best, cell.origin, cell.run_id, cell.timestamp,
                    )  # fmt: skip
    sheet.done()


def _sheet_name(title: str, taken: set[str]) -> str:
    """What Excel takes for a name, and nobody has yet."""
    plain = "".join(char if char.isprintable() else " " for char in title)
    stem = plain.translate(_NOT_IN_A_NAME).partition(",")[0].strip(" '")
    stem = stem[:_SHEET_NAME].rstrip(" '") or "metric"
    name, count = stem, 1
    while name.lower() in taken or name.lower() == "history":  # Excel keeps that one to itself
        count += 1
        name = f"{stem[: _SHEET_NAME - len(str(count)) - 1]} {count}"
    taken.add(name.lower())
    return name

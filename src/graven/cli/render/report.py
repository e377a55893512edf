"""Groups side by side in a terminal, and what is said of a report that was written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from graven.cli.render.blocks import Span, Table
from graven.cli.render.units import format_number, scale_for
from graven.report.groups import cell_remarks, headings, matrix_title, rows_of

if TYPE_CHECKING:
    from graven.analysis.grouping import Cell, GroupMatrix, MatrixRow
    from graven.cli.output import Output
    from graven.report.group_model import GroupComparison


def show_groups(out: Output, found: GroupComparison) -> None:
    """A table a metric, the best of a row in colour without a ratio; for pipes a line a cell."""
    if out.human:
        _show_matrices(out, found)
    else:
        titles, *rows = rows_of(found)
        table = Table(*titles)
        for row in rows:
            table.add(*row)
        out.table(table)
    if not found.matrices:
        out.note("nothing to compare: no value has such a label")
    for text in headings(found):
        out.note(text)


def _show_matrices(out: Output, found: GroupComparison) -> None:
    for matrix in found.matrices:
        out.line((matrix_title(matrix), "strong"))
        titles = [f"*{title}" for title in found.row_titles]
        table = Table(*titles, *(f">{label}" for label in found.labels))
        for row in matrix.rows:
            table.add(*row.name, *_cells(row, matrix))
        if found.by is None:
            _drop_empty_names(table, len(found.row_titles))
        out.table(table)
        out.line("")


def _drop_empty_names(table: Table, count: int) -> None:
    """Scenario and tags that no row has; a group without values stays in sight."""
    empty = [at for at in range(count) if not any(row[at] for row in table.rows)]
    for at in reversed(empty):
        for columns in (table.titles, table.right, table.folds, table.cuts, *table.rows):
            del columns[at]  # type: ignore[attr-defined]  # lists of unlike things, all as long


def _cells(row: MatrixRow, matrix: GroupMatrix) -> Iterable[list[Span] | str]:
    scale = scale_for([cell.value for cell in row.cells if cell is not None], matrix.unit)
    for cell in row.cells:
        yield "" if cell is None else [*_number(cell, format_number(cell.value, scale))]


def _number(cell: Cell, text: str) -> Iterable[Span]:
    yield (text, "good" if cell.best else "")
    for remark in cell_remarks(cell):
        yield (f" {remark}", "warn" if remark == cell.origin else "dim")

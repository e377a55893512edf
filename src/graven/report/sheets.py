"""Sheets of a workbook, written a row at a time: texts are texts, and Excel's limits hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO

from graven.report.safe_text import whole
from graven.store.extras import need

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
MOST_CHARACTERS = 32_767
_OLDEST = datetime(1900, 3, 1, tzinfo=UTC)  # Excel counts a day that 1900 did not have
_WIDEST = 60


@contextmanager
def workbook(file: BinaryIO, made: datetime, title: str) -> Iterator[Any]:
    """A workbook that is written to ``file``; a row at a time is in memory.

    Raises:
        InvalidInput: the extra ``xlsx`` is not installed.
    """
    xlsxwriter = need("xlsxwriter", "xlsx", "a workbook")
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            # A text of a store is text, whatever it looks like.
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": cut(title)[:255], "created": made.replace(tzinfo=None)})
    try:
        yield book
    finally:
        book.close()


class Sheet:
    """A table on a sheet of its own: titles stay in sight and filter.

    Attributes:
        rows_left_out, cells_cut: what Excel has no room for.
    """

    def __init__(
        self, book: Any, name: str, titles: Sequence[str], *, frozen: int = 1, widths: Any = ()
    ) -> None:
        self._sheet = book.add_worksheet(name)
        self._bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._styles: dict[str, Any] = {}
        self._book = book
        self.titles = list(titles)[:MOST_COLUMNS]
        self.row = 0
        self.rows_left_out = 0
        self.cells_cut = 0
        for at, title in enumerate(self.titles):
            width = widths[at] if at < len(widths) else min(max(len(title), 12), 24)
            self._sheet.set_column(at, at, min(width, _WIDEST))
        self._sheet.freeze_panes(1, frozen)
        self._line([(title, "bold") for title in self.titles])

    def add(self, *cells: Any) -> None:
        """A row: numbers, texts, aware times, None; or (cell, style) with a style of `style`."""
        if self.row >= MOST_ROWS:
            self.rows_left_out += 1
            return
        self._line(cells[:MOST_COLUMNS])

    def style(self, name: str, **how: Any) -> None:
        """Name a format for cells."""
        self._styles[name] = self._book.add_format(how)

    def done(self) -> None:
        """Say which cells the filter is for; after the last row."""
        if self.titles and self.row > 1:
            self._sheet.autofilter(0, 0, self.row - 1, len(self.titles) - 1)

    def _line(self, cells: Sequence[Any]) -> None:
        for at, cell in enumerate(cells):
            value, style = cell if isinstance(cell, tuple) else (cell, "")
            if value is not None:
                self._write(at, value, self._bold if style == "bold" else self._styles.get(style))
        self.row += 1

    def _write(self, at: int, value: Any, style: Any) -> None:
        sheet, row = self._sheet, self.row
        if isinstance(value, bool):
            sheet.write_boolean(row, at, value, style)
        elif isinstance(value, (int, float)) and math.isfinite(value):
            sheet.write_number(row, at, value, style)
        elif isinstance(value, float):
            if not math.isnan(value):  # Excel has no number for it
                sheet.write_string(row, at, "infinite" if value > 0 else "-infinite", style)
        elif isinstance(value, datetime) and value >= _OLDEST:
            naive = value.astimezone(UTC).replace(tzinfo=None)
            sheet.write_datetime(row, at, naive, style or self._time)
        else:
            text = value.isoformat() if isinstance(value, datetime) else whole(str(value))
            self.cells_cut += len(text) > MOST_CHARACTERS
            sheet.write_string(row, at, cut(text), style)


def cut(text: str) -> str:
    """``text`` as long as a cell may be."""
    text = whole(text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"

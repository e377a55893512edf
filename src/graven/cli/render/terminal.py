"""For people at a terminal: aligned, coloured, folded to its width."""

from __future__ import annotations

from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from graven.cli.render.blocks import Span, Table, spans_of
from graven.cli.render.text import clean
from graven.cli.render.widths import Column, fitted

GAP = 2  # between columns
INDENT = 3  # of what stands below its name
MOST_LINES = 2  # of a cell in a row
_STYLES = {
    "good": "green",
    "bad": "bold red",
    "warn": "yellow",
    "dim": "dim",
    "strong": "bold",
    "id": "yellow",
    "ref": "bold cyan",
    "": "",
}


class TerminalWriter:
    """Lays out with rich; markup and highlighting are off, text is data."""

    def __init__(self, stream: TextIO, colored: bool) -> None:
        self._console = Console(
            file=stream,
            force_terminal=True,
            color_system="auto" if colored else None,
            no_color=not colored,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def line(self, *spans: Span | str) -> None:
        """One line, folded at words."""
        pieces = [piece for span in spans for piece in spans_of(span)]
        self._console.print(_text(pieces), soft_wrap=False)

    def table(self, table: Table) -> None:
        """All rows, columns aligned."""
        if not table.rows:
            return
        widths = self._widths(table, self._console.width)
        name = table.names.index(True) if any(table.names) else None
        if name is not None and _is_tall(table, widths):
            self._stacked(table, name)
        else:
            self._console.print(self._laid_out(table, widths, titles=any(table.titles)))

    def _stacked(self, table: Table, name: int) -> None:
        """Each row as a line with its name, and one with the rest."""
        rest = table.part(name + 1)
        widths = self._widths(rest, self._console.width - INDENT)
        only_titles = rest.part(0)
        only_titles.rows = [[(title, "dim") for title in rest.titles]]
        self._indented(self._laid_out(only_titles, widths, titles=False))
        for row, cells in zip(table.rows, rest.rows, strict=True):
            pieces = [piece for cell in row[:name] for piece in (*spans_of(cell), (" ", ""))]
            named = _text([*pieces, *spans_of(row[name])])
            if named.plain.strip():
                self._console.print(named, soft_wrap=True)  # copied, it is still one name
            one = rest.part(0)
            one.rows = [cells]
            self._indented(self._laid_out(one, widths, titles=False))

    def _indented(self, rich: RichTable) -> None:
        self._console.print(Padding(rich, (0, 0, 0, INDENT), expand=False))

    def _laid_out(self, table: Table, widths: list[int], *, titles: bool) -> RichTable:
        rich = RichTable(
            box=None,
            pad_edge=False,
            padding=(0, GAP, 0, 0),
            show_header=titles,
            header_style="dim",
        )
        for title, right, folds, width in zip(
            table.titles, table.right, table.folds, widths, strict=True
        ):
            rich.add_column(
                title,
                justify="right" if right else "left",
                no_wrap=not folds,
                overflow="fold" if folds else "ellipsis",
                width=width,
            )
        dots = "..." if self._console.options.ascii_only else "…"
        for row in table.rows:
            rich.add_row(
                *(
                    _cut(_text(spans_of(cell)), width, dots) if cuts else _text(spans_of(cell))
                    for cell, cuts, width in zip(row, table.cuts, widths, strict=True)
                )
            )
        return rich

    def _widths(self, table: Table, room: int) -> list[int]:
        """Of each column; rich's own would break the words of all columns alike."""
        columns = [
            Column.of([title, *(_text(spans_of(row[index])).plain for row in table.rows)],
                      folds=folds or cuts)
            for index, (title, folds, cuts) in enumerate(
                zip(table.titles, table.folds, table.cuts, strict=True))
        ]  # fmt: skip
        return fitted(columns, room - GAP * (len(columns) - 1))


def _is_tall(table: Table, widths: list[int]) -> bool:
    """Whether some cell would go over more lines than a reader takes in at once."""
    return any(
        sum(cell_len(text) for text, _ in spans_of(cell)) > MOST_LINES * width
        for row in table.rows
        for cell, width, folds in zip(row, widths, table.folds, strict=True)
        if folds
    )


def _cut(text: Text, width: int, dots: str) -> Text:
    """The end of ``text`` in so many columns: of a path the part that tells files apart."""
    if text.cell_len <= width:
        return text
    while text and text.cell_len > width - len(dots):
        text = text[1:]
    return Text(dots) + text


def _text(spans: list[Span]) -> Text:
    text = Text()
    for content, style in spans:
        text.append(clean(content), style=_STYLES[style])
    return text

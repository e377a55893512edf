"""Text to be laid out: spans with a meaning, tables. What they look like is a writer's matter."""

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from typing import Protocol

    class Writer(Protocol):
        """Lays blocks out on a stream."""

        def line(self, *spans: "Span | str") -> None:
            """One line; spans follow each other without a space."""

        def table(self, table: "Table") -> None:
            """All rows of a table."""


Span = tuple[str, str]
"""(text, style); styles: good, bad, warn, dim, strong, id, ref, or empty for none."""

Cell = "str | Span | list[Span]"


class Table:
    """Rows of cells under titled columns.

    Args:
        columns: titles; one that begins with ``>`` is aligned right, with ``*`` may be
            folded where the terminal is narrow, with ``<`` is cut there at its beginning. The
            one with ``^`` names the row: it is folded too, and where that would make it a tall
            pile of letters it has a line of its own above the others.
        header: whether pipes get the titles too (people always do, where there are any).
    """

    def __init__(self, *columns: str, header: bool = True) -> None:
        self.titles = [column.lstrip("<>*^") for column in columns]
        self.right = [column.startswith(">") for column in columns]
        self.folds = [column.startswith(("*", "^")) for column in columns]
        self.names = [column.startswith("^") for column in columns]
        self.cuts = [column.startswith("<") for column in columns]
        self.header = header
        self.rows: list[list[str | Span | list[Span]]] = []

    def add(self, *cells: "str | Span | list[Span]") -> None:
        """Add a row; cells that are missing stay empty."""
        self.rows.append([*cells, *[""] * (len(self.titles) - len(cells))])

    def drop_empty(self) -> "Table":
        """Leave out the columns that no row has anything in."""
        keep = [i for i in range(len(self.titles)) if any(_has_text(row[i]) for row in self.rows)]
        self.titles = [self.titles[i] for i in keep]
        self.right = [self.right[i] for i in keep]
        self.folds = [self.folds[i] for i in keep]
        self.cuts = [self.cuts[i] for i in keep]
        self.names = [self.names[i] for i in keep]
        self.rows = [[row[i] for i in keep] for row in self.rows]
        return self

    def part(self, start: int, stop: int | None = None) -> "Table":
        """Some of the columns, as a table of its own."""
        table = Table(header=self.header)
        table.titles = self.titles[start:stop]
        table.right, table.folds = self.right[start:stop], self.folds[start:stop]
        table.cuts, table.names = self.cuts[start:stop], self.names[start:stop]
        table.rows = [row[start:stop] for row in self.rows]
        return table


def _has_text(cell: "str | Span | list[Span]") -> bool:
    return any(text for text, _ in spans_of(cell))


def spans_of(cell: "str | Span | list[Span]") -> "list[Span]":
    """A cell as spans."""
    if isinstance(cell, str):
        return [(cell, "")]
    return [cell] if isinstance(cell, tuple) else cell

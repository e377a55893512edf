"""For pipes and files: tabs between columns, nothing shortened, no escape codes."""

from graven.cli.render.blocks import spans_of
from graven.cli.render.text import clean

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from typing import TextIO

    from graven.cli.render.blocks import Span, Table


class PlainWriter:
    """Writes each block as it comes, so that a long answer needs no memory."""

    def __init__(self, stream: "TextIO") -> None:
        self._stream = stream

    def line(self, *spans: "Span | str") -> None:
        """One line."""
        text = "".join(clean(text) for span in spans for text, _ in spans_of(span))
        self._stream.write(text.rstrip() + "\n")

    def table(self, table: "Table") -> None:
        """One line a row; titles first where the table says so."""
        if table.header and table.rows:
            self._stream.write("\t".join(title or "-" for title in table.titles) + "\n")
        for row in table.rows:
            cells = ("".join(clean(text) for text, _ in spans_of(cell)) for cell in row)
            self._stream.write("\t".join(cells) + "\n")

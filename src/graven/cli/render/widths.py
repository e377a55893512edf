"""How wide the columns of a table are where the terminal is narrower than the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

LEAST = 8  # a column that may be folded is not made narrower than this


@dataclass(frozen=True, slots=True)
class Column:
    """What one column needs.

    Attributes:
        whole: width of its widest cell.
        phrase: width of what stands between two commas, at most.
        word: width of its widest word.
        folds: whether its cells may go on in the next line.
    """

    whole: int
    phrase: int
    word: int
    folds: bool

    @staticmethod
    def of(cells: Sequence[str], *, folds: bool) -> Column:
        """Measure ``cells``, the title among them."""
        phrases = [part for cell in cells for part in _with_ends(cell.split(", "))]
        words = [word for cell in cells for word in cell.split()]
        return Column(
            whole=max(map(cell_len, cells), default=0),
            phrase=max(map(cell_len, phrases), default=0),
            word=max(map(cell_len, words), default=0),
            folds=folds,
        )


def _with_ends(parts: list[str]) -> list[str]:
    """The comma stays with what stands before it."""
    return [part + "," for part in parts[:-1]] + parts[-1:]


def fitted(columns: Sequence[Column], room: int) -> list[int]:
    """Widths that together take ``room``, or as little as can be.

    First what explains (the last columns) is folded at its commas, then what names (the
    first) at its words; a word is broken only where nothing else is left.
    """
    widths = [column.whole for column in columns]
    foldable = [index for index, column in enumerate(columns) if column.folds]
    for least, order in (("phrase", foldable[::-1]), ("word", foldable)):
        for index in order:
            excess = sum(widths) - room
            if excess > 0:
                floor = max(getattr(columns[index], least), LEAST)
                widths[index] = max(min(widths[index], floor), widths[index] - excess)
    while sum(widths) > room:
        widest = max(foldable, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= LEAST:
            return widths
        # Down to the next widest at once: one cell at a time would be slow for long names.
        now = widths[widest]
        lower = max((widths[i] for i in foldable if widths[i] < now), default=now - 1)
        step = min(sum(widths) - room, now - max(lower, LEAST))
        widths[widest] -= max(step, 1)
    return widths

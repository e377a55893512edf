"""A place in a line of text, for an error that points at it."""

from graven.cli.render.text import clean

_SHOWN = 76
_BEFORE = 40


def point_at(text: str, column: int, width: int) -> tuple[str, str]:
    """The text, cut to a line, and carets below ``width`` characters from ``column`` (from 1)."""
    start = min(max(0, column - 1), len(text))
    first = max(0, start - _BEFORE) if len(text) > _SHOWN else 0
    cut = text[first : first + _SHOWN]
    before = ("..." if first else "") + clean(cut[: start - first])
    marked = clean(cut[start - first : start - first + width])
    after = clean(cut[start - first + width :]) + ("..." if first + _SHOWN < len(text) else "")
    return before + marked + after, " " * len(before) + "^" * max(1, len(marked))

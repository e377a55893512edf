"""Numbers, bytes and spans as people read them in a terminal."""

from __future__ import annotations

from graven.cli.render.text import plural
from graven.report.numbers import BYTES, Scale, format_number, human, percent, scale_for

__all__ = [
    "Scale", "count_and_size", "format_number", "human", "percent", "scale_for", "size", "span",
]  # fmt: skip


def size(count: int) -> str:
    """Bytes: ``714 B``, ``4.1 MiB``."""
    if count < 1024:
        return f"{count} B"
    divisor, unit = next(step for step in BYTES if count >= step[0])
    return f"{count / divisor:.1f} {unit}"


def span(seconds: int) -> str:
    """A whole span in the largest unit that says it exactly: ``24 hours``, ``7 days``."""
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if (seconds >= 2 * length and seconds % length == 0) or seconds == length == 3_600:
            return plural(seconds // length, unit)
    return plural(seconds, "second")


def count_and_size(count: int, what: str, total: int) -> str:
    """``12 packs, 4.1 MiB``."""
    return f"{plural(count, what)}, {size(total)}"

"""Errors that point at the column, and the nearest known name."""

from __future__ import annotations

from collections.abc import Collection

from graven.errors import InvalidInput

SHOWN = 5
_MANY = 2000  # names to look through; a hint is not worth more


def query_error(
    text: str,
    start: int,
    end: int,
    message: str,
    *,
    hint: str | None = None,
    kind: str = "bad-query",
) -> InvalidInput:
    """An error about ``text[start:end]``; its fields say where, columns count from 1."""
    return InvalidInput(
        f"{message} (column {start + 1})",
        kind=kind,
        hint=hint,
        query=text,
        column=start + 1,
        width=max(1, end - start),
    )


def nearest(name: str, known: Collection[str], *, shown: int = SHOWN) -> str | None:
    """A hint that names what is near, or ``shown`` of what there is; None where nothing is."""
    from difflib import get_close_matches

    folded = {one.lower(): one for one in sorted(known)[:_MANY]}
    near = get_close_matches(name.lower(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]!r}?"
    listed = ", ".join(one if one.strip() else repr(one) for one in sorted(known)[:shown])
    more = f" and {len(known) - shown:,} more" if len(known) > shown else ""
    return f"there is {listed}{more}" if listed else None

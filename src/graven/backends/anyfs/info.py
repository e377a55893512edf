"""What fsspec filesystems say of a file, each in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from graven import clock
from graven.errors import InvalidInput

_TIMES = (
    "mtime",
    "modified",
    "last_modified",
    "LastModified",
    "updated",
    "modify",
    "modificationTime",
    "created",
)
_MILLISECONDS = 1e11  # a number above this counts milliseconds, unless it is the year 5138


def size_of(info: Mapping[str, Any]) -> int | None:
    """The size in bytes, if it was said."""
    size = info.get("size")
    return None if size is None else int(size)


def modified_ms(info: Mapping[str, Any]) -> int:
    """When it was written, in milliseconds since 1970; 0 where nothing is said."""
    for name in _TIMES:
        value = info.get(name)
        if value is not None and value != "":
            found = _time_ms(value)
            if found is not None:
                return found
    return 0


def _time_ms(value: object) -> int | None:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return clock.micros(moment) // 1000
    if isinstance(value, (int, float)):
        return int(value if value > _MILLISECONDS else value * 1000)
    if isinstance(value, str):
        return _text_ms(value)
    return None


def _text_ms(text: str) -> int | None:
    """ISO 8601, or the digits of FTP (``20261121093000.5``), both in UTC if they do not say."""
    if text[:14].isdigit():
        text = f"{text[:8]}T{text[8:]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return _time_ms(moment)
    except (InvalidInput, OverflowError):
        return None

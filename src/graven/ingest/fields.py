"""Reading JSON that others wrote: every failure names the field, with its path."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from graven import clock
from graven.errors import InvalidInput
from graven.ingest.source import Source
from graven.model.reading import (
    fail,
    read_list,
    read_map,
    read_number,
    read_numbers,
    read_text,
    show,
)

MAX_SAMPLES = 4096  # of one metric: 32 KiB; more are thinned out evenly
MAX_DEPTH = 40  # of foreign maps that are kept as they come
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # what msgpack holds


def below(where: str, key: str) -> str:
    """The path of a field."""
    return f"{where}.{key}" if where else key


def need(record: Mapping[str, Any], key: str, where: str = "") -> Any:
    """The value of a field that must be there."""
    if key not in record:
        fail(below(where, key), "is missing")
    return record[key]


def need_text(record: Mapping[str, Any], key: str, where: str = "") -> str:
    """A text that must be there and say something."""
    text = read_text(need(record, key, where), below(where, key))
    if not text:
        fail(below(where, key), "is empty")
    return text


def maybe_text(record: Mapping[str, Any], key: str, where: str = "") -> str | None:
    """A text, or None where it is missing, null or empty."""
    value = record.get(key)
    return None if value is None else read_text(value, below(where, key)) or None


def maybe_map(record: Mapping[str, Any], key: str, where: str = "") -> dict[str, Any]:
    """A map, empty where it is missing or null."""
    value = record.get(key)
    return {} if value is None else read_map(value, below(where, key))


def maybe_list(record: Mapping[str, Any], key: str, where: str = "") -> Sequence[Any]:
    """A list, empty where it is missing or null."""
    value = record.get(key)
    return [] if value is None else read_list(value, below(where, key))


def maybe_number(record: Mapping[str, Any], key: str, where: str = "") -> float | None:
    """A number, or None where it is missing or null."""
    value = record.get(key)
    return None if value is None else read_number(value, below(where, key))


def maybe_numbers(record: Mapping[str, Any], key: str, where: str = "") -> tuple[float, ...] | None:
    """Numbers, or None where they are missing, null or none."""
    value = record.get(key)
    return None if value is None else read_numbers(value, below(where, key)) or None


def maybe_flag(record: Mapping[str, Any], key: str, where: str = "") -> bool | None:
    """True, False, or None where it is missing or null."""
    value = record.get(key)
    if value is not None and not isinstance(value, bool):
        fail(below(where, key), f"expected true or false, got {show(value)}")
    return value


def text_form(value: Any, where: str) -> str:
    """A parameter's value as a tag: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return read_text(value, where)
    try:
        return read_text(json.dumps(value, ensure_ascii=False, sort_keys=True), where)
    except (RecursionError, ValueError):
        fail(where, "has no text form")


def read_moment(value: object, where: str, *, zone_known: bool = False) -> datetime:
    """An ISO time; without an offset it is UTC if ``zone_known``, else local time."""
    text = read_text(value, where)
    try:
        if zone_known:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return clock.parse_time(text)
    except InvalidInput as error:
        fail(where, error.message)
    except ValueError:
        fail(where, f"not an ISO 8601 time: {show(text)}")


def has_zone(text: str) -> bool:
    """Whether an ISO time carries its offset."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def read_epoch_ms(value: object, where: str) -> datetime:
    """A time in milliseconds since 1970."""
    number = read_number(value, where)
    if not math.isfinite(number):
        fail(where, f"not a time: {show(value)}")
    try:
        return clock.micros_to_datetime(round(number * 1000))
    except OverflowError:
        fail(where, f"time out of range: {show(value)}")


def thin(samples: tuple[float, ...], source: Source) -> tuple[float, ...]:
    """At most `MAX_SAMPLES`, evenly taken, in the order measured; the source is told what goes."""
    count = len(samples)
    if count <= MAX_SAMPLES:
        return samples
    source.thinned.append(count)
    return tuple(samples[i * count // MAX_SAMPLES] for i in range(MAX_SAMPLES))


def tidy(value: Any, where: str, notes: list[str], depth: int = 0) -> Any:
    """A foreign value as a store can keep it.

    Integers beyond 64 bits become text and lone surrogates escapes, each with a note.

    Raises:
        InvalidInput: nested too deeply.
    """
    if isinstance(value, str):
        return _tidy_text(value, where, notes)
    if value is None or isinstance(value, (bool, float)):
        return value
    if depth > MAX_DEPTH:
        fail(where, f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, int):
        if _INT_MIN <= value <= _INT_MAX:
            return value
        notes.append(f"{where}: an integer beyond 64 bits is kept as text")
        return hex(value) if value.bit_length() > 10_000 else str(value)
    if isinstance(value, Mapping):
        return {
            _tidy_text(k, where, notes): tidy(v, below(where, k), notes, depth + 1)
            for k, v in value.items()
        }
    return [tidy(item, f"{where}[{i}]", notes, depth + 1) for i, item in enumerate(value)]


def _tidy_text(text: str, where: str, notes: list[str]) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        notes.append(f"{where.encode('ascii', 'replace').decode()}: a lone surrogate is escaped")
        return text.encode("utf-8", "backslashreplace").decode()
    return text

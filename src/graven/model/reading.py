"""Checks shared by the ``from_dict`` methods: each failure names the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from graven.errors import InvalidInput

MAX_EXACT_INT = 2**53  # every integer up to here is a float64; above, only some are


def fail(where: str, problem: str, hint: str | None = None) -> NoReturn:
    """Raise `InvalidInput` about the field ``where``."""
    raise InvalidInput(f"{where}: {problem}", kind="bad-field", hint=hint, field=where)


def show(value: object) -> str:
    """A value as it appears in an error: short, and with its type."""
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:37] + '...'} ({type(value).__name__})"


def read_number(value: object, where: str) -> float:
    """A float from a JSON number; ``True`` and text are not numbers.

    Raises:
        InvalidInput: not a number, or an integer that float64 cannot hold exactly.
    """
    if type(value) is float:
        return value
    if isinstance(value, bool):
        fail(where, f"expected a number, got {show(value)}")
    if isinstance(value, int):
        try:
            as_float = float(value)
        except OverflowError:
            as_float = float("inf")
        if as_float != value:
            fail(
                where,
                f"integer {show(value)} does not fit a float64 without rounding",
                "round it where it is measured, or keep it as text in the metadata",
            )
        return as_float
    if isinstance(value, float):
        return float(value)
    item = getattr(value, "item", None)  # an array scalar (numpy, jax, torch)
    if callable(item):
        scalar = item()
        if isinstance(scalar, (bool, int, float)):
            return read_number(scalar, where)
    fail(where, f"expected a number, got {show(value)}")


def read_optional_number(value: object, where: str) -> float | None:
    """`read_number`, with None passed through."""
    return None if value is None else read_number(value, where)


def read_numbers(value: object, where: str) -> tuple[float, ...]:
    """A tuple of floats from a JSON list."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        fail(where, f"expected a list of numbers, got {show(value)}")
    if all(type(item) is float for item in value):
        return tuple(value)
    return tuple(read_number(item, f"{where}[{i}]") for i, item in enumerate(value))


def read_text(value: object, where: str) -> str:
    """A str; lone surrogates are refused since no file could hold them."""
    if not isinstance(value, str):
        fail(where, f"expected text, got {show(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            fail(where, "text holds a lone surrogate, which UTF-8 cannot write")
    return str.__str__(value)  # an enum's own str() may be its name


def read_optional_text(value: object, where: str) -> str | None:
    """`read_text`, with None passed through."""
    return None if value is None else read_text(value, where)


def read_tags(value: object, where: str) -> dict[str, str]:
    """A map of text to text."""
    if not isinstance(value, Mapping):
        fail(where, f"expected a map of text to text, got {show(value)}")
    return {read_text(k, f"{where} key"): read_text(v, f"{where}.{k}") for k, v in value.items()}


def read_map(value: object, where: str) -> dict[str, Any]:
    """A map whose keys are text; values are checked when the run is encoded."""
    if not isinstance(value, Mapping):
        fail(where, f"expected a map, got {show(value)}")
    for key in value:
        read_text(key, f"{where} key")
    return dict(value)


def read_list(value: object, where: str) -> Sequence[Any]:
    """A list (not text, which is a sequence too)."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        fail(where, f"expected a list, got {show(value)}")
    return value


def plain(value: object, where: str, depth: int = 0) -> Any:
    """``value`` as JSON-ready data; array scalars become numbers.

    Raises:
        TypeError: a value JSON has no form for (complex, a custom object), as calibrax raises.
        InvalidInput: nested too deeply.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if depth > 60:
        fail(where, "nested more than 60 levels deep")
    if isinstance(value, Mapping):
        record = {_key(k): plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
        if len(record) != len(value):
            fail(where, "keys that are equal as text")
        return record
    if isinstance(value, (list, tuple)):
        return [plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "size", 1) == 1:
        scalar = item()
        if isinstance(scalar, (bool, int, float, str)):
            return scalar
    raise TypeError(f"{where}: {show(value)} has no JSON form")


def _key(key: object) -> str:
    return str.__str__(key) if isinstance(key, str) else str(key)

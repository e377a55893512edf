"""Which operators a field takes, and its values as they are compared."""

from __future__ import annotations

import math
import re
from datetime import datetime

from graven.errors import InvalidInput
from graven.query import moments
from graven.query.lexer import Token
from graven.query.spelling import query_error
from graven.query.terms import FIELDS, FLAG, NAME, NUMBER, ORDER, PREFIX, TEXT, TIME, Field, Literal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")  # longer ones might not fit 64 bits: floats hold them
_INFINITE = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}
_WITH_UNIT = re.compile(r"[+-]?[0-9.]+(?:ns|us|µs|ms|s|m|h|d|w|B|KiB|MiB|GiB|k|M|G|%)")
_FLAGS = {"true": 1, "yes": 1, "false": 0, "no": 0}


def number_of(text: str) -> int | float | None:
    """The number that a word is; None for other words, and for what no float64 can be near."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        number = float(text)
        return None if math.isinf(number) else number
    return _INFINITE.get(text.lower())


def kind_of(field: Field) -> str:
    """What a field holds, by the words of `terms`; a metric holds numbers."""
    if field.key is None:
        return FIELDS[field.name]
    return NUMBER if field.name == "metric" else "any"


def check_operator(text: str, field: Field, operator: str, token: Token) -> None:
    """Refuse an operator that the field has no meaning for.

    Raises:
        InvalidInput: points at it, and says which there are.
    """
    kind = kind_of(field)
    problem = None
    if operator in ORDER and kind in (TEXT, PREFIX, NAME, FLAG):
        problem, hint = f"{field} has no order", "it takes = != in (...) exists"
        hint += "" if kind == FLAG else " ~ !~"
    elif operator == "~" and kind in (NUMBER, TIME, FLAG):
        problem, hint = f"{field} is no text that a pattern could fit", "it takes = != < <= > >="
    elif operator == "=" and kind == TIME:
        problem, hint = "no two times are equal", "it takes < <= > >="
    if problem is not None:
        raise query_error(text, token.start, token.end, problem, hint=hint)


def read_value(text: str, field: Field, operator: str, token: Token, now: datetime) -> Literal:
    """The value that a word is to this field.

    Raises:
        InvalidInput: not what the field holds.
    """
    said = token.said
    number = None if token.quoted else number_of(said)
    literal = Literal(said, number, token.quoted, token.start, token.end)
    kind = kind_of(field)
    hint = None
    if operator == "~":
        return literal
    if kind == NUMBER and number is None:
        if not token.quoted and _NUMBER.fullmatch(said):
            problem = "the number is too large"
        else:
            problem = f"{field} is compared with a number, not {said[:40]!r}"
            if _WITH_UNIT.fullmatch(said):
                hint = "numbers are in the metric's own unit, and stand without it"
        raise query_error(text, token.start, token.end, problem, hint=hint)
    if kind == FLAG:
        if said.lower() not in _FLAGS:
            raise query_error(text, token.start, token.end, f"{field} is true or false")
        return Literal(said, _FLAGS[said.lower()], False, token.start, token.end)
    if kind == TIME:
        try:
            return Literal(
                said, moments.read_moment(said, now), token.quoted, token.start, token.end
            )
        except InvalidInput as error:
            raise query_error(
                text, token.start, token.end, error.message, hint=moments.HINT
            ) from None
    if kind == PREFIX and not said:
        raise query_error(text, token.start, token.end, f"{field} begins with something")
    return literal

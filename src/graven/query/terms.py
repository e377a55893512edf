"""The tree of a query. Frozen; places in the text are kept for errors and compare equal.

Every term is true or false of a run, never unknown: a comparison with a field that the run
does not have is false, and ``!=`` and ``!~`` are exactly ``not`` of ``=`` and ``~``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

TEXT, PREFIX, NUMBER, TIME, FLAG, NAME = "text", "prefix", "number", "time", "flag", "name"

FIELDS = {
    "run": PREFIX,
    "branch": TEXT,
    "commit": PREFIX,
    "time": TIME,
    "experiment": TEXT,
    "status": TEXT,
    "origin": TEXT,
    "group": TEXT,
    "machine": PREFIX,
    "dirty": FLAG,
    "points": NUMBER,
    "baseline": NAME,
}
"""Fields without a key, and what they hold."""

KEYED = ("tag", "param", "metric", "derived")
"""Fields that are written with a key: ``metric.time``."""

ORDER = ("<", "<=", ">", ">=")
FIRST_DERIVED = "metrics"
"""The record under ``derived/`` whose keys stand without its name."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field, and where it stands: ``text[start:end]``."""

    name: str
    key: str | None = None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name}.{self.key}"

    @property
    def measured(self) -> bool:
        """True if headers do not answer it: run objects have been read for it."""
        return self.key is not None or self.name in ("machine", "dirty")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: as written (quotes and escapes undone), and as a number where it is one.

    A time is microseconds since 1970, a flag 1 or 0. ``quoted`` text is never a number.
    """

    text: str
    number: int | float | None = None
    quoted: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """``operator`` is one of ``= < <= > >= ~``."""

    field: Field
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Among:
    """The field is one of the values."""

    field: Field
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The run has the field."""

    field: Field


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts is true."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = Compare | Among | Exists | Not | And | Or


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. ``root`` is None for one that says nothing: every run fits it."""

    text: str
    root: Expression | None

    def fields(self) -> Iterator[Field]:
        """Every field, as often as it stands there."""
        if self.root is not None:
            yield from _fields(self.root)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order. Runs without the field come last either way."""

    field: Field
    descending: bool = False


def _fields(part: Expression) -> Iterator[Field]:
    if isinstance(part, (And, Or)):
        for inner in part.parts:
            yield from _fields(inner)
    elif isinstance(part, Not):
        yield from _fields(part.part)
    else:
        yield part.field

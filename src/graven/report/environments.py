"""Environments of a report as a table: a row a fact, a column an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_DEPTH = 8


class Fact(NamedTuple):
    """One fact of all environments; None where an environment does not have it."""

    name: str
    values: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        """Whether two of the environments have it unlike."""
        return len(set(self.values)) > 1


def facts(environments: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """All facts, those that differ first, by name otherwise."""
    flat = [dict(_flat(environment, "", _DEPTH)) for environment in environments]
    names = sorted({name for one in flat for name in one})
    found = [Fact(name, tuple(one.get(name) for one in flat)) for name in names]
    return sorted(found, key=lambda fact: not fact.differs)


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value and depth:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key), depth - 1)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None and name:
        yield name, value if isinstance(value, str) else repr(value)

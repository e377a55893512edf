"""Tags as asv parameters: the product of all values, or one folded parameter."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from graven.export.asv.names import TEXT_LIMIT, distinct, inert_text
from graven.export.asv.survey import Tags

ABSENT = "-"
FOLDED = "tags"
MAX_FILL = 4  # cells of the product for each real combination
FREE_CELLS = 256  # a product up to here is kept however empty it is


@dataclass(slots=True)
class Matrix:
    """The parameters of one benchmark.

    Attributes:
        names: names of the parameters, as asv shows them.
        values: for each, its values as asv shows them.
        places: for each combination of tags, the index of its value in each parameter.
        tags: the tag behind each parameter; empty where tags are folded into one.
    """

    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    places: dict[Tags, tuple[int, ...]]
    tags: tuple[str, ...]
    _whole: Part | None = field(default=None, compare=False, repr=False)

    @property
    def cells(self) -> int:
        """Size of the product."""
        return math.prod(len(column) for column in self.values)

    def part(self, used: Iterable[Tags]) -> Part:
        """Room for a row that measured the combinations ``used``.

        A small matrix is written whole, so that what was not measured can be told
        from what failed. Of a large one a row has only the values it needs, since asv
        matches rows by value, and whole rows would grow as its square.
        """
        if self._whole is None and self.cells <= FREE_CELLS:
            self._whole = Part(self, tuple(range(len(column)) for column in self.values))
        if self._whole is not None:
            return self._whole  # the same for thousands of rows
        places = [self.places[tags] for tags in used]
        return Part(self, tuple(sorted(set(column)) for column in zip(*places, strict=True)))


class Part:
    """Some values of each parameter of a `Matrix`, and the cells of their product."""

    def __init__(self, matrix: Matrix, columns: Sequence[Sequence[int]]) -> None:
        self._matrix = matrix
        self._ranks = [{place: rank for rank, place in enumerate(column)} for column in columns]
        self.params = [
            [values[place] for place in column]
            for values, column in zip(matrix.values, columns, strict=True)
        ]
        self.cells = math.prod(len(column) for column in columns)

    def index(self, tags: Tags) -> int:
        """The cell of a combination: the last parameter runs fastest."""
        index = 0
        for rank, place in zip(self._ranks, self._matrix.places[tags], strict=True):
            index = index * len(rank) + rank[place]
        return index


def make_matrix(combinations: Collection[Tags]) -> Matrix:
    """Parameters for these combinations of tags.

    A combination that lacks a tag has the value "-" there. When the product of all
    values has over `FREE_CELLS` cells and over `MAX_FILL` times as many as there are
    combinations, one parameter "tags" lists the combinations instead.
    """
    keys = sorted({key for tags in combinations for key, _ in tags})
    if not keys:
        return Matrix((), (), dict.fromkeys(combinations, ()), ())
    by_tags = {tags: dict(tags) for tags in combinations}
    used = {key: {found.get(key) for found in by_tags.values()} for key in keys}
    cells = math.prod(len(values) for values in used.values())
    if cells > FREE_CELLS and cells > MAX_FILL * len(by_tags):
        return _folded(combinations)
    columns = [_column(used[key]) for key in keys]
    ranks = [{value: rank for rank, (value, _) in enumerate(column)} for column in columns]
    names = distinct(keys, lambda key: inert_text(key) or "_", limit=TEXT_LIMIT)
    return Matrix(
        names=tuple(names[key] for key in keys),
        values=tuple(tuple(text for _, text in column) for column in columns),
        places={
            tags: tuple(rank[found.get(key)] for key, rank in zip(keys, ranks, strict=True))
            for tags, found in by_tags.items()
        },
        tags=tuple(keys),
    )


def _folded(combinations: Collection[Tags]) -> Matrix:
    texts = distinct(combinations, _fold, limit=TEXT_LIMIT)
    ordered = sorted(texts, key=lambda tags: texts[tags])
    return Matrix(
        names=(FOLDED,),
        values=(tuple(texts[tags] for tags in ordered),),
        places={tags: (rank,) for rank, tags in enumerate(ordered)},
        tags=(),
    )


def _fold(tags: Tags) -> str:
    return inert_text(",".join(f"{key}={value}" for key, value in tags)) or ABSENT


def _column(used: Collection[str | None]) -> list[tuple[str | None, str]]:
    """A parameter's values with their texts: numbers by size, then texts, the absent one last."""
    texts = distinct(used, _value_text, limit=TEXT_LIMIT)
    return sorted(texts.items(), key=_value_order)


def _value_text(value: str | None) -> str:
    if value is None:
        return ABSENT
    # An empty text would be the number 0 to asv's pages.
    return inert_text(value) if value.strip() else f"'{inert_text(value)}'"


def _value_order(item: tuple[str | None, str]) -> tuple[int, float, str]:
    value, text = item
    if value is None:
        return 2, 0.0, text
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return (0, number, text) if math.isfinite(number) else (1, 0.0, text)

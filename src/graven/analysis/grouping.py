"""Groups of runs side by side: a matrix for each metric, series down and groups across.

Nothing is made up: what no run has measured is an empty cell, and every number goes with how
many values it stands for and where they come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any

from graven.model import MetricDef, MetricDirection

NEWEST = "newest"
ALL = "all"
SIMULATED = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Values of one series in one group.

    Attributes:
        group: position among the groups.
        row: what names the row: scenario, point and tags, or one label.
        series: what is measured, whatever the group and the row.
        values: finite, oldest first.
        origins: how many of the values are measured, simulated, imported.
        run_id, timestamp: of the run that the newest value is from.
    """

    group: int
    row: tuple[str, ...]
    series: tuple[str, ...]
    metric: str
    definition: MetricDef | None
    values: Sequence[float]
    origins: Mapping[str, int]
    run_id: str
    timestamp: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one group has in one row.

    Attributes:
        value: the median of the values.
        count: how many there are; minimum, maximum: of them.
        series: how many things were measured; missing: how many more other groups of the row
            have. A cell that lacks some has no ratio and is never best: it is the median of
            something else.
        origins: how many of them are measured, simulated, imported.
        run_id, timestamp: of the run that the newest is from.
        ratio: value / the best of the row; None without a direction, and where the best is
            not above zero.
        best: no cell of the row is better. A simulated one is never best beside others.
    """

    value: float
    count: int
    series: int
    missing: int
    minimum: float
    maximum: float
    origins: dict[str, int]
    run_id: str
    timestamp: datetime
    ratio: float | None = None
    best: bool = False

    @property
    def origin(self) -> str:
        """``measured``; ``measured, simulated`` where it is a mixture."""
        return ", ".join(sorted(self.origins))

    @property
    def simulated(self) -> bool:
        """Whether any of it is simulated."""
        return SIMULATED in self.origins

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        record["timestamp"] = self.timestamp.isoformat()
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A row: its name, and for each group a cell or None."""

    name: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMatrix:
    """One metric in one unit; ``direction`` is None where it is not known."""

    metric: str
    unit: str | None
    direction: MetricDirection | None
    rows: tuple[MatrixRow, ...]

    def to_dict(self, groups: Sequence[str]) -> dict[str, Any]:
        """JSON-ready; a group without values is null."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "direction": None if self.direction is None else str(self.direction),
            "rows": [
                {
                    "name": list(row.name),
                    "groups": {
                        group: None if cell is None else cell.to_dict()
                        for group, cell in zip(groups, row.cells, strict=True)
                    },
                }
                for row in self.rows
            ],
        }


def group_matrices(
    parts: Iterable[Part], groups: int, *, unsure: Iterable[str] = ()
) -> list[GroupMatrix]:
    """A matrix for each metric, and for each of its units: those are never mixed.

    Args:
        parts: of all series.
        groups: how many there are.
        unsure: metrics of which runs state both directions; nothing is best there.
    """
    found: dict[tuple[str, str | None], dict[tuple[str, ...], list[list[Part]]]] = {}
    definitions: dict[tuple[str, str | None], MetricDef | None] = {}
    for part in parts:
        key = (part.metric, part.definition.unit if part.definition else None)
        definitions.setdefault(key, part.definition)
        cells = found.setdefault(key, {}).setdefault(part.row, [[] for _ in range(groups)])
        cells[part.group].append(part)
    doubtful = frozenset(unsure)
    return [
        _matrix(key, None if key[0] in doubtful else _direction(definitions[key]), found[key])
        for key in sorted(found, key=lambda key: (key[0], key[1] or ""))
    ]


def _direction(known: MetricDef | None) -> MetricDirection | None:
    return None if known is None or known.direction_source == "unknown" else known.direction


def _matrix(
    key: tuple[str, str | None],
    direction: MetricDirection | None,
    rows: Mapping[tuple[str, ...], list[list[Part]]],
) -> GroupMatrix:
    return GroupMatrix(
        metric=key[0],
        unit=key[1],
        direction=direction,
        rows=tuple(
            MatrixRow(
                name=name,
                cells=rate(_cells(rows[name]), direction),
            )
            for name in sorted(rows)
        ),
    )


def _cells(row: list[list[Part]]) -> list[Cell | None]:
    everything = {part.series for parts in row for part in parts}
    return [_cell(parts, len(everything)) if parts else None for parts in row]


def _cell(parts: list[Part], of: int) -> Cell:
    values = [value for part in parts for value in part.values]
    newest = max(parts, key=lambda part: (part.timestamp, part.run_id))
    origins: dict[str, int] = {}
    for part in parts:
        for origin, count in part.origins.items():
            origins[origin] = origins.get(origin, 0) + count
    return Cell(
        value=_middle(values),
        count=len(values),
        series=(series := len({part.series for part in parts})),
        missing=of - series,
        minimum=min(values),
        maximum=max(values),
        origins=origins,
        run_id=newest.run_id,
        timestamp=newest.timestamp,
    )


def _middle(values: list[float]) -> float:
    halved = max(map(abs, values)) > 1e300  # the sum of two may overflow
    return 2 * median(value / 2 for value in values) if halved else float(median(values))


def rate(
    cells: Sequence[Cell | None], direction: MetricDirection | None
) -> tuple[Cell | None, ...]:
    """Mark the best of a row, and set each cell's ratio to it."""
    there = [cell for cell in cells if cell is not None and not cell.missing]
    if direction not in (MetricDirection.LOWER, MetricDirection.HIGHER) or not there:
        return tuple(cells)
    # A number that nobody measured beats none that somebody did.
    rated = [cell for cell in there if not cell.simulated] or there
    pick = min if direction is MetricDirection.LOWER else max
    best = pick(cell.value for cell in rated)
    return tuple(
        cell
        if cell is None or cell.missing
        else replace(
            cell,
            best=cell.value == best and cell in rated,
            ratio=_ratio(cell.value, best),
        )
        for cell in cells
    )


def _ratio(value: float, best: float) -> float | None:
    ratio = value / best if best > 0 and value >= 0 else math.inf
    return ratio if math.isfinite(ratio) else None

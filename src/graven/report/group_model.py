"""What comparing groups of runs answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graven.analysis.grouping import GroupMatrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group; ``runs`` have values in it, the newest is of ``newest``."""

    label: str
    runs: int
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupComparison:
    """Groups side by side.

    Attributes:
        field, by, over, where, model: what was asked for, as in
            `graven.porcelain.report_groups.GroupRequest`.
        runs: how many were looked at.
        groups: the columns of all matrices.
        row_titles: of what ``MatrixRow.name`` consists.
        left_out: sentences: what fits too and is not shown, or could not be.
    """

    store: str
    made: datetime
    field: str
    by: str | None
    over: str
    where: str
    model: str | None
    runs: int
    groups: tuple[Group, ...]
    row_titles: tuple[str, ...]
    matrices: tuple[GroupMatrix, ...]
    left_out: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """Of the groups."""
        return [group.label for group in self.groups]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "store": self.store,
            "made": self.made.isoformat(),
            "compare": self.field,
            "by": self.by,
            "over": self.over,
            "where": self.where,
            "model": self.model,
            "runs": self.runs,
            "groups": [
                {
                    "label": one.label,
                    "runs": one.runs,
                    "newest": one.newest.isoformat(),
                }
                for one in self.groups
            ],
            "row_titles": list(self.row_titles),
            "matrices": [matrix.to_dict(self.labels) for matrix in self.matrices],
            "left_out": list(self.left_out),
        }

"""What an export wrote, and what it had to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAMED = 3  # names listed before "and n more"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of one run that asv will not show.

    Attributes:
        run_id: the run it belongs to.
        what: the part that is lost ("the run", "4 values", "commit 9fceb02d").
        why: the reason, as a clause.
    """

    run_id: str
    what: str
    why: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"run_id": self.run_id, "what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True)
class AsvExport:
    """The outcome of `export_asv`.

    Attributes:
        directory: the folder that was written to.
        files: the files written, in the order written.
        unchanged: how many files stood as they would have been written.
        benchmarks: asv's names of the benchmarks, sorted; graven-names.json says
            which scenario, point and metric each of them is.
        points_written: cells of all result files that hold a number (a failed, skipped or
            unmeasured combination holds none).
        lost: what asv will not show, by run.
        notes: what holds for the export as a whole (directions, intervals).
    """

    directory: Path
    files: tuple[Path, ...] = ()
    benchmarks: tuple[str, ...] = ()
    points_written: int = 0
    lost: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "directory": str(self.directory),
            "files": [str(path) for path in self.files],
            "unchanged": self.unchanged,
            "benchmarks": list(self.benchmarks),
            "points_written": self.points_written,
            "lost": [loss.to_dict() for loss in self.lost],
            "notes": list(self.notes),
        }


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def count(number: int, noun: str) -> str:
    """``1 value``, ``2 values``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

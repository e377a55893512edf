"""Bring removed runs back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """The runs that are back."""

    run_ids: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"restored": list(self.run_ids)}


def restore(store: Store, run_ids: Sequence[str]) -> RestoreReport:
    """Undo the removal of runs and of what was attached to them.

    Args:
        store: where they were.
        run_ids: ids or unique prefixes (``graven log --deleted`` has them).

    Raises:
        NotFound: never there, or its objects are gone; those before it are back.
        Conflict: a run that is not removed.
    """
    done = [store.restore(run_id).run_id for run_id in dict.fromkeys(run_ids)]
    return RestoreReport(run_ids=tuple(done))

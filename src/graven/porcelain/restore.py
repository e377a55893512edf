"""Bring removed runs back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graven.errors import Corrupt
from graven.store import Store
from graven.sync.remotes import list_remotes


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """The runs that are back.

    ``without_attachments``: this clone was made without what is kept beside runs, so that
    nothing of that came back with them, here or anywhere.
    """

    run_ids: tuple[str, ...]
    without_attachments: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "restored": list(self.run_ids),
            "without_attachments": self.without_attachments,
        }


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
    return RestoreReport(run_ids=tuple(done), without_attachments=_lacks_attachments(store))


def _lacks_attachments(store: Store) -> bool:
    try:
        remotes = list_remotes(store)
    except Corrupt:  # it names remotes and nothing else: the runs are back all the same
        return False
    return any(not remote.selection.attachments for remote in remotes)

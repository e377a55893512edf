"""Take away what is kept beside a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graven.porcelain.attach import run_of
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachReport:
    """What was taken away."""

    run_id: str
    names: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"run": self.run_id, "detached": list(self.names)}


def detach(store: Store, rev: str, names: Sequence[str]) -> DetachReport:
    """Take attachments away from the run that ``rev`` means.

    Raises:
        NotFound: no such run or attachment; then none was taken away.
    """
    run_id = run_of(store, rev)
    found = tuple(store.attachment(run_id, name).name for name in dict.fromkeys(names))
    for name in found:
        store.detach(run_id, name)
    return DetachReport(run_id=run_id, names=found)

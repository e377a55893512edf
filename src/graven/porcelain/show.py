"""Everything about one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graven.errors import NotFound
from graven.ingest import fingerprint
from graven.model import Run
from graven.porcelain.hints import near
from graven.porcelain.log import refs_by_run
from graven.store import Store
from graven.store.attachments import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRun:
    """A run and what the store knows about it.

    Attributes:
        object_id: of the value that is shown, hex.
        machine: fingerprint of the machine, None where the CPU is not known.
        refs: baselines and tags that point to the run.
    """

    run: Run
    object_id: str
    machine: str | None
    refs: tuple[str, ...]
    attachments: tuple[Attachment, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "object": self.object_id,
            "machine": self.machine,
            "refs": list(self.refs),
            "attachments": [attachment.to_dict() for attachment in self.attachments],
            "run": self.run.to_dict(),
        }


def show(store: Store, rev: str = "latest", *, metrics: Sequence[str] = ()) -> ShownRun:
    """The run that ``rev`` means.

    Raises:
        NotFound: there is none, or it has none of these ``metrics``.
    """
    found = store.resolve(rev)
    run = store.load_object(found.object_id)
    _check_metrics(run, metrics)
    return ShownRun(
        run=run,
        object_id=found.object_id,
        machine=fingerprint(run.environment),
        refs=tuple(refs_by_run(store)[0].get(found.run_id, ())),
        attachments=tuple(_attachments(store, found.run_id)),
    )


def _check_metrics(run: Run, metrics: Sequence[str]) -> None:
    known = sorted({name for point in run.points for name in point.metrics})
    for metric in metrics:
        if metric not in known:
            hint = f"there is {', '.join(known[:8])}" if known else "it holds no metric"
            raise NotFound(
                f"run {run.id} has no metric {metric!r}",
                kind="unknown-metric",
                hint=near(metric, known) or hint,
                field="metric",
            )


def _attachments(store: Store, run_id: str) -> list[Attachment]:
    try:
        return store.attachments(run_id) if run_id else []
    except NotFound:  # a baseline keeps its copy of a run that was removed; what hung on it went
        return []

"""Which journaled refs one store has and another lacks. Compares catalogs, reads no pack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from graven.catalog.states import ranks_of_refs, ranks_of_runs, ref_states, run_states
from graven.formats import layout
from graven.refs.journal import RefUpdate
from graven.store.index import Index

ANNOTATIONS = "annotations/"


class Selection(NamedTuple):
    """Which runs to take; tombstones always go along, so that nothing comes back to life.

    Attributes:
        since: only runs from this moment on, microseconds since 1970 UTC.
        branch: only runs of this branch.
        attachments: also what is kept beside the runs; annotations go along without it.
    """

    since: int | None = None
    branch: str | None = None
    attachments: bool = True

    @property
    def whole(self) -> bool:
        """True if nothing is left out."""
        return self == Selection()

    def takes_run(self, update: RefUpdate) -> bool:
        """True if the update of a run is to go along."""
        header = update.header
        return header is None or self._takes(header.timestamp, header.branch)

    def takes_ref(self, update: RefUpdate, ts: int | None, branch: str | None) -> bool:
        """The same for an attachment of a run with this time and branch.

        What belongs to no run, the manifests of experiments, always goes along.
        """
        parsed = layout.parse_ref_name(update.name)
        if update.target is None or parsed is None:
            return True
        # What people said of a run is small, and a gate that has not heard it judges otherwise.
        wanted = self.attachments or parsed.attachment.startswith(ANNOTATIONS)
        return wanted and self._takes(ts, branch)

    def _takes(self, ts: int | None, branch: str | None) -> bool:
        if self.since is not None and (ts is None or ts < self.since):
            return False
        return self.branch is None or branch == self.branch


class ExactRuns(NamedTuple):
    """A selection of just these runs and what is attached to them: no deletions, no pointers."""

    run_ids: frozenset[str]

    def takes_run(self, update: RefUpdate) -> bool:
        """See `Selection`."""
        return update.target is not None and _run_id(update) in self.run_ids

    def takes_ref(self, update: RefUpdate, ts: int | None, branch: str | None) -> bool:
        """See `Selection`."""
        del ts, branch
        return update.target is not None and _run_id(update) in self.run_ids


def missing_updates(
    source: Index, target: Index, selection: Selection | ExactRuns
) -> Iterator[list[RefUpdate]]:
    """Updates that ``target`` lacks, in pages; runs first, then what is attached to them.

    Both indexes are asked as their last refresh left them.
    """
    row = 0
    while True:
        page, row = source.look(partial(run_states, after=row))
        if not page:
            break
        ids = [_run_id(update) for update in page]
        known = target.look(partial(ranks_of_runs, run_ids=ids))
        yield [u for u in page if selection.takes_run(u) and _is_news(u, known)]
    after = ""
    while refs := source.look(partial(ref_states, after=after)):
        after = refs[-1][0].name
        names = [update.name for update, _, _ in refs]
        known = target.look(partial(ranks_of_refs, names=names))
        yield [
            update
            for update, ts, branch in refs
            if selection.takes_ref(update, ts, branch) and _is_news(update, known)
        ]


def _is_news(update: RefUpdate, known: dict[str, tuple[Any, int]]) -> bool:
    held = known.get(update.name)
    return held is None or update.rank > held[0] or update.raised_floor > held[1]


def _run_id(update: RefUpdate) -> str:
    parsed = layout.parse_ref_name(update.name)
    return parsed.run_id if parsed else ""

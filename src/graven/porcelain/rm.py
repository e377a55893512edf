"""Remove runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graven.errors import Conflict, InvalidInput
from graven.porcelain.log import refs_by_run
from graven.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveReport:
    """The runs that were removed, or would be."""

    run_ids: tuple[str, ...]
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"removed": list(self.run_ids), "dry_run": self.dry_run}


def remove(
    store: Store, revs: Sequence[str], *, force: bool = False, dry_run: bool = False
) -> RemoveReport:
    """Remove the runs that ``revs`` mean now. All are looked up before the first goes.

    Args:
        store: where they are.
        revs: revisions; two may mean the same run.
        force: also runs that a baseline or tag points to; the names keep their copy.
        dry_run: only say which.

    Raises:
        NotFound: a revision means nothing; none was removed.
        Conflict: a baseline or tag points to one and not ``force``; none was removed.
    """
    run_ids = tuple(dict.fromkeys(_run_id(store, rev) for rev in revs))
    if not force:
        refs, damaged = refs_by_run(store)
        for run_id in run_ids:
            if run_id in refs:
                names = ", ".join(refs[run_id])
                raise Conflict(
                    f"run {run_id!r} is {names}",
                    kind="run-guarded",
                    hint="move that first, or use --force: the name then keeps its own copy",
                    run=run_id,
                    refs=names,
                )
        if damaged:
            raise Conflict(
                f"{', '.join(damaged)} cannot be read, so it may point to these runs",
                kind="run-guarded",
                hint="see 'graven fsck'; --force removes all the same",
            )
    if not dry_run:
        for run_id in run_ids:
            store.delete(run_id, force=True)  # what guards them was looked at above
    return RemoveReport(run_ids=run_ids, dry_run=dry_run)


def _run_id(store: Store, rev: str) -> str:
    run_id = store.resolve(rev).run_id
    if not run_id:
        raise InvalidInput(
            f"{rev!r} is an object that no run has", kind="no-run", hint="name a run", rev=rev
        )
    return run_id

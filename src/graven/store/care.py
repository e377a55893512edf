"""Looking after a store: reindex, views, fsck, statistics."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from graven.backends.parallel import run_all
from graven.errors import Corrupt, FormatTooNew, GravenError, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import ObjectId
from graven.store.base import warn
from graven.store.framing import FramingStore

if TYPE_CHECKING:
    from graven.catalog.questions import RunKey
    from graven.formats.run_object import RunBody
    from graven.model.run import Run
    from graven.store.fsck import FsckReport
    from graven.store.statistics import StoreStats
    from graven.upkeep.gc import GcReport
    from graven.upkeep.repack import RepackReport


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What the new catalog was made from."""

    packs: int
    runs: int
    values: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class Store(FramingStore):
    """A graven store: all of calibrax's calls under the same names, and more.

    ``Store(path)`` opens the store there, and makes one where there is none; `graven.open`
    and `graven.init` say which of the two they mean. Safe to share between threads, and
    usable by many processes at once. See `graven.store.base.StoreBase` for the arguments.
    """

    def reindex(self) -> ReindexReport:
        """Throw the catalog away and build it anew from packs and refs alone.

        Raises:
            InvalidInput: kind ``offline``: there is nothing to build it from.
        """
        if self.offline:
            raise InvalidInput(
                f"offline there are no packs of {self.url} to build the catalog from",
                kind="offline",
                hint="the catalog is all that is known here; open the store without offline",
            )
        self._index.catalog.reset()
        runs = self._index.ask(
            lambda catalog: catalog.one("SELECT count(*) FROM run WHERE object IS NOT NULL"),
            measured=True,
        )
        packs = self._index.ask(lambda catalog: catalog.one("SELECT count(*) FROM pack"))
        values = self._index.ask(
            lambda catalog: catalog.one("SELECT coalesce(sum(length(vals)), 0) / 8 FROM measured")
        )
        return ReindexReport(*(int(row[0]) if row else 0 for row in (packs, runs, values)))

    def write_views(self) -> int:
        """Write every run's view anew, remove views of runs that are not there.

        A run that cannot be read is left out with a warning; its old view goes, since
        nobody can tell whether it is right.

        Returns:
            How many views there are now.
        """
        from graven.catalog.questions import Filter, run_keys
        from graven.store.loading import load_with_bodies

        # Listed before the runs: a view that somebody adds meanwhile is not an old one.
        standing = [layout.RUNS + name for name in self._backend.names(layout.RUNS)]
        keys = self._index.ask(lambda catalog: run_keys(catalog, Filter()))
        written = set()
        for key, run, body in load_with_bodies(self._index, self._decoder, keys):
            try:
                if isinstance(run, GravenError):
                    raise run
                written.add(self._write_read_view(key, run, body))
            except (Corrupt, FormatTooNew, NotFound, InvalidInput) as error:
                warn(f"run {key.run_id} has no view: {error.message}")
        for old in standing:
            if layout.classify(old) is layout.FileKind.VIEW and old not in written:
                self._backend.delete(old)
        return len(written)

    def refresh_views(self, run_ids: Sequence[str]) -> None:
        """Write the views of these runs anew, or remove those of deleted ones, best effort."""
        from graven.catalog.questions import keys_of_runs
        from graven.views import remove_view

        if not run_ids or not self._views_wanted:
            return
        keys = self._index.ask(partial(keys_of_runs, run_ids=run_ids))
        living = {key.run_id for key in keys}
        calls = [
            partial(
                self._best_effort,
                f"the view of run {run_id} was not removed",
                partial(remove_view, self._backend, run_id),
            )
            for run_id in run_ids
            if run_id not in living
        ]
        run_all(self._backend, calls)
        self._write_views_of(keys)

    def _write_views_of(self, keys: Sequence[RunKey]) -> None:
        from graven.store.loading import PAGE, load_with_bodies

        for start in range(0, len(keys), PAGE):
            found = load_with_bodies(self._index, self._decoder, keys[start : start + PAGE])
            writes = [
                partial(
                    self._best_effort,
                    f"the view of run {key.run_id} was not written",
                    partial(self._write_read_view, key, run, body),
                )
                for key, run, body in found
                if not isinstance(run, GravenError)  # told when the run is asked for
            ]
            run_all(self._backend, writes)

    def _write_read_view(self, key: RunKey, run: Run, body: RunBody | None) -> str:
        if body is None:
            return self._view_writer.write(run, key.object_id.hex())
        return self._view_writer.write_decoded(run, ObjectId(key.object_id), body)

    def gc(self, *, dry_run: bool = False, grace_seconds: int | None = None) -> GcReport:
        """Delete what nobody needs, in two visits; `graven.upkeep.gc.collect` tells more."""
        from graven.upkeep.gc import collect

        return collect(self, dry_run=dry_run, grace_seconds=grace_seconds)

    def repack(self, *, level: int | None = None, every: bool = False) -> RepackReport:
        """Merge small packs into large ones; `graven.upkeep.repack.repack` tells more."""
        from graven.upkeep.repack import repack

        return repack(self, level=level, every=every)

    def fsck(
        self, level: str = "quick", *, strict: bool = False, share: float = 0.05
    ) -> FsckReport:
        """Check the store; `graven.store.fsck` says what each level looks at.

        Args:
            level: ``quick``, ``full`` or ``sample``.
            strict: also check canonical form, of what is read whole.
            share: of the bytes to read with level ``sample``, above 0 and up to 1; each call
                goes on where the last one stopped.
        """
        from graven.store.fsck import LEVELS, Fsck

        if level not in LEVELS:
            raise InvalidInput(
                f"no fsck level {level!r}", kind="bad-level", hint=f"one of {', '.join(LEVELS)}"
            )
        if not 0 < share <= 1:
            raise InvalidInput(f"no share of a store: {share}", kind="bad-share", field="share")
        return self._index.ask(
            lambda catalog: Fsck(
                self._backend,
                catalog,
                level=level,
                strict=strict,
                share=share,
                ledger_folder=self._ledger_folder,
            ).run()
        )

    @property
    def _ledger_folder(self) -> str | None:
        path = self._index.catalog.path  # where the catalog may stand the ledger may, too
        return None if path is None else os.path.dirname(path)

    def stats(self) -> StoreStats:
        """Counts and sizes, from the catalog; `graven.store.statistics` says what is counted."""
        from graven.store.statistics import count_all

        counts = len(self.baselines), len(self.tags)
        backend = None if self.offline else self._backend
        known = self._index.ask(lambda catalog: catalog.one("SELECT 1 FROM loose LIMIT 1"))
        if backend is not None and known is not None:
            self._index.refresh_loose()  # of a file that was deleted no pack tells
        return self._index.ask(lambda catalog: count_all(catalog, backend, *counts))

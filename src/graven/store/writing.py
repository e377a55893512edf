"""The changes a store takes: save, batch, delete, restore, relabel, baselines, ingest."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graven.backends.parallel import run_all
from graven.errors import BackendUnavailable, Conflict, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import hash_bytes, normal
from graven.store.attachment_names import check_attachment_name
from graven.store.base import NAMED, warn
from graven.store.reading import _searched
from graven.store.selecting import SelectingStore

if TYPE_CHECKING:
    from graven.catalog.questions import Header
    from graven.formats.packbuild import Item
    from graven.formats.run import EncodedRun
    from graven.model.run import Run
    from graven.store.session import Intent, PackWriter
    from graven.views import ViewWriter

MAX_VIEWS_BYTES = 64 * 1024 * 1024  # of run objects kept until a batch's views are written


class Batch:
    """Many runs in one transaction; made by `Store.batch`. Not for two threads at once.

    Objects go to disk as the batch grows, so memory stays bounded; nothing is visible
    until the batch ends, and nothing ever if it ends with an error.
    """

    def __init__(self, store: WritingStore, writer: PackWriter) -> None:
        self._store = store
        self._writer = writer
        self._views: list[tuple[Run, EncodedRun]] = []
        self._views_bytes = 0
        self._views_known: bool | None = None
        self._views_later: list[tuple[str, str]] = []
        self._ended = False
        self.run_ids: list[str] = []
        self._saved: set[str] = set()
        self.queued = False  # the store could not be reached, and all of it waits to be sent

    def save(
        self,
        run: Run,
        *,
        note: Mapping[str, Any] | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> None:
        """Add a run, as `Store.save` does.

        Args:
            run: the run.
            note: circumstance that is no fact of the run (where the file came from).
            attachments: name (``artifacts/raw/results.json``) to content.

        Raises:
            InvalidInput, TypeError: this run cannot be saved; the batch can go on.
        """
        self._check_open()
        encoded = self._store._encoder.encode(run)
        if note or attachments:
            items, intents = _plan(encoded, note, attachments)
            for item in items:
                self._writer.add(item)
            self._writer.extend(intents)
        else:
            self._writer.add_run(encoded)
        self.run_ids.append(encoded.run_id)
        self._saved.add(encoded.run_id)
        if self._views_wanted:
            self._keep_for_view(run, encoded)

    @property
    def _views_wanted(self) -> bool:
        """Asked once: where the settings cannot be reached each question takes its time."""
        # No cached_property: in Python 3.11 its lock is that of all batches of the process.
        if self._views_known is None:
            self._views_known = self._store._views_wanted
        return self._views_known

    def _keep_for_view(self, run: Run, encoded: EncodedRun) -> None:
        size = len(encoded.run.data)
        if self._views_bytes + size <= MAX_VIEWS_BYTES:
            self._views_bytes += size
            self._views.append((run, encoded))
        else:  # it is read back for its view: memory stays bounded
            self._views_later.append((encoded.run_id, encoded.run.id.hex()))

    def put_table(self, run_id: str, name: str, table: object) -> None:
        """Add a table of a run, as `Store.put_table` does: one write to disk for many.

        Args:
            run_id: a run of this batch, saved before its table, or one that is there.
            name, table: as for `Store.put_table`.

        Raises:
            NotFound: no such run. InvalidInput: not a table; the batch can go on.
        """
        from graven.store.tables import full_table_name, need_pyarrow

        self._check_open()
        need_pyarrow()
        from graven.store.table_writing import intent_of, place_table

        run_id, name = normal(run_id), full_table_name(name)
        if run_id not in self._saved:
            self._store.parts.session.observe(self._store._header(run_id).stamp)
        placed = place_table(self._store, self._writer, table)
        self._writer.extend([intent_of(self._store, run_id, name, placed)])

    def put_object(self, data: bytes, kind: str = "blob") -> str:
        """Add a bare object; returns its hex id."""
        from graven.formats.packbuild import Item

        self._check_open()
        object_id = hash_bytes(data)
        self._writer.add(Item(object_id, kind, data))
        return object_id.hex()

    def _check_open(self) -> None:
        if self._ended:
            raise InvalidInput(
                "the batch has ended: what is added now would never be stored",
                kind="batch-ended",
                hint="save within the 'with' block, or open another batch",
            )


class WritingStore(SelectingStore):
    """A store's writing half."""

    def save(self, run: Run) -> Path:
        """Store a run, durably; a run saved before under the same id is replaced.

        Returns:
            Path of the readable view ``runs/<id>.json`` (a relative one where the store
            is no folder).

        Raises:
            InvalidInput: names the field that cannot be stored; nothing was changed.
            TypeError: a value that JSON has no form for.
            BackendUnavailable: not stored (no room, not allowed, gone).
        """
        return self._save(run, None)

    def _save(self, run: Run, note: Mapping[str, Any] | None) -> Path:
        encoded = self._encoder.encode(run)
        items, intents = _plan(encoded, note, None)
        views = self._views_wanted  # asked first: a damaged config.json must change nothing
        queued = self._commit_or_queue(items, intents)
        if views and not queued:
            self._write_view(run, encoded)
        return self._view_path(encoded.run_id)

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """A transaction: all runs saved within become visible at its end, or none."""
        writer = self._session.writer(keep=self.outbox is not None)
        batch = Batch(self, writer)
        try:
            yield batch
        finally:
            batch._ended = True
        try:
            writer.finish()
        except BackendUnavailable as error:
            if writer.kept is None:
                raise
            batch.queued = self._queue(writer.kept, writer.intents, error)
            return
        views = [partial(self._write_view, run, encoded) for run, encoded in batch._views]
        views += [partial(self._write_view_of, *names) for names in batch._views_later]
        run_all(self._backend, views)

    @property
    def _views_wanted(self) -> bool:
        if self._views is not None:
            return self._views == "all"
        try:
            return bool(self.settings_for_writing().get("views", "all") != "none")
        except BackendUnavailable as error:
            if not self.can_queue(error):
                raise
            return False  # the run will be queued, and its view written when it is sent

    def _write_view(self, run: Run, encoded: EncodedRun) -> None:
        self._best_effort(
            f"the view of run {run.id} was not written",
            lambda: self._view_writer.write_encoded(run, encoded),
        )

    def _write_view_of(self, run_id: str, object_id: str) -> None:
        self._best_effort(
            f"the view of run {run_id} was not written",
            lambda: self._view_writer.write(self.load_object(object_id), object_id),
        )

    @property
    def _view_writer(self) -> ViewWriter:
        if self._view_writer_made is None:
            from graven.views import ViewWriter

            self._view_writer_made = ViewWriter(self._backend)
        return self._view_writer_made

    def _view_path(self, run_id: str) -> Path:
        key = layout.view_key(run_id)
        return Path(f"{self._root}/{key}" if self._root else key)

    # --- deleting ---

    def delete(self, run_id: str, *, force: bool = False) -> None:
        """Delete a run. Its tombstone stays for good; `restore` undoes it for a while.

        Args:
            run_id: the run (an exact id).
            force: also if a baseline or tag stands for it; they keep their copy.

        Raises:
            NotFound: no such run. Conflict: a baseline or tag stands for it.
        """
        from graven.store.session import Intent
        from graven.views import remove_view

        header = self._header(run_id)
        run_id = header.run_id
        if not force:
            self._refuse_if_guarded(run_id)
        self._session.observe(header.stamp)
        self._commit([], [Intent(layout.run_ref(run_id), None)])
        self._best_effort(
            f"the view of run {run_id} was not removed",
            lambda: remove_view(self._backend, run_id),
        )

    def _refuse_if_guarded(self, run_id: str) -> None:
        names = [
            *self.baselines.pointing_at().get(run_id, []),
            *self.tags.pointing_at().get(run_id, []),
        ]
        if names:
            raise Conflict(
                f"run {run_id} is {', '.join(names)}",
                kind="run-guarded",
                hint="move that first, or use --force: the name then keeps its own copy",
                run=run_id,
                refs=", ".join(names),
            )

    def restore(self, run_id: str) -> Header:
        """Undo the deletion of a run and of what was attached to it.

        An attachment that this store does not hold stays away, with a warning.
        ``run_id`` may be a unique prefix of 8 or more hex digits.

        Raises:
            NotFound: never deleted, or its objects are gone. Conflict: it is not deleted.
        """
        from graven.store.restoring import plan_restore, write_restore

        wanted = _searched(run_id)
        plan = self._index.ask(lambda catalog: plan_restore(catalog, wanted))
        views = self._views_wanted
        self._session.observe(plan.stamp)
        left = write_restore(self._index, self._session, plan)
        if left:
            more = f" and {len(left) - NAMED:,} more" if len(left) > NAMED else ""
            warn(
                f"run {plan.run_id} is back without what this store does not hold:"
                f" {', '.join(left[:NAMED])}{more}"
            )
        header = plan.header
        # It is done: a look that fails, or finds it deleted again, must not say otherwise.
        with suppress(NotFound, BackendUnavailable):
            header = self._header(plan.run_id)
        if views:
            self._write_view_of(header.run_id, header.object_id)
        return header

    def relabel(self, run_id: str, **changes: Any) -> Run:
        """Save a run again under its id with some fields changed; numbers stay.

        It reads, changes and writes: what another wrote meanwhile is looked for until the
        moment of the write, but of two relabels at that very moment the later wins whole.

        Args:
            run_id: the run.
            changes: ``branch``, ``commit``, ``experiment``, ``status``, ``group``,
                ``metadata``, ``params``, ``origin`` ...: fields of `Run` but points and id.

        Raises:
            NotFound: no such run. InvalidInput: no such field.
        """
        header = self._header(run_id)
        while True:
            changed = self._relabelled(self.load_object(header.object_id), changes)
            now = self._header(run_id)
            if now.stamp == header.stamp:
                break
            header = now  # another changed it while we read
        self._session.observe(header.stamp)
        # Where the run came from stays true.
        self._save(changed, json.loads(header.note) if header.note else None)
        return changed

    def _relabelled(self, run: Run, changes: dict[str, Any]) -> Run:
        allowed = {f.name for f in dataclasses.fields(run)} - {"id", "points", "extra"}
        unknown = sorted(set(changes) - allowed)
        if unknown:
            raise InvalidInput(
                f"no label {unknown[0]!r}",
                kind="bad-label",
                hint=f"labels are {', '.join(sorted(allowed))}",
                field=unknown[0],
            )
        return dataclasses.replace(run, **changes)

    # --- calibrax's calls ---

    def set_baseline(self, run_id: str, name: str = "main") -> None:
        """Let a baseline stand for a run, as the run is now.

        Raises:
            NotFound: no such run.
        """
        self.baselines.set(name, run_id)

    def ingest(self, path: str | os.PathLike[str], format: str = "auto") -> Run:
        """Read one result file, save its run, and return it.

        Raises:
            InvalidInput: not a file graven knows, or one with several runs; names file
                and field. NotFound: no such file.
        """
        from graven.ingest import read_path

        items = read_path(os.fspath(path), format=format)
        if len(items) != 1:
            raise InvalidInput(
                f"{os.fspath(path)} holds {len(items)} runs, not one",
                kind="several-runs",
                hint="'graven ingest' takes files and folders of many runs",
                file=os.fspath(path),
            )
        found = items[0]
        with self.batch() as batch:
            batch.save(
                found.run,
                note={"source": found.source, "format": found.format},
                attachments=self._raw_attachment(found.raw_name, found.raw),
            )
        return found.run

    def _raw_attachment(self, name: str, raw: bytes | None) -> dict[str, bytes]:
        if raw is None or not self.config.get("ingest.keep_raw", True):
            return {}
        return {f"artifacts/raw/{name}": raw}

    def export_asv(self, directory: str | os.PathLike[str]) -> Path:
        """Write all runs as an asv results folder; returns the folder.

        `graven.export.asv.export_asv` tells more (what could not be exported, and why).
        """
        from graven.export.asv import export_asv

        target = Path(directory)
        export_asv(self.iter_runs, target)
        return target


def _plan(
    encoded: EncodedRun,
    note: Mapping[str, Any] | None,
    attachments: Mapping[str, bytes] | None,
) -> tuple[list[Item], list[Intent]]:
    from graven.store.session import Intent

    items = [encoded.environment, encoded.definitions]
    run_ref = layout.run_ref(encoded.run_id)
    intents = [Intent(run_ref, encoded.run.id, encoded.header, _clean_note(note) if note else None)]
    for name, data in (attachments or {}).items():
        more, refs = _plan_attachment(encoded.run_id, name, data)
        items += more
        intents += refs
    items.append(encoded.run)
    return items, intents


def _clean_note(note: Mapping[str, Any]) -> dict[str, Any]:
    from graven.formats.canonical import normalise

    out: dict[str, Any] = normalise(dict(note), "note")
    return out


def _plan_attachment(
    run_id: str, name: str, data: bytes
) -> tuple[Sequence[Item], Sequence[Intent]]:
    from graven.objects.chunks import to_items
    from graven.store.session import Intent

    items = to_items(data)
    ref = layout.attachment_ref(run_id, check_attachment_name(name))
    return items, [Intent(ref, items[-1].id, None, {"size": len(data)})]

"""A folder of tables kept in step with a store: only what changed is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from graven.errors import BackendUnavailable, Corrupt
from graven.frames.grouping import plan_groups
from graven.frames.ledger import (
    FileFacts,
    Group,
    Ledger,
    checksum_of_end,
    is_part,
    load,
    locked,
    part_path,
    save,
    sync_folder,
)
from graven.frames.reading import Frames
from graven.frames.schemas import FRAMES_VERSION, OF_RUNS, SCHEMAS
from graven.frames.writers import write_csv, write_jsonl, write_parquet
from graven.ids import hash_bytes, new_nonce

if TYPE_CHECKING:
    from graven.frames.grouping import Places

_ATTEMPTS = 5
_ID_HEX = 20

_Write = Callable[[str, pa.Schema, Iterable[pa.RecordBatch]], int]
_WRITERS: dict[str, _Write] = {
    "parquet": write_parquet,
    "csv": write_csv,
    "jsonl": write_jsonl,
}


class Moved(Exception):  # never leaves this room
    """A run changed while its group was written."""


class Written(NamedTuple):
    """What was done, in files and rows of all tables together."""

    ledger: Ledger
    written: int
    removed: int
    kept: int
    rows: int


class TableFolder:
    """Tables in a folder.

    Args:
        path: of the folder, which is there.
        form: ``parquet``, ``csv`` or ``jsonl``.
        monthly: files lie in a folder for each month (``month=2026-01``).
        durable: sync to disk before the ledger names a file.
    """

    def __init__(self, path: str, form: str, *, monthly: bool, durable: bool) -> None:
        self.path = path
        self.form = form
        self.monthly = monthly
        self.durable = durable
        self._written = 0
        self._rows = 0

    def bring_up_to_date(
        self,
        frames: Frames,
        ledger: Ledger,
        tables: Sequence[str],
        *,
        state: str = "",
        keep_others: bool = False,
    ) -> Written:
        """Write what is new, remove what is gone; the folder is locked meanwhile.

        Args:
            frames: the runs and their rows.
            ledger: what is there; files that are gone or cut short are written again.
            tables: to be there afterwards; files of others go.
            state: of the store, noted with the rest.
            keep_others: what stands of other tables stays, as far as it is right.

        Raises:
            BackendUnavailable: runs change faster than they can be written; no room.
        """
        with locked(self.path):
            for _ in range(_ATTEMPTS):
                self._written = self._rows = 0
                try:
                    return self._once(frames, self._standing(ledger), tables, state, keep_others)
                except Moved:
                    frames = frames.renewed()
        raise BackendUnavailable(
            "runs change faster than their tables are written", kind="catalog-busy",
            hint="try again",
        )  # fmt: skip

    def _once(
        self,
        frames: Frames,
        ledger: Ledger,
        tables: Sequence[str],
        state: str,
        keep_others: bool,
    ) -> Written:
        plan = plan_groups(ledger.groups.values(), frames.bulk, monthly=self.monthly)
        of_runs = [table for table in tables if table in OF_RUNS]
        groups: dict[str, Group] = {}
        for group, places in [*plan.kept, *plan.new]:
            kept = {t: f for t, f in group.files.items() if keep_others or t in of_runs}
            done = replace(group, files=kept)
            for table in of_runs:
                if table not in kept:
                    done = self._write_group(frames, table, done, places)
            groups[group.id] = done
        others = {
            table: self._write_other(frames, table, ledger.others.get(table))
            for table in tables
            if table not in OF_RUNS
        }
        fresh = replace(ledger, groups=groups, others=others, state=state, version=FRAMES_VERSION)
        if _content(fresh) != _content(ledger):
            save(self.path, fresh, durable=self.durable)
        removed = self._sweep(fresh)
        files = sum(len(fresh.names(table)) for table in tables)
        return Written(fresh, self._written, removed, files - self._written, self._rows)

    def _standing(self, ledger: Ledger) -> Ledger:
        """The ledger without files that are not there as they were written."""
        if ledger.version != FRAMES_VERSION:
            return replace(ledger, groups={}, others={})
        groups = {}
        for group in ledger.groups.values():
            files = {
                table: facts
                for table, facts in group.files.items()
                if self._is_there(part_path(table, group.month, group.id, self.form), facts)
            }
            groups[group.id] = replace(group, files=files)
        others = {
            table: (identity, facts)
            for table, (identity, facts) in ledger.others.items()
            if self._is_there(part_path(table, "", identity, self.form), facts)
        }
        return replace(ledger, groups=groups, others=others)

    def _is_there(self, name: str, facts: FileFacts) -> bool:
        try:
            return os.stat(os.path.join(self.path, name)).st_size == facts.size
        except OSError:
            return False

    def _write_group(self, frames: Frames, table: str, group: Group, places: Places) -> Group:
        before = frames.bulk.troubles
        seen: list[bytes] = []

        def batches() -> Iterator[pa.RecordBatch]:
            for page, found in frames.pages(table, places):
                seen.extend(run.key for run in page)
                yield from found

        temporary = self._temporary(table, group.month)
        rows = self._make(temporary, table, batches())
        if not np.array_equal(np.array(seen, group.keys.dtype), group.keys):
            _remove(temporary)
            raise Moved
        facts = self._place(temporary, part_path(table, group.month, group.id, self.form), rows)
        return group.with_file(table, facts, whole=frames.bulk.troubles == before)

    def _write_other(
        self, frames: Frames, table: str, known: tuple[str, FileFacts] | None
    ) -> tuple[str, FileFacts]:
        """A table that is written as one file, whose name follows from its content."""
        temporary = self._temporary(table, "")
        rows = self._make(temporary, table, frames.reader(table))
        with open(temporary, "rb") as file:
            identity = hash_bytes(file.read()).hex()[:_ID_HEX]
        if known is not None and known[0] == identity:
            _remove(temporary)
            return known
        return identity, self._place(temporary, part_path(table, "", identity, self.form), rows)

    def _temporary(self, table: str, month: str) -> str:
        folder = os.path.join(self.path, table, *([f"month={month}"] if month else []))
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, f".tmp-{new_nonce()[:_ID_HEX]}")

    def _make(self, path: str, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        try:
            return _WRITERS[self.form](path, SCHEMAS[table], batches)
        except BaseException:
            _remove(path)
            raise

    def _place(self, temporary: str, name: str, rows: int) -> FileFacts:
        target = os.path.join(self.path, *name.split("/"))
        facts = FileFacts(rows, os.path.getsize(temporary), checksum_of_end(temporary))
        if self.durable:
            handle = os.open(temporary, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        os.replace(temporary, target)
        if self.durable:
            sync_folder(os.path.dirname(target))
        self._written += 1
        self._rows += rows
        return facts

    def _sweep(self, ledger: Ledger) -> int:
        """Remove files of ours that the ledger does not name, a broken-off call's too."""
        named = {name for table in SCHEMAS for name in ledger.names(table)}
        removed = 0
        for name in os.listdir(self.path):
            if is_part(name):  # a ledger on its way
                _remove(os.path.join(self.path, name))
        for table in SCHEMAS:
            for folder, _, files in os.walk(os.path.join(self.path, table), topdown=False):
                below = os.path.relpath(folder, self.path).replace(os.sep, "/")
                for name in files:
                    if is_part(name) and f"{below}/{name}" not in named:
                        _remove(os.path.join(folder, name))
                        removed += not name.startswith(".")
                with suppress(OSError):  # something is in it, and stays
                    os.rmdir(folder)
        return removed


def _content(ledger: Ledger) -> tuple[object, ...]:
    files = {identity: group.files for identity, group in ledger.groups.items()}
    return files, ledger.others, ledger.state, ledger.version


def known_ledger(folder: str, store_id: str, form: str) -> Ledger:
    """The ledger of a folder that nobody but this room writes; a new one if it will not do."""
    try:
        found = load(folder)
    except Corrupt:
        found = None  # what stands beside it is swept away, and made anew
    if found is None or (found.store, found.form) != (store_id, form):
        return Ledger(store_id, form)
    return found


def _remove(path: str) -> None:
    with suppress(OSError):  # somebody else did, or has it open
        os.unlink(path)

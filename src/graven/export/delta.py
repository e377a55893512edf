"""Tables in Delta Lake: one transaction a table, so that readers never see a half.

What was written when stands in the folder's ledger, with the version that each table had
then. A table at another version was written by somebody else, or by a call that was broken
off before it could say so: it is replaced as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from graven.errors import BackendUnavailable
from graven.frames.folder import Moved, Written
from graven.frames.grouping import plan_groups
from graven.frames.ledger import FileFacts, Group, Ledger, locked, save
from graven.frames.schemas import FRAMES_VERSION, OF_RUNS, SCHEMAS
from graven.ids import hash_bytes
from graven.store.extras import need

if TYPE_CHECKING:
    from graven.frames.grouping import Places
    from graven.frames.reading import Frames

    Groups = Sequence[tuple[Group, Places]]

_ATTEMPTS = 5
_MONTH = pa.field("month", pa.string())


def bring_up_to_date(folder: str, frames: Frames, ledger: Ledger, tables: Sequence[str]) -> Written:
    """Write what is new, each table in one transaction.

    Raises:
        InvalidInput: kind ``missing-extra``.
        BackendUnavailable: runs change faster than they can be written, or Delta refuses.
    """
    delta = need("deltalake", "delta", "Delta Lake")
    with locked(folder):
        for _ in range(_ATTEMPTS):
            try:
                return _Writing(folder, frames, ledger, delta).write(tables)
            except Moved:
                frames = frames.renewed()
    raise BackendUnavailable(
        "runs change faster than their tables are written", kind="catalog-busy", hint="try again"
    )


class _Writing:
    def __init__(self, folder: str, frames: Frames, ledger: Ledger, delta: Any) -> None:
        self._folder = folder
        self._frames = frames
        same = ledger.version == FRAMES_VERSION
        self._ledger = ledger if same else Ledger(ledger.store, ledger.form)
        self._delta = delta
        self._moved = False
        self._rows = 0

    def write(self, tables: Sequence[str]) -> Written:
        old = self._ledger.groups
        plan = plan_groups(old.values(), self._frames.bulk, monthly=True)
        gone = [old[identity] for identity in plan.gone]
        marks: dict[str, Any] = {}
        others: dict[str, tuple[str, FileFacts]] = {}
        groups = {group.id: replace(group, files={}) for group, _ in [*plan.kept, *plan.new]}
        written = 0
        for table in tables:
            before, troubles = self._rows, self._frames.bulk.troubles
            known = self._version(table) if self._has(table) else None
            if table in OF_RUNS:
                done = self._write_runs(table, plan.kept, plan.new, gone, whole=known is None)
                whole = self._frames.bulk.troubles == troubles
                facts = FileFacts(0, 0, "")
                groups = {i: g.with_file(table, facts, whole=whole) for i, g in groups.items()}
            else:
                done, others[table] = self._write_other(table, whole=known is None)
            marks[table] = self._version(table)
            written += done or self._rows > before
        fresh = replace(self._ledger, groups=groups, others=others, marks=marks)
        if written or plan.gone or marks != self._ledger.marks:
            save(self._folder, fresh, durable=True)
        return Written(fresh, written, 0, len(tables) - written, self._rows)

    def _path(self, table: str) -> str:
        return os.path.join(self._folder, table)

    def _version(self, table: str) -> int | None:
        path = self._path(table)
        if not self._delta.DeltaTable.is_deltatable(path):
            return None
        return int(self._delta.DeltaTable(path).version())

    def _has(self, table: str) -> bool:
        """Whether the table is as the ledger says, and none of its files is lost."""
        mark = self._ledger.marks.get(table)
        if mark is None or mark != self._version(table):
            return False
        found = pa.table(self._delta.DeltaTable(self._path(table)).get_add_actions())
        return all(
            self._is_there(table, one["path"], one["size_bytes"])
            for one in found.select(["path", "size_bytes"]).to_pylist()
        )

    def _is_there(self, table: str, path: str, size: int) -> bool:
        try:
            return os.stat(os.path.join(self._path(table), *path.split("/"))).st_size == size
        except OSError:
            return False

    def _write_runs(
        self, table: str, kept: Groups, new: Groups, gone: Sequence[Group], *, whole: bool
    ) -> bool:
        """Append where nothing went; else replace the months in which something did."""
        if whole:
            self._commit(table, self._batches(table, [*kept, *new]), "overwrite")
            return True
        if not new and not gone:
            return False
        if not gone:
            self._commit(table, self._batches(table, new), "append")
            return True
        months = {group.month for group in gone} | {group.month for group, _ in new}
        again = [(group, places) for group, places in [*kept, *new] if group.month in months]
        quoted = ", ".join(f"'{month}'" for month in sorted(months))
        batches = self._batches(table, again)
        self._commit(table, batches, "overwrite", f"month IN ({quoted})")
        return True

    def _batches(self, table: str, groups: Groups) -> pa.RecordBatchReader:
        schema = SCHEMAS[table].append(_MONTH)

        def rows() -> Iterator[pa.RecordBatch]:
            for group, places in groups:
                seen: list[bytes] = []
                for page, found in self._frames.pages(table, places):
                    seen += [run.key for run in page]
                    for batch in found:
                        self._rows += batch.num_rows
                        month = pa.repeat(group.month, batch.num_rows)
                        yield pa.record_batch([*batch.columns, month], schema=schema)
                if not np.array_equal(np.array(seen, group.keys.dtype), group.keys):
                    self._moved = True  # nothing that is raised in here comes out as it was
                    raise Moved

        return pa.RecordBatchReader.from_batches(schema, rows())

    def _write_other(self, table: str, *, whole: bool) -> tuple[bool, tuple[str, FileFacts]]:
        found = self._frames.reader(table).read_all().combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, found.schema) as stream:
            stream.write_table(found)
        identity = hash_bytes(memoryview(sink.getvalue())).hex()[:20]
        facts = FileFacts(found.num_rows, 0, "")
        known = self._ledger.others.get(table)
        if not whole and known is not None and known[0] == identity:
            return False, known
        self._rows += found.num_rows
        self._commit(table, found.to_reader(), "overwrite")
        return True, (identity, facts)

    def _commit(
        self, table: str, reader: pa.RecordBatchReader, mode: str, predicate: str | None = None
    ) -> None:
        by = (
            {"partition_by": ["month"]} if table in OF_RUNS and self._version(table) is None else {}
        )
        schema_mode = "overwrite" if mode == "overwrite" and predicate is None else None
        try:
            self._delta.write_deltalake(
                self._path(table), reader, mode=mode, predicate=predicate,
                schema_mode=schema_mode, **by,
            )  # fmt: skip
        except (self._delta.exceptions.DeltaError, pa.ArrowException, ValueError) as error:
            if self._moved:
                raise Moved from None
            raise BackendUnavailable(
                f"Delta Lake does not take table {table!r}: {error}", kind="delta-failed"
            ) from error
        if self._moved:
            raise Moved

"""A table of a store as Arrow: streamed in batches, or whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from graven.errors import InvalidInput
from graven.frames.beside import artifact_batches, baseline_batches
from graven.frames.facts import Facts
from graven.frames.measured import Measured
from graven.frames.schemas import OF_RUNS, SCHEMAS, TABLES
from graven.store.bulk import BulkRun, BulkRuns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graven.query import Query
    from graven.store import Store

_WITH_VALUES = ("metrics",)


class Frames:
    """The tables of those runs of a store that fit a query, all of one moment.

    Args:
        store: is asked.
        where: which runs, in the query language (docs/query.md); empty for all.
    """

    def __init__(self, store: Store, where: str | Query = "") -> None:
        self._store = store
        self._where = where
        self._bulk_made: BulkRuns | None = None
        self._measured: Measured | None = None
        self._facts: Facts | None = None

    def renewed(self) -> Frames:
        """The same of the moment that is now."""
        return Frames(self._store, self._where)

    @property
    def bulk(self) -> BulkRuns:
        """The runs."""
        if self._bulk_made is None:
            self._bulk_made = BulkRuns(self._store, self._where)
        return self._bulk_made

    def reader(self, table: str, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """The rows of a table, read while they are taken: some megabytes are in memory.

        Args:
            table: one of `TABLES`.
            columns: those that are wanted; all if None. Some cost more than others, see
                docs/sql.md.

        Raises:
            InvalidInput: no such table or column.
        """
        schema = chosen_schema(table, columns)
        return pa.RecordBatchReader.from_batches(schema, self._batches(table, set(schema.names)))

    def _batches(self, table: str, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        if table in OF_RUNS:
            if "machine" in columns:
                self.bulk.read_machines()
            for page in self.bulk.pages(values=table in _WITH_VALUES):
                yield from self.batches_of(table, page, columns)
            return
        chosen = None if self._where == "" else set(self._run_ids())
        maker = artifact_batches if table == "artifacts" else baseline_batches
        yield from maker(self._store, columns, chosen)

    def _run_ids(self) -> Iterator[str]:
        for page in self.bulk.pages(values=False):
            yield from (run.run_id for run in page)

    def pages(
        self, table: str, places: NDArray[np.intp]
    ) -> Iterator[tuple[list[BulkRun], list[pa.RecordBatch]]]:
        """Pages of some of the runs, and what each gives: rows of a table that follows from runs.

        Args:
            table: one of `OF_RUNS`.
            places: positions of the runs in ``bulk.keys``.
        """
        if table == "runs":
            self.bulk.read_machines()
        for page in self.bulk.pages(places, values=table in _WITH_VALUES):
            yield page, list(self.batches_of(table, page, SCHEMAS[table].names))

    def batches_of(
        self, table: str, runs: Sequence[BulkRun], columns: Collection[str]
    ) -> Iterator[pa.RecordBatch]:
        """Rows of a table that follows from runs, of these."""
        if self._measured is None or self._facts is None:
            self._measured, self._facts = Measured(self.bulk), Facts(self.bulk)
        makers: dict[str, Callable[..., Iterator[pa.RecordBatch]]] = {
            "runs": self._facts.run_batches,
            "params": self._facts.param_batches,
        }
        if table in makers:
            yield from makers[table](runs, columns)
        else:
            yield from self._measured.batches(table, runs, columns)


def chosen_schema(table: str, columns: Sequence[str] | None = None) -> pa.Schema:
    """The schema of a table, or of some of its columns.

    Raises:
        InvalidInput: kind ``name-unknown``: no such table or column.
    """
    if table not in SCHEMAS:
        near = get_close_matches(str(table), TABLES, 1)
        raise InvalidInput(
            f"no table {str(table)!r}",
            kind="name-unknown",
            hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(TABLES)}",
            field="table",
        )
    schema = SCHEMAS[table]
    if columns is None:
        return schema
    for name in columns:
        if name not in schema.names:
            near = get_close_matches(str(name), schema.names, 1)
            raise InvalidInput(
                f"table {table!r} has no column {str(name)!r}",
                kind="name-unknown",
                hint=f"did you mean {near[0]!r}?" if near else f"it has {', '.join(schema.names)}",
                field="columns",
            )
    if not columns:
        raise InvalidInput("no columns are named", kind="name-unknown", field="columns")
    return pa.schema([field for field in schema if field.name in columns])

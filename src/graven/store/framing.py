"""A store's tables for who goes on with them in Arrow, pandas or Polars."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from graven.store.plumbing import PlumbingStore

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from graven.export.tables import TablesReport
    from graven.query import Query


class FramingStore(PlumbingStore):
    """A store as tables: `docs/sql.md` lists them with their columns.

    In all of them ``table`` is one of runs, points, metrics, samples, tags, params, artifacts
    and baselines, ``where`` chooses runs (docs/query.md), ``columns`` leaves out the others,
    rows come in no order that means anything, and all raise

        InvalidInput: no such table or column, a query that cannot be read; kind
            ``missing-extra``: a library is not installed.
    """

    def to_arrow(
        self,
        table: str = "runs",
        where: str | Query = "",
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """A table as Arrow, all of one moment; see `to_arrow_batches` for one that is large."""
        return self.to_arrow_batches(table, where, columns=columns).read_all()

    def to_arrow_batches(
        self,
        table: str = "runs",
        where: str | Query = "",
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.RecordBatchReader:
        """As `to_arrow`, read while it is taken: some megabytes are in memory."""
        from graven.store.extras import need

        need("pyarrow", "tables", "Arrow")
        from graven.frames.reading import Frames

        return Frames(self._whole, where).reader(table, columns)

    def to_pandas(
        self,
        table: str = "runs",
        where: str | Query = "",
        *,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """A table as a data frame of pandas, whose missing numbers are NaN."""
        from graven.store.extras import need

        need("pandas", "pandas", "a data frame of pandas")
        found: pd.DataFrame = self.to_arrow(table, where, columns=columns).to_pandas()
        return found

    def to_polars(
        self,
        table: str = "runs",
        where: str | Query = "",
        *,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """A table as a data frame of Polars."""
        from graven.store.extras import need

        polars = need("polars", "polars", "a data frame of Polars")
        found: pl.DataFrame = polars.from_arrow(self.to_arrow(table, where, columns=columns))
        return found

    def sql(self, query: str, *, timeout: float | None = 60.0, memory: str = "1GB") -> pa.Table:
        """The answer of DuckDB to a statement over these tables (docs/sql.md), read-only.

        Args:
            query: one statement that asks: SELECT, WITH, DESCRIBE, EXPLAIN ...
            timeout: seconds after which it is broken off; None for no limit.
            memory: what DuckDB may take.

        Raises:
            InvalidInput: kind ``bad-query``: not SQL, or a name that is not there: the
                fields ``query``, ``column`` (from 1) and ``width`` say where; kind
                ``sql-refused``: it would do more than ask; kinds ``sql-timeout``,
                ``sql-memory``: it would take more than it may; kind ``missing-extra``.
        """
        from graven.store.extras import need

        need("pyarrow", "sql", "SQL")
        from graven.sql.session import answer

        return answer(self._whole, query, timeout=timeout, memory=memory)

    def export_tables(
        self,
        format: str,
        folder: str | os.PathLike[str],
        *,
        where: str | Query = "",
        tables: Sequence[str] | None = None,
    ) -> TablesReport:
        """Write tables as ``parquet``, ``delta``, ``csv`` or ``jsonl`` into a folder.

        A second call writes what is new and removes what is gone;
        `graven.export.tables.export_tables` tells more.
        """
        from graven.store.extras import need

        need("pyarrow", "tables", "an export of tables")
        from graven.export.tables import export_tables
        from graven.frames.schemas import TABLES

        wanted = TABLES if tables is None else tables
        return export_tables(self._whole, format, folder, where=where, tables=wanted)

    @property
    def _whole(self) -> Any:  # the class at the end of the chain, which mypy does not know here
        return self

"""Tables of runs: Arrow in, a dataset over all runs out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graven.errors import InvalidInput
from graven.ids import normal, parse_object_id
from graven.store.recording import RecordingStore

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset

    from graven.store.attachments import Attachment


class TableStore(RecordingStore):
    """A store's tables. They need pyarrow: ``pip install graven[tables]``."""

    def put_table(self, run_id: str, name: str, table: object) -> Attachment:
        """Keep a table beside a run, durable on return; what had the name is replaced.

        It is stored as Parquet, and equal tables give equal bytes: a table that stands in
        the store already is not written again. Up to 1 MiB it goes into a pack; a larger
        one is a file of its own (``objects/``), which other programs read in place.

        Args:
            run_id: the run (an exact id).
            name: ``trades``, or ``tables/trades``; any text, never a path.
            table: a table, record batch or reader of pyarrow (a reader is streamed: memory
                stays at one row group), a data frame of pandas or polars, all else that has
                the Arrow C interface, or a mapping of column names to lists.

        Raises:
            NotFound: no such run. InvalidInput: not a table, one without columns, a column
                twice, a type that Parquet has no form for, or a column that is called like
                one that `scan` adds (``run_id``, ``branch``, ``experiment``) or that pyarrow
                has in each dataset (``__filename`` and the like).
        """
        need_pyarrow()
        from graven.store.table_writing import put_table

        return put_table(self, self._header(run_id), full_table_name(name), table)

    def get_table(self, run_id: str, name: str, *, max_bytes: int | None = None) -> pa.Table:
        """A table of one run, every byte of it verified.

        Args:
            run_id, name: as for `put_table`.
            max_bytes: refuse what would take more when decoded (2 GiB if not given).

        Raises:
            NotFound: no such run or table. Corrupt: damaged, or no Parquet file.
            InvalidInput: it would take more than ``max_bytes`` (kind ``table-too-large``).
        """
        need_pyarrow()
        from graven.store.table_reading import get_table

        limit = _limit(max_bytes)
        found = self.attachment(run_id, full_table_name(name))
        what = f"table {name!r} of run {run_id}"
        return get_table(self, parse_object_id(found.object_id), what, limit)

    def tables(self, run_id: str) -> list[Attachment]:
        """The tables of a run, by name.

        Raises:
            NotFound: no such run.
        """
        return self.attachments(run_id, "tables/")

    def table_names(self) -> dict[str, int]:
        """Names of tables, as `scan` takes them, and how many runs have one."""
        from graven.catalog.tables import table_names

        return dict(self._index.ask(table_names))

    def scan(
        self,
        name: str,
        where: Mapping[str, Any] | Any = None,
        columns: Sequence[str] | None = None,
        *,
        max_bytes: int | None = None,
    ) -> pyarrow.dataset.Dataset:
        """The tables of one name of all runs as one dataset, which DuckDB and Polars read too.

        Each row has the columns ``run_id``, ``branch`` and ``experiment`` beside the table's
        own, and a condition on these opens only the files that can hold such rows. Columns
        are brought together by name: a run that lacks one has nulls, and integers become
        floats where another run has floats. Rows come in no order that means anything.

        Small tables of many runs are read from Parquet files that hold the rows of many
        runs; the first scan makes them, later ones add what is new. They lie in the store's
        cache (of a remote store: in the user's), and may be deleted at any time.
        Tables over 1 MiB are read in place, unverified, as any other engine would.

        Args:
            name: as for `put_table`.
            where: which runs, as a mapping answered by the catalog before any file is
                opened: ``run_id`` (one or several), ``branch``, ``commit``, ``experiment``,
                ``status``, ``origin``, ``group``, ``since``, ``until``; or which rows, as a
                pyarrow expression.
            columns: of the tables; all, if not given. The three of the run are always there.
            max_bytes: refuse tables of which one row group takes more when decoded.

        Raises:
            NotFound: no run has a table of that name. InvalidInput: a condition on what is
                not there, or a column whose types in two runs do not go together (integers above
                2^53 beside floats are such a one): both are named.
        """
        need_pyarrow()
        from graven.store.table_scan import scan

        return scan(self, normal(_bare_name(name)), where, columns, _limit(max_bytes))


def full_table_name(name: str) -> str:
    """``tables/trades``, however it was given."""
    from graven.store.attachment_names import under

    return under("tables", name)


def _bare_name(name: str) -> str:
    return full_table_name(name).removeprefix("tables/")


def _limit(max_bytes: object) -> int:
    from graven.formats.parquet import MAX_TABLE_BYTES

    if max_bytes is None:
        return MAX_TABLE_BYTES
    if type(max_bytes) is not int or max_bytes < 0:
        raise InvalidInput(
            f"max_bytes is {str(max_bytes)[:40]!r}, not a number of bytes",
            kind="bad-limit",
            field="max_bytes",
        )
    return max_bytes


def need_pyarrow() -> None:
    """Say what to install where it is missing.

    Raises:
        InvalidInput: it is (kind ``extra-missing``).
    """
    try:
        import pyarrow.parquet  # noqa: F401  what is used stands in the modules that need it
    except ImportError as error:
        raise InvalidInput(
            f"tables need pyarrow: {error}",
            kind="extra-missing",
            hint="pip install 'graven[tables]'",
        ) from error

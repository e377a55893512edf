"""A statement asked: DuckDB on the store's tables, shut off from everything else."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graven.errors import Corrupt, InvalidInput
from graven.frames.cache import datasets, forget
from graven.frames.schemas import SCHEMAS
from graven.sql.faults import from_duckdb, says_where
from graven.sql.statement import Statement, read
from graven.store.extras import need

if TYPE_CHECKING:
    import duckdb

    from graven.store import Store

TIMEOUT_SECONDS = 60.0
MEMORY = "1GB"
THREADS = 4
_BATCH_ROWS = 8_192
_SIZE = re.compile(r"[1-9][0-9]{0,5}(?:\.[0-9]{1,3})? ?[KMGT]i?B", re.ASCII)

# What DuckDB says when not the statement is at fault but what its rows come from.
_SOURCE_FAILED = ("reading the stream registered as", "get_next failed")
STUCK_SECONDS = 5.0
_BY_A_PERSON = "Query interrupted"  # Ctrl-C, which DuckDB looks for too, and swallows
_SETTINGS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "temp_directory": "",
    "errors_as_json": "true",
}


class Answer:
    """Rows of an answer, while they come.

    Attributes:
        schema: of the rows; two columns of one name got different ones.
    """

    def __init__(self, clock: _Deadline, reader: pa.RecordBatchReader, text: str) -> None:
        self._deadline = clock
        self._reader = reader
        self._text = text
        self.schema = pa.schema(
            [
                f.with_name(n)
                for f, n in zip(reader.schema, _apart(reader.schema.names), strict=True)
            ]
        )

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with self._deadline.told(self._text):
            for batch in self._reader:
                yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def read_all(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(list(self), self.schema)


@contextmanager
def run(
    store: Store,
    text: str,
    *,
    timeout: float | None = TIMEOUT_SECONDS,
    memory: str = MEMORY,
    threads: int = THREADS,
    on_stuck: Callable[[], None] | None = None,
) -> Iterator[Answer]:
    """Ask a statement, and take its rows within.

    Args:
        store: whose tables are asked.
        text: one statement that asks; see `graven.sql.statement.read`.
        timeout: seconds from the beginning to the last row; None for no limit.
        memory: what DuckDB may take, such as ``512MB``.
        threads: how many it may use.
        on_stuck: called in a thread of its own where DuckDB has not stopped `STUCK_SECONDS`
            after it was told to: a function that makes one huge value does not look up.

    Raises:
        InvalidInput: kind ``bad-query``, with ``query``, ``column`` and ``width``; kind
            ``sql-refused``; kind ``sql-timeout``; kind ``sql-memory``; kind
            ``missing-extra``.
        Corrupt: kind ``bad-cache``: a copy of a table was damaged; it is made anew next time.
    """
    duckdb = need("duckdb", "sql", "SQL")
    if timeout is not None and not 0 < timeout <= threading.TIMEOUT_MAX:
        raise InvalidInput(
            f"not a number of seconds: {timeout!r}", kind="bad-limit", field="timeout"
        )
    connection = _connect(duckdb, memory, threads)
    try:
        statement = read(connection, text)
        _give_tables(connection, store, statement)
        connection.execute("SET lock_configuration = true").fetchall()
        deadline = _Deadline(connection, store, timeout, on_stuck)
        try:
            with deadline.told(text):
                relation = _bound(connection, text)
                reader = relation.to_arrow_reader(_BATCH_ROWS)
            yield Answer(deadline, reader, text)
        finally:
            deadline.cancel()
    finally:
        connection.close()


def answer(store: Store, text: str, **limits: Any) -> pa.Table:
    """The answer to a statement, whole; ``limits`` as for `run`."""
    try:
        with run(store, text, **limits) as found:
            return found.read_all()
    except Corrupt as error:
        if error.kind != "bad-cache":
            raise
        with run(store, text, **limits) as found:
            return found.read_all()


def _connect(module: Any, memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    if _SIZE.fullmatch(memory) is None:  # "-1" would mean as much as there is
        raise InvalidInput(
            f"not a limit of memory: {memory[:40]!r}",
            kind="bad-limit",
            hint="write it like 512MB or 2GB",
            field="memory",
        )
    config = {**_SETTINGS, "memory_limit": memory, "threads": str(threads)}
    try:
        found: duckdb.DuckDBPyConnection = module.connect(":memory:", config=config)
    except module.Error as error:
        raise InvalidInput(
            f"this DuckDB cannot be shut off as graven needs it: {error}",
            kind="missing-extra",
            hint="pip install --upgrade duckdb",
        ) from error
    return found


def _bound(connection: duckdb.DuckDBPyConnection, text: str) -> duckdb.DuckDBPyRelation:
    """The statement with its names looked up; its rows are made when they are taken.

    This way of asking says what is wrong but not where, so a statement that fails already here
    is asked the other way too, which says both (and copies its rows, if it has any).
    """
    import duckdb

    try:
        found: duckdb.DuckDBPyRelation | None = connection.sql(text)
    except duckdb.Error:
        connection.execute(text)
        raise
    if found is None:
        raise InvalidInput("statement has no answer", kind="sql-refused")
    return found


def _give_tables(connection: duckdb.DuckDBPyConnection, store: Store, statement: Statement) -> None:
    """Tables that the statement names; of the others the columns alone, for who lists them."""
    found = datasets(store, statement.tables)
    for table, schema in SCHEMAS.items():
        connection.register(table, found.get(table, schema.empty_table()))


class _Deadline:
    """Interrupts a connection when its time is over, and tells errors apart."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        store: Store,
        seconds: float | None,
        on_stuck: Callable[[], None] | None,
    ) -> None:
        self._on_stuck = on_stuck
        self._inside = False  # not while the caller looks at rows, however long that takes
        self._store = store
        self._seconds = seconds
        self._over = False
        self._connection = connection
        self._timer: threading.Timer | None = None
        if seconds is not None:
            self._wait(seconds, self._interrupt)

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, then)
        self._timer.daemon = True
        self._timer.start()

    def _interrupt(self) -> None:
        self._over = True
        self._connection.interrupt()
        if self._on_stuck is not None:
            self._wait(STUCK_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self._inside and self._on_stuck is not None:
            self._on_stuck()

    def cancel(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()

    @contextmanager
    def told(self, text: str) -> Iterator[None]:
        """Errors of DuckDB as graven's."""
        import duckdb

        self._inside = True
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            if str(error) == _BY_A_PERSON:
                raise KeyboardInterrupt from None
            if self._over:
                raise InvalidInput(
                    f"statement took more than {self._seconds:g} s",
                    kind="sql-timeout",
                    hint="ask for less, or give it more time with --timeout",
                ) from None
            if any(words in str(error) for words in _SOURCE_FAILED):
                forget(self._store)
                raise Corrupt(
                    f"the store's own copy of a table is damaged: {error}",
                    kind="bad-cache",
                    hint="it was thrown away; nothing is lost: ask again",
                ) from None
            if isinstance(error, duckdb.Error) or says_where(error):
                raise from_duckdb(error, text) from None
            raise
        finally:
            self._inside = False


def _apart(names: list[str]) -> list[str]:
    """Names of columns, each but once: ``a``, ``a_1``."""
    taken: set[str] = set()
    found = []
    for name in names:
        own, count = name, 0
        while own in taken:
            count += 1
            own = f"{name}_{count}"
        taken.add(own)
        found.append(own)
    return found

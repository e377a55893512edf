"""Ask the tables of a store in SQL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from graven.errors import BackendUnavailable, Conflict, InvalidInput
from graven.ids import new_nonce
from graven.store import Store
from graven.store.extras import need

if TYPE_CHECKING:
    from graven.sql.session import Answer


@contextmanager
def sql(
    store: Store,
    text: str,
    *,
    timeout: float | None = 60.0,
    memory: str = "1GB",
    on_stuck: Callable[[], None] | None = None,
) -> Iterator[Answer]:
    """The rows of an answer, taken within; see `graven.sql.session.run`."""
    need("pyarrow", "sql", "SQL")
    from graven.sql.session import run

    with run(store, text, timeout=timeout, memory=memory, on_stuck=on_stuck) as answer:
        yield answer


def write_parquet(answer: Answer, path: str, *, force: bool = False) -> int:
    """Write an answer as a Parquet file that appears when it is whole; returns the rows.

    Raises:
        Conflict: a file is there already. BackendUnavailable: it cannot be written.
        InvalidInput: kind ``bad-column``: Parquet has no form for a type of the answer.
    """
    import pyarrow.parquet as pq

    if os.path.lexists(path) and not force:
        raise Conflict(
            f"{path} is there already", kind="file-exists", hint="replace it with --force"
        )
    folder, name = os.path.split(os.path.abspath(path))
    temporary = os.path.join(folder, f".{name[:80]}-{new_nonce()[:16]}")
    rows = 0
    try:
        with pq.ParquetWriter(temporary, answer.schema, compression="zstd") as writer:
            for batch in answer:
                rows += batch.num_rows
                writer.write_batch(batch)
        os.replace(temporary, path)
    except NotImplementedError as error:
        raise InvalidInput(
            f"Parquet has no form for a column: {error}",
            kind="bad-column",
            hint="make it text in the statement: cast(COLUMN as varchar)",
        ) from error
    except OSError as error:
        raise BackendUnavailable(
            f"{path} cannot be written: {error.strerror or error}", kind="cannot-write"
        ) from error
    finally:
        with suppress(OSError):  # it has its name by now, or was never made
            os.unlink(temporary)
    return rows

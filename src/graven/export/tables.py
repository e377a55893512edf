"""The tables of a store as files that other engines read: Parquet, CSV, JSON lines, Delta.

Written into a folder, and brought up to date by a second call, which writes what is new and
removes what is gone. docs/sql.md shows how each engine reads them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from graven.errors import BackendUnavailable, Conflict, InvalidInput
from graven.frames.folder import TableFolder
from graven.frames.ledger import LEDGER, Ledger, load, save
from graven.frames.reading import Frames, chosen_schema
from graven.frames.schemas import TABLES

if TYPE_CHECKING:
    from graven.query import Query
    from graven.store import Store

FORMATS = ("parquet", "delta", "csv", "jsonl")


@dataclass(frozen=True, slots=True)
class TablesReport:
    """What an export did.

    Attributes:
        folder, format, tables: what was asked for.
        runs: how many there are in it now.
        written: files (Delta: tables) that were written.
        removed: files that were taken away.
        kept: files (Delta: tables) that were right already.
        rows: written.
    """

    folder: str
    format: str
    tables: tuple[str, ...]
    runs: int
    written: int
    removed: int
    kept: int
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "tables": list(self.tables)}


def export_tables(
    store: Store,
    format: str,
    folder: str | os.PathLike[str],
    *,
    where: str | Query = "",
    tables: Sequence[str] = TABLES,
) -> TablesReport:
    """Write tables into a folder, or bring it up to date.

    Files of runs lie in a folder for each month (UTC): ``metrics/month=2026-01/part-...``.
    What is there is known from a small file beside them; a call that is broken off is
    completed by the next.

    Args:
        store: is asked.
        format: one of `FORMATS`.
        folder: on this machine; made if it is not there. It must be empty, or written by this.
        where: which runs; others are not in it afterwards.
        tables: which; others are not in it afterwards.

    Raises:
        InvalidInput: no such format or table, or a query that cannot be read.
        Conflict: kind ``folder-taken``: something else is in the folder.
        BackendUnavailable: it cannot be written.
    """
    if format not in FORMATS:
        raise InvalidInput(
            f"no format {format!r}", kind="bad-format", hint=f"one of {', '.join(FORMATS)}",
            field="format",
        )  # fmt: skip
    wanted = tuple(dict.fromkeys(tables))
    for table in wanted:
        chosen_schema(table)
    frames = Frames(store, where)
    runs = len(frames.bulk)  # a query that is at fault is told before anything is written
    path = os.fspath(folder)
    try:
        ledger = _ledger(path, store.store_id, format)
        if format == "delta":
            from graven.export.delta import bring_up_to_date

            done = bring_up_to_date(path, frames, ledger, wanted)
        else:
            target = TableFolder(path, format, monthly=True, durable=True)
            done = target.bring_up_to_date(frames, ledger, wanted)
    except OSError as error:
        raise BackendUnavailable(
            f"{path} cannot be written: {error.strerror or error}", kind="cannot-write"
        ) from error
    return TablesReport(
        path, format, wanted, runs, done.written, done.removed, done.kept, done.rows
    )


def _ledger(folder: str, store_id: str, form: str) -> Ledger:
    """What the folder holds; a new one says so before the first file is in it."""
    os.makedirs(folder, exist_ok=True)
    found = load(folder)
    if found is None:
        if [name for name in os.listdir(folder) if not name.startswith(".tmp-")]:
            raise Conflict(
                f"{folder} is not empty, and nothing says that graven wrote it",
                kind="folder-taken",
                hint="name a new folder, or an empty one",
                folder=folder,
            )
        found = Ledger(store_id, form)
        save(folder, found, durable=True)
    for what, is_there, wanted in (
        ("format", found.form, form),
        ("store", found.store, store_id),
    ):
        if is_there != wanted:
            raise Conflict(
                f"{folder} holds tables of another {what}: {is_there}, not {wanted}",
                kind="folder-taken",
                hint=f"name another folder, or remove this one ({LEDGER} says what is in it)",
                folder=folder,
            )
    return found

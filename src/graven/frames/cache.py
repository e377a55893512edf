"""Tables of a store as datasets that are there at once: Parquet files in the store's cache.

The first question about a table copies it there, in some files of about a million values;
later ones add what is new. Derived and disposable, like the rest of the cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from graven.errors import NotFound
from graven.formats import layout
from graven.frames.folder import TableFolder, known_ledger
from graven.frames.ledger import checksum_of_end
from graven.frames.reading import Frames
from graven.frames.schemas import FRAMES_VERSION, OF_RUNS, SCHEMAS
from graven.store.bulk import state_of

if TYPE_CHECKING:
    from graven.frames.ledger import Ledger
    from graven.store import Store

_FOLDER = "frames"
_FORM = "parquet"
_ATTEMPTS = 3


def cache_folder(store: Store) -> str | None:
    """Where a store's tables are kept; None where nobody may write beside it."""
    client = store.parts.client
    if client is not None:
        return os.path.join(client.path, _FOLDER)
    root = getattr(store.parts.backend, "root", None)
    if root is None or store.readonly:
        return None
    return os.path.join(str(root), layout.CACHE, _FOLDER)


def forget(store: Store) -> None:
    """Throw the copies away, as when one turns out to be damaged."""
    folder = cache_folder(store)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def datasets(store: Store, tables: Collection[str]) -> dict[str, Any]:
    """Datasets or tables of Arrow, by name; those that follow from runs are of one moment.

    Args:
        store: is asked.
        tables: the names that are wanted.
    """
    wanted = [table for table in OF_RUNS if table in tables]
    frames = Frames(store)
    found: dict[str, Any] = {
        table: frames.reader(table).read_all() for table in tables if table not in OF_RUNS
    }
    if not wanted:
        return found
    folder = cache_folder(store)
    if folder is None or not _can_be_made(folder):
        return found | {table: frames.reader(table).read_all() for table in wanted}
    for _ in range(_ATTEMPTS):
        ledger = _up_to_date(store, folder, wanted)
        try:
            return found | {table: _open(folder, ledger, table) for table in wanted}
        except OSError:  # another process has replaced it since
            continue
        except ValueError:  # damaged
            forget(store)
            os.makedirs(folder, exist_ok=True)
    raise NotFound(
        f"tables in {folder} vanish as fast as they are written",
        kind="cache-vanishes",
        hint="try again",
    )


def _can_be_made(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _up_to_date(store: Store, folder: str, wanted: list[str]) -> Ledger:
    state = state_of(store)  # before the runs are listed: at worst they are listed again
    ledger = known_ledger(folder, store.store_id, _FORM)
    current = ledger.state == state and ledger.version == FRAMES_VERSION
    if current and all(g.whole and g.files.keys() >= set(wanted) for g in ledger.groups.values()):
        return ledger
    tables = TableFolder(folder, _FORM, monthly=False, durable=False)
    return tables.bring_up_to_date(
        Frames(store), ledger, wanted, state=state, keep_others=True
    ).ledger


def _open(folder: str, ledger: Ledger, table: str) -> ds.Dataset:
    """The files, held open: they may be removed while they are read."""
    scan = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    form = ds.ParquetFileFormat(default_fragment_scan_options=scan)
    fragments = []
    for name, facts in ledger.names(table).items():
        path = os.path.join(folder, *name.split("/"))
        handle = os.open(path, os.O_RDONLY)
        try:
            data = mmap(handle, 0, access=ACCESS_READ)
        finally:
            os.close(handle)
        if len(data) != facts.size or checksum_of_end(path) != facts.end:
            raise ValueError(f"{name} is not as it was written")
        fragments.append(form.make_fragment(pa.py_buffer(data)))
    if not fragments:
        return ds.dataset(SCHEMAS[table].empty_table())
    return ds.FileSystemDataset(fragments, SCHEMAS[table], form)

"""What a folder of tables holds: which runs stand in which files.

Runs go into files in groups, the same group for every table. A group never changes: if one of
its runs does, or goes, its files go too, and its other runs stand in another group.
"""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graven.backends.locks import folder_lock
from graven.errors import Corrupt
from graven.frames.schemas import FRAMES_VERSION
from graven.ids import hash_bytes, new_nonce
from graven.store.bulk import KEY_BYTES

LEDGER = "_graven_tables.json"
_ID_HEX = 20
_END = 256 * 1024
_PART = re.compile(rf"part-[0-9a-f]{{{_ID_HEX}}}\.(?:parquet|csv|jsonl)|\.tmp-[0-9a-f]+")


class FileFacts(NamedTuple):
    """A file that was written: number of rows, bytes, checksum of its end.

    Parquet says at its end where everything is; its pages have checksums of their own.
    """

    rows: int
    size: int
    end: str


def checksum_of_end(path: str) -> str:
    """16 hex digits, of the last `_END` bytes of a file."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
        return hash_bytes(file.read()).hex()[:16]


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that stand in the same files.

    Attributes:
        id: follows from the keys.
        month: folder that its files are in; empty for none.
        keys: of the runs, see `graven.store.bulk.BulkRun`.
        whole: False if something of them could not be read: then it is made anew next time.
        files: of each table that was written.
    """

    id: str
    month: str
    keys: NDArray[np.bytes_]
    whole: bool = True
    files: dict[str, FileFacts] = field(default_factory=dict)

    @staticmethod
    def of(month: str, keys: NDArray[np.bytes_]) -> Group:
        """A group without files."""
        facts = f"{FRAMES_VERSION} {month} ".encode()
        return Group(hash_bytes(facts + keys.tobytes()).hex()[:_ID_HEX], month, keys)

    def with_file(self, table: str, facts: FileFacts, *, whole: bool) -> Group:
        """The same with one more file."""
        return replace(self, files={**self.files, table: facts}, whole=self.whole and whole)


@dataclass(frozen=True, eq=False)
class Ledger:
    """The content of a folder.

    Attributes:
        store: id of the store.
        form: ``parquet``, ``csv``, ``jsonl`` or ``delta``.
        version: of the tables' content.
        state: of the store when it was last looked at, see `graven.store.bulk.state_of`.
        groups: by id.
        others: files of tables that are written as one: id and facts.
        marks: what the writer of a form keeps of a table.
    """

    store: str
    form: str
    version: int = FRAMES_VERSION
    state: str = ""
    groups: dict[str, Group] = field(default_factory=dict)
    others: dict[str, tuple[str, FileFacts]] = field(default_factory=dict)
    marks: dict[str, Any] = field(default_factory=dict)

    def names(self, table: str) -> dict[str, FileFacts]:
        """Path of each file of a table, below the folder."""
        ending = self.form
        found = {
            part_path(table, group.month, group.id, ending): group.files[table]
            for group in self.groups.values()
            if table in group.files
        }
        if table in self.others:
            identity, facts = self.others[table]
            found[part_path(table, "", identity, ending)] = facts
        return found


def part_path(table: str, month: str, identity: str, ending: str) -> str:
    """Where a file lies: ``metrics/month=2026-01/part-<id>.parquet``, with ``/``."""
    folder = f"{table}/month={month}" if month else table
    return f"{folder}/part-{identity}.{ending}"


def is_part(name: str) -> bool:
    """True for a file name that only this module gives."""
    return _PART.fullmatch(name) is not None


def load(folder: str) -> Ledger | None:
    """The ledger of a folder, None where there is none.

    Raises:
        Corrupt: it cannot be read, or is not what was written.
    """
    path = os.path.join(folder, LEDGER)
    try:
        with open(path, "rb") as file:
            head, _, data = file.read().partition(b"\n")
    except FileNotFoundError:
        return None
    try:
        if hash_bytes(data).hex() != json.loads(head)["blake3"]:
            raise ValueError("its checksum is another")
        return _decode(json.loads(data))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Corrupt(
            f"{path} cannot be read: {error}",
            kind="bad-ledger",
            hint="delete the folder, or write into another one",
        ) from error


def locked(folder: str) -> AbstractContextManager[None]:
    """One process at a time, where there are locks: the others wait."""
    return folder_lock(folder, exclusive=True)


def save(folder: str, ledger: Ledger, *, durable: bool) -> None:
    """Put the ledger in the place of the one before, whole or not at all."""
    data = json.dumps(_encode(ledger)).encode()
    head = json.dumps(
        {"what": "files of tables written by graven", "blake3": hash_bytes(data).hex()}
    )
    put(folder, LEDGER, head.encode() + b"\n" + data, durable=durable)


def put(folder: str, name: str, data: bytes, *, durable: bool) -> None:
    """Write a small file beside its place and rename it."""
    temporary = os.path.join(folder, f".tmp-{new_nonce()[:_ID_HEX]}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, os.path.join(folder, name))
    except OSError:
        with suppress(OSError):  # it may never have been made
            os.unlink(temporary)
        raise
    if durable:
        sync_folder(folder)


def sync_folder(folder: str) -> None:
    """Let a rename in a folder outlive a power cut, where the system can say so."""
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _encode(ledger: Ledger) -> dict[str, Any]:
    return {
        "store": ledger.store,
        "form": ledger.form,
        "version": ledger.version,
        "state": ledger.state,
        "others": {table: [name, *facts] for table, (name, facts) in ledger.others.items()},
        "marks": ledger.marks,
        "groups": [
            {
                "id": group.id,
                "month": group.month,
                "keys": base64.b85encode(group.keys.tobytes()).decode(),
                "whole": group.whole,
                "files": group.files,
            }
            for group in ledger.groups.values()
        ],
    }


def _facts(rows: int, size: int, end: str) -> FileFacts:
    return FileFacts(int(rows), int(size), str(end))


def _decode(record: dict[str, Any]) -> Ledger:
    groups = {}
    for one in record["groups"]:
        keys = np.frombuffer(base64.b85decode(one["keys"]), f"S{KEY_BYTES}")
        files = {table: _facts(*facts) for table, facts in one["files"].items()}
        groups[one["id"]] = Group(one["id"], str(one["month"]), keys, bool(one["whole"]), files)
    return Ledger(
        store=str(record["store"]),
        form=str(record["form"]),
        version=int(record["version"]),
        state=str(record["state"]),
        groups=groups,
        others={
            table: (str(name), _facts(*facts)) for table, (name, *facts) in record["others"].items()
        },
        marks=dict(record["marks"]),
    )

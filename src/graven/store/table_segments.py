"""Segments: Parquet files that hold the rows of one table of many runs, derived, disposable.

Opening a thousand small files costs more than reading their rows. So a scan copies them, once,
into few files; each says in its footer which object of which run its rows are from. Later
scans add segments, and merge small ones. One that holds what is no more (a run was deleted,
relabelled, its table replaced), or what another holds too, is made anew before it is read.
So nothing has to be locked, and no rows need to be left out while reading.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from mmap import ACCESS_READ, mmap
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from graven.catalog.tables import TableKey
from graven.formats.parquet import RUN_COLUMNS
from graven.ids import ObjectId, hash_bytes, new_nonce
from graven.store.table_schemas import cast_table, joined_schema, plain_schema

SEGMENT_BYTES = 64 * 1024 * 1024  # of rows decoded, when one is begun
MAX_MERGED_BYTES = 256 * 1024 * 1024
MERGE_AT = 4  # segments of about one size
ROW_GROUP = 32 * 1024  # rows; what a condition on a run reads at least
_VERSION = 1
_FACTS = b"graven"
_TAIL = 8  # length of the footer and the magic
_WHOLE_BYTES = 4 * 1024 * 1024  # a file up to here is hashed whole before it is believed
_ENDING = ".parquet"
_DIGEST_HEX = 32

_RUN_FIELDS = [pa.field(name, pa.string()) for name in RUN_COLUMNS]


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its content, and how many rows of which tables it has, in their order.

    ``path`` is None for one that could not be kept.
    """

    path: str | None
    buffer: pa.Buffer
    entries: dict[TableKey, Entry]
    schema: pa.Schema  # of the tables together, the columns of the run left out
    nbytes: int  # decoded
    groups: tuple[int, ...]  # rows of each row group

    def groups_of(self, wanted: Collection[TableKey]) -> list[int] | None:
        """Numbers of the row groups that have rows of these tables; None for all."""
        ends = list(accumulate(self.groups))
        found: set[int] = set()
        start = 0
        for key, entry in self.entries.items():
            if entry.rows and key in wanted:
                first = bisect_right(ends, start)
                last = bisect_right(ends, start + entry.rows - 1)
                found.update(range(first, last + 1))
            start += entry.rows
        return None if len(found) == len(ends) else sorted(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """Of one table: its number of rows, and its own columns."""

    rows: int
    schema: pa.Schema


class Part(NamedTuple):
    """One table on its way into a segment, and its columns before they were brought together."""

    key: TableKey
    table: pa.Table
    schema: pa.Schema

    def cast(self, schema: pa.Schema) -> Part:
        """The same rows with these columns; those that it lacks are null."""
        return self._replace(table=cast_table(self.table, schema))


class Segments:
    """The segments of one table.

    Args:
        folder: where they lie; None keeps them in memory alone.
        store_id: a segment of another store is thrown away.
    """

    def __init__(self, folder: str | None, store_id: str) -> None:
        self._folder = folder
        self._store_id = store_id
        self._held: list[Segment] = []

    def cover(
        self,
        wanted: Sequence[TableKey],
        alive: Collection[TableKey],
        read: Callable[[Sequence[TableKey]], Iterable[tuple[TableKey, pa.Table]]],
    ) -> list[Segment]:
        """Segments that hold all of ``wanted`` that can be read, and nothing that is dead.

        Args:
            wanted: the tables of the scan.
            alive: all tables of this name; ``wanted`` is among them.
            read: reads tables, in any order; leaves out what cannot be read.
        """
        kept, hurt = self._sound(alive)
        for segment in hurt:
            kept += self._rebuilt(segment, _keys(kept), alive)
        held = _keys(kept)
        missing = [key for key in wanted if key not in held]
        if missing:
            kept += self._built(Part(key, t, plain_schema(t.schema)) for key, t in read(missing))
            kept = self._merged(kept)
        self._held = [s for s in kept if s.path is None]
        asked = set(wanted)
        return [segment for segment in kept if not asked.isdisjoint(segment.entries)]

    def _sound(self, alive: Collection[TableKey]) -> tuple[list[Segment], list[Segment]]:
        """Those that can be read as they are, and those that hold too much; large ones first."""
        kept: list[Segment] = []
        hurt: list[Segment] = []
        held: set[TableKey] = set()
        for segment in sorted(self._all(), key=lambda s: (-s.nbytes, s.path or "")):
            keys = segment.entries.keys()
            if held.isdisjoint(keys) and all(key in alive for key in keys):
                kept.append(segment)
                held.update(keys)
            else:
                hurt.append(segment)
        return kept, hurt

    def _all(self) -> Iterator[Segment]:
        yield from self._held
        if self._folder is None:
            return
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return  # none was ever made, or nobody may look
        for name in names:
            path = os.path.join(self._folder, name)
            segment = _open(path, self._store_id) if name.endswith(_ENDING) else None
            if segment is not None:
                yield segment
            elif name.endswith(_ENDING):
                _remove(path)

    def _rebuilt(
        self, segment: Segment, held: set[TableKey], alive: Collection[TableKey]
    ) -> list[Segment]:
        """What of a segment is worth keeping; what is damaged is read from its objects again."""
        parts = [p for p in _split(segment) if p.key in alive and p.key not in held]
        made = list(self._built(parts))
        _remove(segment.path)
        return made

    def _built(self, parts: Iterable[Part]) -> Iterator[Segment]:
        """Tables whose columns are of the same types share a segment, up to its size."""
        open_ones: list[_Growing] = []
        for part in parts:
            growing = next((g for g in open_ones if g.take(part)), None)
            if growing is None:
                growing = _Growing()
                growing.take(part)
                open_ones.append(growing)
            if growing.nbytes >= SEGMENT_BYTES:
                open_ones.remove(growing)
                yield self._written(growing)
        for growing in open_ones:
            yield self._written(growing)

    def _merged(self, segments: list[Segment]) -> list[Segment]:
        """Of `MERGE_AT` segments of about one size one is made."""
        levels: dict[int, list[Segment]] = {}
        for segment in segments:
            levels.setdefault(segment.nbytes.bit_length() // 2, []).append(segment)
        out = []
        for members in levels.values():
            small = sum(m.nbytes for m in members) <= MAX_MERGED_BYTES
            if len(members) < MERGE_AT or not small:
                out += members
                continue
            out += self._built(part for member in members for part in _split(member))
            for member in members:
                _remove(member.path)
        return out

    def _written(self, growing: _Growing) -> Segment:
        entries, table = growing.finish()
        schemas: dict[pa.Schema, int] = {}
        for entry in entries.values():
            schemas.setdefault(entry.schema, len(schemas))
        facts = {
            "version": _VERSION,
            "store": self._store_id,
            "nbytes": table.nbytes,
            "schemas": [base64.b85encode(s.serialize()).decode() for s in schemas],
            "entries": [
                [
                    *(key.run_id, key.object_id.hex(), key.branch, key.experiment),
                    *(entry.rows, schemas[entry.schema]),
                ]
                for key, entry in entries.items()
            ],
        }
        sink = pa.BufferOutputStream()
        options = {"compression": "lz4", "write_page_checksum": True, "version": "2.6"}
        with pq.ParquetWriter(
            sink, table.schema, use_dictionary=_texts(table.schema), **options
        ) as writer:
            writer.write_table(table, row_group_size=ROW_GROUP)
            writer.add_key_value_metadata({_FACTS: json.dumps(facts)})
        buffer = sink.getvalue()
        path = None
        if self._folder is not None:
            path = _keep(self._folder, buffer)
        groups = _group_sizes(pq.read_metadata(pa.BufferReader(buffer)))
        return Segment(path, buffer, entries, growing.schema, table.nbytes, groups)


class _Growing:
    """Tables that will be one segment, all of them with its columns."""

    def __init__(self) -> None:
        self.schema = pa.schema([])
        self._parts: dict[TableKey, Part] = {}
        self.nbytes = 0

    def take(self, part: Part) -> bool:
        """Take a table in, unless a column is of another type than it has here."""
        if not part.table.schema.equals(self.schema):
            # Types stay as they are: whoever asks for one run gets its own again.
            plain = plain_schema(part.table.schema)
            joined = joined_schema(self.schema, plain)
            if joined is None:
                return False
            if not joined.equals(self.schema):
                self._parts = {key: p.cast(joined) for key, p in self._parts.items()}
                self.schema = joined
            part = part.cast(joined)
        self._parts[part.key] = part
        self.nbytes += part.table.nbytes
        return True

    def finish(self) -> tuple[dict[TableKey, Entry], pa.Table]:
        """The entries in the order of their rows, and the rows: neighbours are alike."""
        keys = sorted(self._parts, key=lambda k: (k.experiment or "", k.branch or "", k.run_id))
        parts = [self._parts[key] for key in keys]
        entries = {p.key: Entry(p.table.num_rows, p.schema) for p in parts}
        own = [
            _repeated([(getattr(p.key, name), p.table.num_rows) for p in parts])
            for name in RUN_COLUMNS
        ]
        table = pa.concat_tables([p.table.replace_schema_metadata() for p in parts])
        schema = pa.schema([*_RUN_FIELDS, *self.schema])
        return entries, pa.Table.from_arrays([*own, *table.columns], schema=schema)


def _texts(schema: pa.Schema) -> list[str]:
    """Columns whose values repeat; numbers seldom do, and are faster to read as they are."""
    return [field.name for field in schema if pa.types.is_string(field.type)]


def _repeated(values: list[tuple[str | None, int]]) -> pa.ChunkedArray:
    return pa.chunked_array(
        [pa.repeat(pa.scalar(value, pa.string()), rows) for value, rows in values], pa.string()
    )


def _keys(segments: Iterable[Segment]) -> set[TableKey]:
    return {key for segment in segments for key in segment.entries}


def _split(segment: Segment) -> Iterator[Part]:
    """The tables in a segment, each by itself again; none if it is damaged."""
    try:
        table = pq.read_table(pa.BufferReader(segment.buffer), page_checksum_verification=True)
    except (pa.ArrowException, OSError):
        return
    table = table.select(list(segment.schema.names))
    start = 0
    for key, entry in segment.entries.items():
        yield Part(key, table.slice(start, entry.rows), entry.schema)
        start += entry.rows


def _keep(folder: str, buffer: pa.Buffer) -> str | None:
    """Write a segment beside its place, and rename it; None where that cannot be done."""
    path = os.path.join(folder, f"{new_nonce()[:16]}-{_digest(buffer)}{_ENDING}")
    temporary = None
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(buffer)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        return None
    return path


def _digest(buffer: pa.Buffer) -> str:
    """Of all of it, or of the footer of a large one, whose pages have checksums."""
    if buffer.size <= _WHOLE_BYTES:
        return hash_bytes(memoryview(buffer)).hex()[:_DIGEST_HEX]
    return hash_bytes(_footer(buffer)).hex()[:_DIGEST_HEX]


def _footer(buffer: pa.Buffer) -> bytes:
    view = memoryview(buffer)
    length = int.from_bytes(view[-_TAIL:-4], "little") + _TAIL
    return bytes(view[max(0, len(view) - length) :])


def _open(path: str, store_id: str) -> Segment | None:
    """A segment that a scan may believe, None for all others: they are made anew."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        try:
            buffer = pa.py_buffer(mmap(handle, 0, access=ACCESS_READ))
        finally:
            os.close(handle)
        if not path.endswith(f"-{_digest(buffer)}{_ENDING}"):
            return None
        file = pq.ParquetFile(pa.BufferReader(buffer))
        facts = json.loads(file.metadata.metadata[_FACTS])
        if facts["version"] != _VERSION or facts["store"] != store_id:
            return None
        schemas = [
            pa.ipc.read_schema(pa.py_buffer(base64.b85decode(text))) for text in facts["schemas"]
        ]
        entries = {
            TableKey(run_id, ObjectId(bytes.fromhex(object_id)), branch, experiment): Entry(
                rows, schemas[number]
            )
            for run_id, object_id, branch, experiment, rows, number in facts["entries"]
        }
        schema = pa.schema(list(file.schema_arrow)[len(RUN_COLUMNS) :])
    except (OSError, LookupError, TypeError, ValueError, pa.ArrowException):
        return None
    groups = _group_sizes(file.metadata)
    return Segment(path, buffer, entries, schema, facts["nbytes"], groups)


def _group_sizes(metadata: pq.FileMetaData) -> tuple[int, ...]:
    return tuple(metadata.row_group(n).num_rows for n in range(metadata.num_row_groups))


def _remove(path: str | None) -> None:
    if path is not None:
        with suppress(OSError):  # somebody else did, or has it open: it is looked at again
            os.unlink(path)

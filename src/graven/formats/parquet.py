"""Tables as Parquet files: anything of Arrow in, equal bytes for equal tables, bounded reading.

Imports pyarrow, so that nothing but the tables of a store may load it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from graven.errors import Corrupt, GravenError, InvalidInput
from graven.ids import hash_bytes

MEDIA_TYPE = "application/vnd.apache.parquet"
RUN_COLUMNS = ("run_id", "branch", "experiment")
# What pyarrow's datasets know of each row under these names: of a column they would be two.
_RESERVED = (*RUN_COLUMNS, "__filename", "__fragment_index", "__batch_index", "__last_in_fragment")
"""What a scan adds to each row, so no table may have columns of these names."""

MAX_TABLE_BYTES = 2 * 1024**3
"""Unless the caller says otherwise no more is decoded of one table, or of one row group."""

_GROUP_BYTES = 64 * 1024 * 1024  # of a row group, by a guess from the schema alone
_MAX_GROUP_ROWS = 128 * 1024
_GUESSED_WIDTH = 32  # of a value that has no fixed width
_SMALL_BYTES = 4 * 1024 * 1024
_FEW_ROWS = 512  # of a file whose texts may be far larger than they look
_THRIFT_BYTES = 64 * 1024 * 1024  # of a footer: a reader never takes more
_PHYSICAL_WIDTH = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8, "BYTE_ARRAY": 4}
_AS_LONG_AS_THEY_LOOK = {"PLAIN", "RLE", "BIT_PACKED", "BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED"}
_ARROW_REFUSALS = (
    *(pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError),
    pa.ArrowIndexError,  # a dictionary's codes may be anything
)
_ARROW_ERRORS = (pa.ArrowException, OSError, ValueError)


class Written(NamedTuple):
    """What a Parquet file holds: number of rows, fingerprint of the schema."""

    rows: int
    schema: str


def as_reader(table: object) -> pa.RecordBatchReader:
    """A stream of record batches of anything that Arrow reads: table, batch, reader, data frame.

    Data frames of pandas and polars, and all else with the Arrow C interface; a mapping of
    column names to arrays or lists too.

    Raises:
        InvalidInput: not a table.
    """
    try:
        return _reader(table)
    except GravenError:
        raise
    except (*_ARROW_ERRORS, TypeError) as error:
        raise InvalidInput(
            f"not a table that Arrow can read: {error}", kind="bad-table", field="table"
        ) from error


def _reader(table: Any) -> pa.RecordBatchReader:
    if isinstance(table, pa.RecordBatchReader):
        return table
    if isinstance(table, pa.Table):
        return table.to_reader()
    if isinstance(table, pa.RecordBatch):
        return pa.RecordBatchReader.from_batches(table.schema, [table])
    if isinstance(table, Mapping):
        return pa.table(dict(table)).to_reader()
    if hasattr(table, "__arrow_c_stream__"):
        return pa.RecordBatchReader.from_stream(table)
    if hasattr(table, "__arrow_c_array__"):
        batch = pa.record_batch(table)
        return pa.RecordBatchReader.from_batches(batch.schema, [batch])
    if type(table).__module__.partition(".")[0] == "pandas":  # before 2.2
        return pa.Table.from_pandas(table).to_reader()
    raise InvalidInput(
        f"not a table: {type(table).__name__}",
        kind="bad-table",
        hint="give an Arrow table or reader, a data frame, or a mapping of columns",
        field="table",
    )


def check_schema(schema: pa.Schema) -> None:
    """Refuse what a scan over many runs could not show.

    Raises:
        InvalidInput: no columns, a name twice, or a name that a scan adds itself.
    """
    if not schema.names:
        raise InvalidInput(
            "table has no columns", kind="bad-table", hint="Parquet keeps no rows without columns"
        )
    seen = set()
    for name in schema.names:
        if name in seen:
            raise InvalidInput(f"table has column {name!r} twice", kind="bad-table", field=name)
        seen.add(name)
        if name in _RESERVED:
            raise InvalidInput(
                f"table has a column {name!r}, which a scan over all runs adds itself",
                kind="reserved-column",
                hint="leave it out, or give it another name",
                field=name,
            )


def fingerprint(schema: pa.Schema) -> str:
    """16 hex digits: equal for equal names and types in equal order, whatever their metadata."""
    return hash_bytes(schema.remove_metadata().serialize().to_pybytes()).hex()[:16]


def write_parquet(
    reader: pa.RecordBatchReader, sink: Any, check: Callable[[], None] | None = None
) -> Written:
    """Write a table; equal rows give equal bytes, in whatever batches they come.

    Args:
        reader: the rows, taken one row group at a time.
        sink: a path, or a file that pyarrow writes to; its ``write`` must not raise, or the
            process ends.
        check: called after each row group and at the end; raises what happened to the sink.

    Raises:
        InvalidInput: see `check_schema`; a column of a type that Parquet has no form for.
    """
    schema = _portable(reader.schema)
    check_schema(schema)
    rows = 0
    size = _group_rows(schema)
    try:
        with pq.ParquetWriter(sink, schema, **_options()) as writer:
            for group in _regrouped(reader, schema, size):
                rows += group.num_rows
                writer.write_table(group, row_group_size=size)
                if check is not None:
                    check()
        if check is not None:
            check()
    except _ARROW_REFUSALS as error:
        raise _refusal(schema, error) from error
    except GravenError:  # of who gives the rows, or of the sink
        raise
    except OSError as error:
        if error.errno is not None:  # of the disk; what Arrow itself says has no number
            raise
        raise _refusal(schema, error) from error
    return Written(rows, fingerprint(schema))


def _options() -> dict[str, Any]:
    found: dict[str, Any] = {"compression": "zstd", "write_statistics": True, "version": "2.6"}
    if "use_content_defined_chunking" in pq.ParquetWriter.__init__.__code__.co_varnames:
        found["use_content_defined_chunking"] = True  # from pyarrow 21 on
    return found


def _portable(schema: pa.Schema) -> pa.Schema:
    """Types that Parquet has no form for as those that it has, so that all readers know them."""
    for number, field in enumerate(schema):
        stored = _stored_type(field.type, field.name, 0)
        if stored != field.type:
            schema = schema.set(number, field.with_type(stored))
    return schema


def _stored_type(given: pa.DataType, column: str, depth: int) -> pa.DataType:
    """Views become plain texts, codes 32 bits (at the top), seconds milliseconds (at any depth).

    Left to Parquet's writer, seconds that no milliseconds can hold would end the process.
    """
    if depth > _MAX_NESTED or (pa.types.is_fixed_size_list(given) and not given.list_size):
        raise InvalidInput(
            f"column {column!r} has a type that no Parquet file is read back with:"
            f" {str(given)[:60]}",
            kind="bad-table",
            field=column,
        )
    if pa.types.is_timestamp(given) and given.unit == "s":
        return pa.timestamp("ms", given.tz)
    if pa.types.is_time32(given):
        return pa.time32("ms")
    if pa.types.is_dictionary(given):
        values = _stored_type(given.value_type, column, depth + 1)
        values = _PLAIN_TYPES.get(str(values), values)
        # Together batches may have more values than the codes of each have room for; and
        # these are the codes that Parquet files are read with, whatever was written.
        return pa.dictionary(given.index_type if depth else pa.int32(), values, given.ordered)
    if isinstance(given, pa.BaseExtensionType) or not given.num_fields:
        return given if depth else _PLAIN_TYPES.get(str(given), given)
    below = depth + (1 if pa.types.is_struct(given) else 2)  # levels of Parquet's
    inner = [given.field(number) for number in range(given.num_fields)]
    stored = [f.with_type(_stored_type(f.type, column, below)) for f in inner]
    return given if stored == inner else _with_fields(given, stored)


def _with_fields(given: pa.DataType, inner: list[pa.Field]) -> pa.DataType:
    """A nested type with other types within."""
    if pa.types.is_struct(given):
        return pa.struct(inner)
    if pa.types.is_fixed_size_list(given):
        return pa.list_(inner[0], given.list_size)
    for test, make in (
        (pa.types.is_list, pa.list_),
        (pa.types.is_large_list, pa.large_list),
        (pa.types.is_list_view, pa.list_),
        (pa.types.is_large_list_view, pa.large_list),
    ):
        if test(given):
            return make(inner[0])
    if pa.types.is_map(given):
        key, item = inner[0].type
        return pa.map_(key, item, given.keys_sorted)
    return given  # unions and the like: Parquet says what it thinks of them


_MAX_NESTED = 90  # levels: Arrow's reader takes 100
_PLAIN_TYPES = {"string_view": pa.string(), "binary_view": pa.binary()}


def _ported(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    columns = []
    for column, field in zip(batch.columns, schema, strict=True):
        if pa.types.is_dictionary(field.type) and column.type != field.type:
            values = column.dictionary.cast(field.type.value_type)
            codes = column.indices.cast(field.type.index_type)
            ported = pa.DictionaryArray.from_arrays(codes, values, ordered=field.type.ordered)
        else:
            ported = column.cast(field.type) if column.type != field.type else column
        columns.append(ported)
    return pa.Table.from_arrays(columns, schema=schema)


def _group_rows(schema: pa.Schema) -> int:
    width = 0
    for field in schema:
        try:
            width += max(1, field.type.bit_width // 8)
        except ValueError:
            width += _GUESSED_WIDTH
    return max(1024, min(_MAX_GROUP_ROWS, _GROUP_BYTES // width))


def _regrouped(reader: pa.RecordBatchReader, schema: pa.Schema, size: int) -> Iterator[pa.Table]:
    """Tables of ``size`` rows, the last one of fewer; where batches end leaves no trace."""
    parts: list[pa.Table] = []
    held = 0
    for batch in reader:
        rest = _ported(batch, schema)
        while held + rest.num_rows >= size:
            take = size - held
            yield _joined([*parts, rest.slice(0, take)])
            rest, parts, held = rest.slice(take), [], 0
        if rest.num_rows:
            parts.append(rest)
            held += rest.num_rows
    if parts:
        yield _joined(parts)


def _joined(parts: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts).combine_chunks()
    for number, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            # In the order in which values appear: that of the source is its own affair.
            chunks = [_encoded(chunk) for chunk in table.column(number).chunks]
            table = table.set_column(number, field, pa.chunked_array(chunks, field.type))
    return table


def _encoded(column: pa.DictionaryArray) -> pa.DictionaryArray:
    try:
        found = column.dictionary.take(column.indices).dictionary_encode()
    except pa.ArrowNotImplementedError:
        return column  # lists and the like are not told apart by value
    indices = found.indices.cast(column.type.index_type)
    return pa.DictionaryArray.from_arrays(indices, found.dictionary, ordered=column.type.ordered)


def _refusal(schema: pa.Schema, error: Exception) -> InvalidInput:
    for field in schema:
        try:
            empty = pa.table([pa.nulls(0, field.type)], schema=pa.schema([field]))
            pq.write_table(empty, pa.BufferOutputStream())
        except (pa.ArrowException, NotImplementedError, OSError):
            return InvalidInput(
                f"column {field.name!r} is of type {field.type}, which Parquet has no form for",
                kind="bad-table",
                field=field.name,
            )
    return InvalidInput(f"table cannot be written as Parquet: {error}", kind="bad-table")


def open_parquet(source: Any, what: str, limit: int = MAX_TABLE_BYTES) -> pq.ParquetFile:
    """Open a Parquet file of anybody, its claims checked before anything is decoded.

    Args:
        source: a buffer or file of pyarrow's.
        what: its name in messages.
        limit: bytes that a row group may take when decoded.

    Raises:
        Corrupt: no Parquet file (kind ``bad-table``). InvalidInput: too large.
    """
    try:
        file = pq.ParquetFile(
            source,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=_THRIFT_BYTES,
        )
    except GravenError:
        raise
    except _ARROW_ERRORS as error:
        raise Corrupt(f"{what} is no Parquet file: {error}", kind="bad-table") from error
    for number in range(file.metadata.num_row_groups):
        _refuse_above(limit, _claim(file.metadata.row_group(number)), what, f"row group {number}")
    return file


def read_table(file: pq.ParquetFile, what: str, limit: int = MAX_TABLE_BYTES) -> pa.Table:
    """All rows, no more than ``limit`` bytes of them.

    Raises:
        Corrupt: damaged. InvalidInput: it would be larger.
    """
    groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
    _refuse_above(limit, sum(map(_claim, groups)), what, "it")
    if not groups:  # which older pyarrows do not read
        return file.schema_arrow.empty_table()
    try:
        if sum(_worst(group) for group in groups) <= limit:
            # Small ones in this thread: to wake others takes longer.
            return file.read(use_threads=sum(map(_claim, groups)) > _SMALL_BYTES)
        return _read_watched(file, what, limit)
    except GravenError:
        raise
    except _ARROW_ERRORS as error:
        raise Corrupt(f"{what} cannot be decoded: {error}", kind="bad-table") from error


def _read_watched(file: pq.ParquetFile, what: str, limit: int) -> pa.Table:
    """A few rows at a time: a text of a megabyte may stand a million times in a small file."""
    batches: list[pa.RecordBatch] = []
    total = 0
    for batch in file.iter_batches(batch_size=_FEW_ROWS):
        total += batch.nbytes
        _refuse_above(limit, total, what, "it")
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=file.schema_arrow)


def _claim(group: Any) -> int:
    """What a row group says it takes at least; -1 for nonsense."""
    total = 0
    for number in range(group.num_columns):
        column = group.column(number)
        if min(column.num_values, column.total_uncompressed_size, group.num_rows) < 0:
            return -1
        width = _PHYSICAL_WIDTH.get(column.physical_type, 0)
        total += max(column.total_uncompressed_size, column.num_values * width)
    return total


def _worst(group: Any) -> int:
    """What it may take at most: each value as long as all that is stored of its column."""
    total = 0
    for number in range(group.num_columns):
        column = group.column(number)
        size = column.total_uncompressed_size
        if column.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
            plain = set(column.encodings) <= _AS_LONG_AS_THEY_LOOK
            total += size if plain else size * max(1, column.num_values)
        else:
            total += max(size, column.num_values * 8)
    return total


def _refuse_above(limit: int, size: int, what: str, part: str) -> None:
    if size < 0:
        raise Corrupt(f"{what}: {part} has a size below zero", kind="bad-table")
    if size > limit:
        raise InvalidInput(
            f"{what}: {part} takes {size:,} bytes when decoded, over {limit:,}",
            kind="table-too-large",
            hint="raise max_bytes if the file is to be trusted",
        )

"""Whether the values of each table fit the types that all tables of a scan come to have.

A type says what may be: an integer of 64 bits goes with floats unless it is above 2^53. So a
look at the least and the largest value of each row group tells, which a footer knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from graven.errors import InvalidInput
from graven.store.table_schemas import plain_schema

_REFUSED = (pa.ArrowInvalid, pa.ArrowNotImplementedError)


class Rows(NamedTuple):
    """A file of a scan: what to open, which row groups (None: all), and whose rows they are.

    ``runs`` are run ids with their numbers of rows, in the order in which these stand.
    """

    open: Callable[[], pq.ParquetFile]
    schema: pa.Schema
    groups: Sequence[int] | None
    runs: Callable[[], Iterator[tuple[str, int]]]


def check_values(
    name: str, wanted: pa.Schema, files: Sequence[Rows], schemas: Mapping[str, pa.Schema]
) -> None:
    """Refuse a scan in which some value has no form in the type of its column.

    Args:
        name: the table's.
        wanted: the columns that are asked for, as all tables have them in the scan.
        files: all that will be read; only those with a column of a risky type are opened.
        schemas: of some runs, to name one of another type.

    Raises:
        InvalidInput: names the column, a run that has such a value, and another run.
    """
    for rows in files:
        own = plain_schema(rows.schema)
        changed = [
            (field, own.field(field.name).type)
            for field in wanted
            if own.get_field_index(field.name) >= 0
            and _may_fail(own.field(field.name).type, field.type)
        ]
        if not changed:
            continue
        file = rows.open()
        for field, given in changed:
            if not _fits(file, rows.groups, field, given):
                run_id = _first_that_fails(file, rows, field)
                if run_id is not None:
                    raise _misfit(name, field, given, run_id, schemas)


def _may_fail(given: pa.DataType, wanted: pa.DataType) -> bool:
    if given.equals(wanted) or pa.types.is_null(given):
        return False
    if given.num_fields:  # of nested types somebody has to look at the values
        return True
    if pa.types.is_integer(given):
        if pa.types.is_integer(wanted):
            unsigned = bool(pa.types.is_unsigned_integer(given))
            return unsigned and bool(given.bit_width >= wanted.bit_width)
        return bool(pa.types.is_floating(wanted))
    return bool(pa.types.is_temporal(given))


def _fits(
    file: pq.ParquetFile, groups: Sequence[int] | None, field: pa.Field, given: pa.DataType
) -> bool:
    """True if all values do, as the footer tells it; False too where it does not tell."""
    metadata = file.metadata
    paths = [metadata.schema.column(n).path for n in range(metadata.num_columns)]
    if given.num_fields or paths.count(field.name) != 1:
        return False
    number = paths.index(field.name)
    for group in range(metadata.num_row_groups) if groups is None else groups:
        column = metadata.row_group(group).column(number)
        known = column.statistics
        if known is not None and known.null_count == column.num_values:
            continue
        if known is None or not known.has_min_max:
            return False
        try:
            for value in (known.min, known.max):
                pa.scalar(value, given).cast(field.type)
        except (*_REFUSED, pa.ArrowTypeError, OverflowError, ValueError):
            return False
    return True


def _first_that_fails(file: pq.ParquetFile, rows: Rows, field: pa.Field) -> str | None:
    """The run whose values do not fit; None if, looked at closely, all do."""
    if rows.groups is not None and _cast(file.read_row_groups(rows.groups, [field.name]), field):
        return None
    column = file.read(columns=[field.name])
    start = 0
    for run_id, count in rows.runs():
        if not _cast(column.slice(start, count), field):
            return run_id
        start += count
    return None


def _cast(table: pa.Table, field: pa.Field) -> bool:
    """True if it can be done."""
    column = table.column(field.name)
    try:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        column.cast(field.type)
    except _REFUSED:
        return False
    return True


def _misfit(
    name: str,
    field: pa.Field,
    given: pa.DataType,
    run_id: str,
    schemas: Mapping[str, pa.Schema],
) -> InvalidInput:
    other_id, other = run_id, field.type
    for candidate, schema in schemas.items():
        plain = plain_schema(schema)
        number = plain.get_field_index(field.name)
        if number >= 0 and not plain.field(number).type.equals(given):
            other_id, other = candidate, plain.field(number).type
            break
    return InvalidInput(
        f"table {name!r}: column {field.name!r} is {given} in run {run_id} and {other} in run"
        f" {other_id}, and some of its values there have no form as {field.type}",
        kind="schema-conflict",
        hint="scan a part of the runs or other columns, or put the table of one of them anew",
        field=field.name,
        run=run_id,
    )

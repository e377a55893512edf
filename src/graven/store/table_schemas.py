"""Columns of many tables brought together by name."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from graven.errors import InvalidInput


def merged_schema(schemas: Sequence[pa.Schema]) -> pa.Schema | None:
    """One schema for all: a column that one lacks is null there. None if types do not go together.

    Numbers become the wider of their types, integers floats where there are floats.
    """
    plain = [plain_schema(schema) for schema in schemas]
    decimals = {f.name for schema in plain for f in schema if pa.types.is_decimal(f.type)}
    if decimals:
        plain = [_with_decimals(schema, decimals) for schema in plain]
    try:
        return pa.unify_schemas(plain, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None


_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}


def _with_decimals(schema: pa.Schema, names: set[str]) -> pa.Schema:
    """Integers that meet decimals as decimals of all their digits: Arrow leaves out the point."""
    for number, field in enumerate(schema):
        if field.name in names and pa.types.is_integer(field.type):
            digits = pa.decimal128(_DIGITS[field.type.bit_width], 0)
            schema = schema.set(number, field.with_type(digits))
    return schema


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Dictionaries as their values (each table has its own codes), all may be null."""
    fields = []
    for field in schema:
        dictionary = pa.types.is_dictionary(field.type)
        plain = field.with_type(field.type.value_type) if dictionary else field
        fields.append(plain.with_nullable(True).remove_metadata())
    return pa.schema(fields)


def joined_schema(first: pa.Schema, second: pa.Schema) -> pa.Schema | None:
    """The columns of both, where no type changes; None if one has two types."""
    fields = list(first)
    for field in second:
        number = first.get_field_index(field.name)
        if number < 0:
            fields.append(field)
        elif not first.field(number).type.equals(field.type):
            return None
    return pa.schema(fields)


def schema_of_all(name: str, schemas: dict[str, pa.Schema]) -> pa.Schema:
    """As `merged_schema`, for schemas by the id of a run that has it.

    Raises:
        InvalidInput: names the column, and two runs whose types do not go together.
    """
    merged: pa.Schema | None = None
    for run_id, schema in schemas.items():
        wider = merged_schema([schema] if merged is None else [merged, schema])
        if wider is None:
            raise _conflict(name, schemas, run_id)
        merged = wider
    return merged if merged is not None else pa.schema([])


def _conflict(name: str, schemas: dict[str, pa.Schema], run_id: str) -> InvalidInput:
    own = plain_schema(schemas[run_id])
    for other_id, schema in schemas.items():
        other = plain_schema(schema)
        for field in own:
            number = other.get_field_index(field.name)
            if number < 0 or other_id == run_id:
                continue
            if merged_schema([pa.schema([field]), pa.schema([other.field(number)])]) is None:
                return InvalidInput(
                    f"table {name!r}: column {field.name!r} is {field.type} in run {run_id} and"
                    f" {other.field(number).type} in run {other_id}",
                    kind="schema-conflict",
                    hint="scan a part of the runs, or put the table of one of them anew",
                    field=field.name,
                    run=run_id,
                )
    return InvalidInput(
        f"table {name!r}: the columns of run {run_id} do not go together with those of others",
        kind="schema-conflict",
        run=run_id,
    )


def cast_table(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema``, in its order and types; nulls for those that are not there."""
    if table.schema.equals(schema, check_metadata=False):
        return table.replace_schema_metadata(None)
    columns = []
    for field in schema:
        number = table.schema.get_field_index(field.name)
        if number < 0:
            columns.append(pa.chunked_array([pa.nulls(table.num_rows, field.type)]))
        else:
            columns.append(table.column(number).cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)

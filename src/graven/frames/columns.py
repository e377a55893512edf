"""Columns of Arrow from many short pieces, without a Python object a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graven.errors import Corrupt
from graven.formats.columns import MAX_EXPONENT, Column

Floats = NDArray[np.float64]


def floats_of(column: Column) -> Floats:
    """The values of a packed column.

    Raises:
        Corrupt: it is none.
    """
    if not isinstance(column, bytes):
        if not column or not 0 <= column[0] <= MAX_EXPONENT:
            raise Corrupt("decimal column without a valid exponent", kind="bad-column")
        power: float = 10.0 ** column[0]
        mantissas: Floats = np.array(column[1:], np.float64)
        values: Floats = mantissas / power
        return values
    if len(column) % 8:
        raise Corrupt("float column is cut short", kind="bad-column")
    only: Floats = planes([column])[0]
    return only


def planes(columns: Sequence[bytes]) -> Floats:
    """Columns of one length, as rows."""
    width = len(columns[0]) // 8
    raw = np.frombuffer(b"".join(columns), np.uint8).reshape(len(columns), 8, width)
    turned = np.ascontiguousarray(raw.transpose(0, 2, 1))
    found: Floats = turned.view(">f8")[:, :, 0].astype(np.float64)
    return found


def number_array(values: Floats, known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Float64; NaN stays NaN, and what is not ``known`` is null."""
    return pa.array(values, pa.float64(), mask=None if known is None else ~known)


def tiled(array: pa.Array, times: int) -> pa.Array:
    """The array so many times in a row."""
    return array if times == 1 else pa.concat_arrays([array] * times)


def stretched(texts: Sequence[str], each: int | NDArray[np.int64]) -> pa.Array:
    """Each text so many times."""
    places = np.repeat(np.arange(len(texts), dtype=np.int32), each)
    return pa.array(texts, pa.string()).take(pa.array(places))


def batch(schema: pa.Schema, columns: Collection[str], arrays: Mapping[str, Any]) -> pa.RecordBatch:
    """A record batch of those of a table's columns that are wanted, in the table's order."""
    fields = [field for field in schema if field.name in columns]
    made = [
        array if isinstance(array := arrays[field.name], pa.Array) else pa.array(array, field.type)
        for field in fields
    ]
    return pa.record_batch(made, schema=pa.schema(fields))

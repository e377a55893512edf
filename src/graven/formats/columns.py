"""Float columns: many float64 as few bytes, without losing a bit.

A column takes one of two forms, and the values alone decide which, so that equal
values have equal bytes (docs/format.md, "Columns"):

* decimal: ``[e, m0, m1 ...]``, the value being m / 10^e. Taken if some e in 0..12
  gives every value back exactly with |m| <= 2^53; the smallest such e is used.
  Measurements that were rounded for people need 2 or 3 bytes a value this way
  where their float64 looks like noise to a compressor.
* planes: the eight bytes of each big-endian float64, transposed: first the first
  bytes of all values, then all second bytes ... Signs, exponents and the top of the
  mantissa of neighbours are alike, and stand together.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Sequence

from graven.errors import Corrupt

Column = bytes | list[int]

MAX_EXPONENT = 12
MAX_MANTISSA = 2**53
_SAFE = 2.0**50
_POWERS = tuple(10.0**e for e in range(MAX_EXPONENT + 1))
_LITTLE = sys.byteorder == "little"
# The bytes of each plane within float64 values in this machine's order.
_PLANES = tuple(slice(7 - k if _LITTLE else k, None, 8) for k in range(8))


def pack_floats(values: Sequence[float]) -> Column:
    """The column of ``values`` (float64; -0.0 and odd NaNs must be normalised already)."""
    decimal = _to_decimal(values) if values else None
    return decimal if decimal is not None else _to_planes(values)


def unpack_floats(column: Column) -> list[float]:
    """The values of a column.

    Raises:
        Corrupt: no column that `pack_floats` could have made (its shape is checked,
            its choice of form only by `is_canonical`).
    """
    if isinstance(column, bytes):
        return _from_planes(column).tolist()
    if not column or not 0 <= column[0] <= MAX_EXPONENT:
        raise Corrupt("decimal column without a valid exponent", kind="bad-column")
    power = _POWERS[column[0]]
    return [mantissa / power for mantissa in column[1:]]


def column_length(column: Column) -> int:
    """How many values a column holds, without unpacking it."""
    return len(column) // 8 if isinstance(column, bytes) else len(column) - 1


def value_at(column: Column, index: int) -> float:
    """One value of a column, the others left packed.

    Raises:
        Corrupt: no valid column, or it is shorter.
    """
    if not 0 <= index < column_length(column):
        raise Corrupt("column is too short", kind="bad-column")
    if isinstance(column, bytes):
        if len(column) % 8:
            raise Corrupt("float column is cut short", kind="bad-column")
        (value,) = struct.unpack(">d", column[index :: len(column) // 8])
        return float(value)
    if not 0 <= column[0] <= MAX_EXPONENT:
        raise Corrupt("decimal column without a valid exponent", kind="bad-column")
    return column[index + 1] / _POWERS[column[0]]


def to_planes(column: Column) -> bytes:
    """The values in the form of planes, of which `value_at` takes one at the same cost.

    Raises:
        Corrupt: no valid column.
    """
    if not isinstance(column, bytes):
        return _to_planes(unpack_floats(column))
    if len(column) % 8:
        raise Corrupt("float column is cut short", kind="bad-column")
    return column


def is_canonical(column: Column) -> bool:
    """True if these values would be packed into exactly this column."""
    values = unpack_floats(column)
    if 0.0 in values and any(str(v) == "-0.0" for v in values):
        return False
    if math.isnan(sum(values)):  # there may be one; all of them are packed as the same
        values = [float("nan") if math.isnan(v) else v for v in values]
    return pack_floats(values) == column


def _to_planes(values: Sequence[float]) -> bytes:
    return b"".join(map(array("d", values).tobytes().__getitem__, _PLANES))


def _from_planes(planes: bytes) -> array[float]:
    count, rest = divmod(len(planes), 8)
    if rest:
        raise Corrupt("float column is cut short", kind="bad-column")
    raw = bytearray(len(planes))
    for k in range(8):
        raw[k::8] = planes[k * count : (k + 1) * count]
    flat = array("d", bytes(raw))
    if _LITTLE:
        flat.byteswap()
    return flat


def _may_be_decimal(value: float) -> bool:
    """False only if no exponent fits: most measurements are found out in one step.

    If value is m / 10^e and 10^f is the largest power with value * 10^f <= 2^50, f >= e,
    then m * 10^(f - e) / 10^f is the same quotient, and value * 10^f is less than a half
    away from that integer. So f fits if any e up to f does, and only those above remain.
    """
    size = abs(value)
    for exponent in range(MAX_EXPONENT, -1, -1):
        power = _POWERS[exponent]
        scaled = size * power
        if scaled <= MAX_MANTISSA and round(scaled) / power == size:
            return True
        if scaled <= _SAFE:
            return False
    return False


def _to_decimal(values: Sequence[float]) -> list[int] | None:
    if not _may_be_decimal(values[0]):
        return None
    # Each value's own least exponent is a lower bound for all. Written without calls:
    # this loop runs for every value that is ever stored. The comparisons are false for
    # NaN and infinities, which round() could not take.
    exponent = 0
    power = 1.0
    for value in values:
        scaled = value * power
        while not (-MAX_MANTISSA <= scaled <= MAX_MANTISSA and round(scaled) / power == value):
            exponent += 1
            if exponent > MAX_EXPONENT:
                return None
            power = _POWERS[exponent]
            scaled = value * power
    for candidate in range(exponent, MAX_EXPONENT + 1):
        power = _POWERS[candidate]
        mantissas = [round(value * power) for value in values]
        if max(mantissas) > MAX_MANTISSA or min(mantissas) < -MAX_MANTISSA:
            return None
        if [mantissa / power for mantissa in mantissas] == list(values):
            return [candidate, *mantissas]
    return None

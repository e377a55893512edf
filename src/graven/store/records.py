"""Structured records beside runs and experiments: results, series over steps, derived metrics.

Each is a `manifest` object. Arrays are not in it but linked: raw little-endian bytes in C
order, which deduplicate and are read in parts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from graven.errors import Corrupt, InvalidInput
from graven.formats.manifest import Manifest
from graven.ids import ObjectId

RESULT = "result"
STEPPED = "stepped_metric"
DERIVED = "derived"
EXPERIMENT = "experiment"

MAX_DIMENSIONS = 64

# Width in bytes of what a dtype may be called; numpy's own codes (``<f4``) count too.
_WIDTHS = {
    "bool": 1,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": bits // 8 for bits in (16, 32, 64)},
    **{f"complex{bits}": bits // 8 for bits in (64, 128)},
}
_CODES = {
    "b1": "bool",
    **{f"i{width}": f"int{8 * width}" for width in (1, 2, 4, 8)},
    **{f"u{width}": f"uint{8 * width}" for width in (1, 2, 4, 8)},
    **{f"f{width}": f"float{8 * width}" for width in (2, 4, 8)},
    **{f"c{width}": f"complex{8 * width}" for width in (8, 16)},
}


_SHOWN = 200  # characters of the data in what repr() gives


class Result(NamedTuple):
    """Data that a run gave.

    Attributes:
        name: without ``results/``.
        data: JSON-like; of an array its raw bytes, little-endian, in C order.
        dtype: ``float64`` ...; None where none was given.
        shape: of the array; None where none was given.
        metadata: what was given with it.
        stamp: of its write.
    """

    name: str
    data: Any
    dtype: str | None
    shape: tuple[int, ...] | None
    metadata: dict[str, Any]
    stamp: int

    def __repr__(self) -> str:
        """All fields, the data cut short: of an array that would be pages of bytes."""
        data = f"<{len(self.data):,} bytes>" if isinstance(self.data, bytes) else repr(self.data)
        if len(data) > _SHOWN:
            data = data[:_SHOWN] + "..."
        others = (f"{name}={getattr(self, name)!r}" for name in self._fields[2:])
        return f"Result(name={self.name!r}, data={data}, {', '.join(others)})"

    def array(self) -> Any:
        """The data as a numpy array (read-only where it was stored as bytes).

        Raises:
            InvalidInput: numpy is not installed. ValueError: the data is no array.
        """
        numpy = _import_numpy()
        if isinstance(self.data, bytes):
            dtype = numpy.dtype(self.dtype).newbyteorder("<")
            found = numpy.frombuffer(self.data, dtype).reshape(self.shape or ())
            return found.astype(dtype.newbyteorder("="), copy=False)
        found = numpy.asarray(self.data, dtype=self.dtype)
        return found if self.shape is None else found.reshape(self.shape)


class Raw(NamedTuple):
    """An array on its way into the store."""

    data: bytes | memoryview
    dtype: str
    shape: tuple[int, ...]


def _import_numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise InvalidInput(
            "numpy is not installed",
            kind="missing-extra",
            hint="pip install 'graven[tensors]'; without it the bytes are in .data",
        ) from None
    return numpy


def as_array(data: object, dtype: str | None, shape: Sequence[int] | None) -> Raw | None:
    """``data`` as raw bytes if it is an array, or bytes of which it is said what they are.

    Raises:
        InvalidInput: an array of objects, or bytes that do not fit dtype and shape.
    """
    numpy = sys.modules.get("numpy")  # whoever has an array has imported it
    if numpy is not None and isinstance(data, numpy.ndarray):
        return _from_numpy(numpy, data, dtype, shape)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(data), dtype, shape)
    return None


def _from_numpy(numpy: Any, array: Any, dtype: str | None, shape: Sequence[int] | None) -> Raw:
    name = array.dtype.name
    if isinstance(array, numpy.ma.MaskedArray):
        raise InvalidInput(
            "a masked array cannot be kept as a result: its mask would be lost",
            kind="bad-dtype",
            hint="keep data and mask as two results",
            field="data",
        )
    if name not in _WIDTHS:
        raise InvalidInput(
            f"an array of {array.dtype} cannot be kept as a result",
            kind="bad-dtype",
            hint="numbers and booleans can; text goes as a list, records as a table",
            field="data",
        )
    if dtype is not None and check_dtype(dtype) != name:
        array = array.astype(check_dtype(dtype))
        name = check_dtype(dtype)
    if shape is not None and check_shape(shape) != array.shape:
        raise InvalidInput(
            f"shape {tuple(shape)} is not that of the array, {array.shape}",
            kind="bad-shape",
            field="shape",
        )
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return Raw(numpy.ascontiguousarray(little).tobytes(), name, tuple(array.shape))


def _from_bytes(data: bytes, dtype: str | None, shape: Sequence[int] | None) -> Raw:
    if dtype is None:
        raise InvalidInput(
            "bytes are no result without their dtype",
            kind="bad-dtype",
            hint="give dtype and shape, or attach them as an artifact",
            field="dtype",
        )
    name = check_dtype(dtype)
    width = _WIDTHS[name]
    lengths = (len(data) // width,) if shape is None else check_shape(shape)
    if prod(lengths) * width != len(data):
        raise InvalidInput(
            f"{len(data):,} bytes are not {lengths} of {name}", kind="bad-shape", field="shape"
        )
    return Raw(data, name, lengths)


def check_dtype(dtype: object) -> str:
    """The usual name of a dtype, given by that name, a code (``<f4``) or numpy's own object.

    Raises:
        InvalidInput: none that results have.
    """
    text = str(dtype)
    name = text if text in _WIDTHS else _CODES.get(text.lstrip("<|="), "")
    if name not in _WIDTHS:
        raise InvalidInput(
            f"no dtype for results: {text[:60]!r}",
            kind="bad-dtype",
            hint=f"one of {', '.join(sorted(_WIDTHS))}",
            field="dtype",
        )
    return name


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Accept whole numbers from 0 on.

    Raises:
        InvalidInput: anything else.
    """
    try:
        lengths = tuple(shape)
    except TypeError:
        lengths = ("",)  # type: ignore[assignment]  # refused in the next line
    if len(lengths) > MAX_DIMENSIONS or not all(
        type(n) is not bool and isinstance(n, int) and 0 <= n < 2**63 for n in lengths
    ):
        raise InvalidInput(f"not a shape: {str(shape)[:60]}", kind="bad-shape", field="shape")
    return tuple(int(n) for n in lengths)


def array_manifest(raw: Raw, link: ObjectId, metadata: Mapping[str, Any]) -> Manifest:
    """The record of an array whose bytes are the object ``link``."""
    body = {"array": 0, "dtype": raw.dtype, "shape": list(raw.shape), "metadata": dict(metadata)}
    return Manifest(RESULT, (link,), body)


def value_manifest(
    type: str,
    value: object,
    metadata: Mapping[str, Any] | None = None,
    dtype: str | None = None,
    shape: Sequence[int] | None = None,
) -> Manifest:
    """The record of JSON-like data.

    Raises:
        InvalidInput: what JSON has no form for; integers beyond 64 bits.
    """
    from graven.model.reading import plain

    try:
        body: dict[str, Any] = {"value": plain(value, "data")}
    except TypeError as error:
        raise InvalidInput(str(error), kind="bad-type", field="data") from None
    if metadata:
        body["metadata"] = dict(metadata)
    if dtype is not None:
        body["dtype"] = check_dtype(dtype)
    if shape is not None:
        body["shape"] = list(check_shape(shape))
    return Manifest(type, (), body)


def array_of(record: Manifest) -> ObjectId | None:
    """The object with the bytes of an array; None for a record of another form."""
    if record.type != RESULT or not isinstance(record.data, dict) or "array" not in record.data:
        return None
    position = record.data["array"]
    if type(position) is not int or not 0 <= position < len(record.links):
        raise Corrupt("result object names no array", kind="bad-object")
    return record.links[position]


def record_value(record: Manifest) -> Any:
    """The JSON-like data of a record."""
    if isinstance(record.data, dict) and "value" in record.data:
        return record.data["value"]
    return record.data


def record_text(record: Manifest) -> bytes:
    """A record as JSON, for who asks for its bytes."""
    value = _jsonable(record_value(record))
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    return [_jsonable(item) for item in value] if isinstance(value, list) else value


def decode_result(
    record: Manifest, name: str, stamp: int, data: bytes | None, fallback: Mapping[str, Any]
) -> Result:
    """A result from its record, and from the bytes of its array if it is one.

    Raises:
        Corrupt: the record is malformed, or its array is not of its shape.
    """
    body = record.data if isinstance(record.data, dict) else {}
    dtype, shape, metadata = body.get("dtype"), body.get("shape"), body.get("metadata", fallback)
    try:
        known = None if dtype is None else check_dtype(dtype)
        lengths = None if shape is None else check_shape(shape)
    except InvalidInput as error:
        raise Corrupt(f"result {name!r}: {error.message}", kind="bad-object") from None
    if not isinstance(metadata, Mapping):
        raise Corrupt(f"result {name!r}: its metadata is no map", kind="bad-object")
    if data is not None and (
        known is None or lengths is None or prod(lengths) * _WIDTHS[known] != len(data)
    ):
        raise Corrupt(f"result {name!r}: its bytes are not of its shape", kind="bad-object")
    value = record_value(record) if data is None else data
    return Result(name, value, known, lengths, dict(metadata), stamp)

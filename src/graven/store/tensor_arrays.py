"""Arrays of numpy and torch to the safetensors form and back.

numpy is loaded when an array is asked for; torch never: who passes or wants its tensors
has loaded it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.errors import Corrupt, InvalidInput
from graven.formats.tensor import TensorHeader, encode_header

if TYPE_CHECKING:
    import numpy as np

FRAMEWORKS = ("numpy", "torch")
DTYPE_KEY = "safetensors"  # in the metadata of a numpy dtype that stands in for another

_PLAIN = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "C64": "<c8",
}
# numpy knows these by ml_dtypes alone: the name there, and the integer that stands in.
_EXTENDED = {
    "BF16": ("bfloat16", "<u2"),
    "F8_E4M3": ("float8_e4m3fn", "|u1"),
    "F8_E5M2": ("float8_e5m2", "|u1"),
    "F8_E8M0": ("float8_e8m0fnu", "|u1"),
    "F8_E4M3FNUZ": ("float8_e4m3fnuz", "|u1"),
    "F8_E5M2FNUZ": ("float8_e5m2fnuz", "|u1"),
}
_PACKED = frozenset(["F4", "F6_E2M3", "F6_E3M2"])

_BY_KIND = {text[1:]: name for name, text in _PLAIN.items()}
_BY_NAME = {name: dtype for dtype, (name, _) in _EXTENDED.items()}
_TORCH = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "float16": "F16",
    "uint32": "U32",
    "int32": "I32",
    "float32": "F32",
    "uint64": "U64",
    "int64": "I64",
    "float64": "F64",
    "complex64": "C64",
    **_BY_NAME,
}
_TO_TORCH = {dtype: name for name, dtype in _TORCH.items()}


class Encoded(NamedTuple):
    """A tensor on its way into a store: what stands before the data, and the data."""

    head: bytes
    data: memoryview

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.head) + len(self.data)


def is_array(value: object) -> bool:
    """True for what `encode` may accept: an array or a tensor, nothing else."""
    return hasattr(value, "__array__") or _is_torch(value)


def encode(value: Any) -> Encoded:
    """A tensor in safetensors form; the data is not copied where it lies as it is stored.

    Raises:
        InvalidInput: no array, or one of a dtype that the form has no name for.
    """
    return _encode_torch(value) if _is_torch(value) else _encode_numpy(value)


def decode(header: TensorHeader, data: bytearray, framework: str) -> Any:
    """The array of ``data``, which it takes over.

    Raises:
        Corrupt: values that the dtype does not have.
        InvalidInput: the framework cannot hold it.
    """
    if header.dtype == "BOOL" and data.count(0) + data.count(1) != len(data):
        raise Corrupt("tensor of BOOL has other bytes than 0 and 1", kind="bad-tensor")
    if framework == "torch":
        return _decode_torch(header, data)
    return _decode_numpy(header, data)


def check_framework(framework: str) -> None:
    """Refuse a framework that is not known, or that nobody has loaded."""
    if framework not in FRAMEWORKS:
        raise InvalidInput(
            f"no framework {str(framework)[:60]!r}",
            kind="bad-framework",
            hint=f"one of {', '.join(FRAMEWORKS)}",
            field="framework",
        )
    if framework == "torch" and "torch" not in sys.modules:
        raise InvalidInput(
            "torch is not loaded, and graven never loads it",
            kind="torch-missing",
            hint="write 'import torch' before tensors are asked for",
            field="framework",
        )


# --- numpy ---


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise InvalidInput(
            "tensors need numpy, which is not installed",
            kind="numpy-missing",
            hint="pip install numpy",
        ) from None
    return numpy


def _encode_numpy(value: Any) -> Encoded:
    np = _numpy()
    if isinstance(value, np.ma.MaskedArray):
        raise _refused("is a masked array, whose mask would be lost", "store data and mask")
    if not hasattr(value, "__array__"):
        raise _refused(f"is no array but {type(value).__name__}", "wrap it in numpy.asarray(...)")
    array = np.asarray(value)
    dtype = _dtype_of(array.dtype)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    # Flat first: a zero-dimensional array cannot be seen as bytes.
    flat = np.ravel(array, order="C").view(np.uint8)
    return Encoded(encode_header(dtype, array.shape, flat.nbytes), memoryview(flat))


def _dtype_of(dtype: np.dtype[Any]) -> str:
    if dtype.metadata is not None:
        told = dtype.metadata.get(DTYPE_KEY)
        if told in _EXTENDED and dtype.str[1:] == _EXTENDED[told][1][1:]:
            return str(told)
    found = _BY_KIND.get(dtype.str[1:]) or _BY_NAME.get(dtype.name)
    if found is None:
        hint = "store the real and the imaginary part" if dtype.kind == "c" else None
        raise _refused(f"has dtype {str(dtype)[:60]}, which safetensors has no name for", hint)
    return found


def _decode_numpy(header: TensorHeader, data: bytearray) -> Any:
    np = _numpy()
    if header.dtype in _PACKED:  # several elements a byte: as they are stored
        return np.frombuffer(data, np.dtype("|u1", metadata={DTYPE_KEY: header.dtype}))
    dtype = _PLAIN.get(header.dtype) or _extended(np, header.dtype)
    try:
        return np.frombuffer(data, dtype).reshape(header.shape)
    except ValueError as error:  # a dimension beyond what numpy addresses, beside one of 0
        raise Corrupt(f"tensor has a shape that no array has: {error}", kind="bad-tensor") from None


def _extended(np: Any, dtype: str) -> Any:
    name, integer = _EXTENDED[dtype]
    found = None
    with suppress(ImportError):  # then the bits below
        import ml_dtypes

        found = getattr(ml_dtypes, name, None)
    # Without it the bits as they are, in a dtype that says what they mean: stored again
    # they are the same tensor.
    return np.dtype(integer, metadata={DTYPE_KEY: dtype}) if found is None else np.dtype(found)


# --- torch ---


def _is_torch(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def _encode_torch(tensor: Any) -> Encoded:
    torch = sys.modules["torch"]
    name = str(tensor.dtype).removeprefix("torch.")
    dtype = _TORCH.get(name)
    if dtype is None or tensor.is_quantized:
        raise _refused(f"has dtype {tensor.dtype}, which safetensors has no name for", None)
    if tensor.layout is not torch.strided or tensor.device.type == "meta":
        raise _refused("is sparse, or has no data", "store its dense form")
    plain = tensor.detach().resolve_conj().resolve_neg().to("cpu").contiguous()
    flat = plain.reshape(-1).view(torch.uint8).numpy()
    return Encoded(encode_header(dtype, tuple(tensor.shape), flat.nbytes), memoryview(flat))


def _decode_torch(header: TensorHeader, data: bytearray) -> Any:
    torch = sys.modules["torch"]
    dtype = getattr(torch, _TO_TORCH.get(header.dtype, ""), None)
    if dtype is None:
        raise InvalidInput(
            f"this torch has no dtype for {header.dtype}",
            kind="bad-dtype",
            hint="read it as numpy, or with a newer torch",
        )
    try:
        if not data:
            return torch.empty(header.shape, dtype=dtype)
        return torch.frombuffer(data, dtype=dtype).reshape(header.shape)
    except RuntimeError as error:
        raise Corrupt(f"tensor has a shape that no array has: {error}", kind="bad-tensor") from None


def _refused(what: str, hint: str | None) -> InvalidInput:
    return InvalidInput(f"tensor {what}", kind="bad-tensor", hint=hint)

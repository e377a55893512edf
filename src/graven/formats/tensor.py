"""The safetensors form of tensors: its header, written for one tensor, read for any number.

Eight bytes with the length of the header, the header as JSON, the data: what the
safetensors library reads and writes, byte for byte (docs/format.md, "Tensors"). The
reader trusts nothing that a header says before it fits the number of bytes there are.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NamedTuple

from graven.errors import Corrupt

PREFIX_BYTES = 8
MAX_HEADER_BYTES = 1024 * 1024
MAX_DIMENSIONS = 64  # numpy's own limit
ALIGNMENT = 8
ENTRY = "tensor"  # the name of the one entry that a tensor of a store has

BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}
"""Bits of one element. Below eight several share a byte, first element lowest."""


class TensorHeader(NamedTuple):
    """One entry: its data stands at ``start:end`` of the whole, header included."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


@lru_cache(maxsize=256)  # the tensors of a batch have few shapes
def encode_header(dtype: str, shape: tuple[int, ...], size: int) -> bytes:
    """All that stands before the data of a single tensor of ``size`` bytes."""
    facts = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, size]}
    text = json.dumps({ENTRY: facts}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)  # so that the data is aligned where it is mapped
    return len(text).to_bytes(PREFIX_BYTES, "little") + text


def header_bytes(prefix: bytes, total: int) -> int:
    """How many bytes of a file of ``total`` bytes stand before the data, by its first eight.

    Raises:
        Corrupt: more than there are, or more than any header of a tensor needs.
    """
    if len(prefix) < PREFIX_BYTES:
        raise _corrupt("is shorter than the length of a header")
    length = int.from_bytes(prefix[:PREFIX_BYTES], "little")
    if length > total - PREFIX_BYTES:
        raise _corrupt(f"states a header of {length:,} bytes and has {total:,} in all")
    if length > MAX_HEADER_BYTES:
        raise _corrupt(f"states a header of {length:,} bytes, more than {MAX_HEADER_BYTES:,}")
    return PREFIX_BYTES + length


def decode_headers(head: bytes, total: int) -> dict[str, TensorHeader]:
    """The entries of a file of ``total`` bytes that begins with ``head``, by name.

    Raises:
        Corrupt: not a header; an unknown dtype; sizes that do not follow from shapes;
            data that overlaps, has holes, or ends elsewhere than the file.
    """
    begin = header_bytes(head, total)
    try:
        facts = json.loads(head[PREFIX_BYTES:begin], object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _corrupt(f"has a header that is no JSON ({str(error)[:80]})") from None
    if not isinstance(facts, dict):
        raise _corrupt("has a header that is no map")
    facts.pop("__metadata__", None)
    entries = {name: _entry(name, fact, begin) for name, fact in facts.items()}
    end = begin
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.end)):
        if entry.start != end:
            raise _corrupt("has data that overlaps or leaves a hole")
        end = entry.end
    if end != total:
        raise _corrupt(f"has {total - begin:,} bytes of data where its header states {end - begin}")
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key stands there twice")
    return out


def _entry(name: str, fact: Any, begin: int) -> TensorHeader:
    try:
        dtype, shape, offsets = fact["dtype"], fact["shape"], fact["data_offsets"]
        bits = BITS[dtype]
        start, end = offsets
    except (KeyError, TypeError, ValueError):
        raise _corrupt(f"has no dtype, shape and offsets that can be for {name[:60]!r}") from None
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not _counts(shape):
        raise _corrupt(f"has no shape that can be for {name[:60]!r}")
    for length in shape:
        bits *= length
    if not _counts([start, end]) or 8 * (end - start) != bits:
        raise _corrupt(f"has another size than its shape for {name[:60]!r}")
    return TensorHeader(dtype, tuple(shape), begin + start, begin + end)


def _counts(values: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value < 2**63 for value in values)


def _corrupt(what: str) -> Corrupt:
    return Corrupt(f"tensor {what}", kind="bad-tensor")

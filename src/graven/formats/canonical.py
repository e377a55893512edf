"""Canonical msgpack: one value, one sequence of bytes (docs/format.md, "Canonical msgpack").

Rules: map keys are text in Unicode form C, unique, sorted by their UTF-8 bytes;
integers in their shortest form, within [-2^63, 2^64-1]; floats always float64, -0.0
written as 0.0, one NaN (7ff8000000000000); no extension types; depth at most 64.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from graven.errors import Corrupt, InvalidInput
from graven.ids import normal

MAX_DEPTH = 64
MIN_INT = -(2**63)
MAX_INT = 2**64 - 1
NAN = float("nan")  # CPython's is 7ff8000000000000, the one we allow

# order="deterministic" sorts map keys; str order is code point order, which is the
# order of UTF-8 bytes.
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder()

pack_trusted = _encoder.encode
"""Encode a value that is known to follow the rules (our own structs and arrays)."""


def encode(value: object, where: str = "value") -> bytes:
    """Return the canonical bytes of ``value``.

    Tuples become arrays. Array scalars are not known here: see `graven.model.reading.plain`.

    Raises:
        InvalidInput: a type, key, integer, text or depth that has no canonical form;
            the message says where.
    """
    return pack_trusted(normalise(value, where))


def decode(data: bytes) -> Any:
    """Read canonical bytes; anything that would not encode to the same bytes is refused.

    Raises:
        Corrupt: not msgpack, or not canonical (long ints, float32, duplicate or unsorted
            keys, extension types, trailing bytes ...).
    """
    value = decode_lenient(data)
    if _is_plain(value, 0) and pack_trusted(value) == data:
        return value
    try:
        same = encode(value) == data
    except InvalidInput as error:
        raise Corrupt(f"not canonical msgpack: {error.message}", kind="not-canonical") from None
    if not same:
        raise Corrupt("not canonical msgpack: encodes to other bytes", kind="not-canonical")
    return value


_PLAIN = frozenset({str, int, bytes, bool, type(None)})


def _is_plain(value: Any, depth: int) -> bool:
    """True if a decoded value needs no more than sorted keys to be canonical.

    Nearly all are; those with floats and keys beyond ASCII take the long way.
    """
    if depth >= MAX_DEPTH:
        return False
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) not in _PLAIN and not _is_plain(item, depth + 1):
                return False
        return True
    if kind is list:
        return all(type(item) in _PLAIN or _is_plain(item, depth + 1) for item in value)
    return kind in _PLAIN


def decode_lenient(data: bytes) -> Any:
    """Read msgpack bytes that a hash already vouches for.

    Raises:
        Corrupt: not msgpack at all, or nested beyond what any writer of ours makes.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Corrupt(f"not msgpack: {error}", kind="not-canonical") from None


def normalise(value: object, where: str = "value", depth: int = 0) -> Any:
    """``value`` with floats, keys and containers in canonical form, ready for the encoder."""
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if kind is str:
        return _text(value, where)
    if kind is float:
        return _float(value)
    if kind is int:
        if not MIN_INT <= value <= MAX_INT:  # type: ignore[operator]  # kind is int: narrowed by hand
            raise InvalidInput(f"{where}: integer {value} needs more than 64 bits", kind="bad-int")
        return value
    if depth >= MAX_DEPTH:
        raise InvalidInput(f"{where}: nested more than {MAX_DEPTH} levels deep", kind="too-deep")
    if isinstance(value, dict):
        return _map(value, where, depth)
    if isinstance(value, (list, tuple)):
        return [normalise(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):  # an enum's own str() may be its name: its text is what is kept
        return _text(str.__str__(value), where)
    for base in (float, int):
        if isinstance(value, base):
            return normalise(base(value), where, depth)
    raise InvalidInput(f"{where}: {kind.__name__} has no canonical form", kind="bad-type")


def _map(value: dict[Any, Any], where: str, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise InvalidInput(f"{where}: map key {key!r} is not text", kind="bad-key")
        name = normal(_text(str.__str__(key), where))
        if name in out:
            raise InvalidInput(
                f"{where}: keys that are equal in Unicode form C: {name!r}", kind="bad-key"
            )
        out[name] = normalise(item, f"{where}.{name}", depth + 1)
    return out


def _text(value: Any, where: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                f"{where}: text holds a lone surrogate, which UTF-8 cannot write", kind="bad-text"
            ) from None
    return str(value)


def _float(value: Any) -> float:
    if math.isnan(value):
        return NAN
    return float(value + 0.0)  # -0.0 + 0.0 is 0.0

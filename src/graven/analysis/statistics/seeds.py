"""Chance that is the same on every machine: bits drawn from a seed made of names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graven.ids import hash_bytes

_DOMAIN = "graven chance 1"
_SEED_BYTES = 16
_DOUBLE_BITS = 53


def uniforms(names: Sequence[str], count: int) -> NDArray[np.float64]:
    """``count`` numbers in [0, 1) that depend on ``names`` alone.

    The seed is the first 128 bits (big-endian) of the BLAKE3 hash of a label and the names,
    each behind its length; it starts a PCG64. The raw 64-bit stream of that generator is
    what numpy promises to keep in all versions, so the numbers are made from it here: the
    upper 53 bits of each word, as a fraction.
    """
    text = b"".join(
        len(part).to_bytes(8, "big") + part
        for part in (name.encode("utf-8", "surrogatepass") for name in (_DOMAIN, *names))
    )
    seed = int.from_bytes(hash_bytes(text)[:_SEED_BYTES], "big")
    raw: NDArray[np.uint64] = np.random.PCG64(seed).random_raw(count)
    return (raw >> np.uint64(64 - _DOUBLE_BITS)).astype(np.float64) * 2.0**-_DOUBLE_BITS

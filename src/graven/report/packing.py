"""Values of all series in few bytes: planes of bytes, deflated, in base64.

For each series in order: the rows (uint32; left out where the series has every run up to its
last), the values (float64, to the last bit), and where it has bounds their distances below and
above the value (float32: they are drawn, not computed with). Each array is little-endian and
transposed: first the first bytes of all its numbers, then all second bytes, and so on, since
signs, exponents and leading digits of neighbours are alike.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from graven.report.model import ReportSeries

if TYPE_CHECKING:
    from graven.report.model import Floats

_LEVEL = 6


def pack_numbers(series: Iterable[ReportSeries]) -> str:
    """The text that `unpackNumbers` of assets/core.js reads."""
    packer = zlib.compressobj(_LEVEL)
    parts = [packer.compress(piece) for one in series for piece in _pieces(one)]
    return base64.b64encode(b"".join([*parts, packer.flush()])).decode("ascii")


def _pieces(series: ReportSeries) -> Iterator[bytes]:
    count = len(series.rows)
    if not (count and int(series.rows[-1]) == count - 1):
        yield _planes(series.rows, "<u4")
    yield _planes(series.values, "<f8")
    if series.lower is not None and series.upper is not None:
        yield _planes(_distance(series.values, series.lower), "<f4")
        yield _planes(_distance(series.upper, series.values), "<f4")


def _distance(above: Floats, below: Floats) -> Floats:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        found = (above - below).astype(np.float32)
    return np.asarray(found, np.float64)


def _planes(numbers: Any, kind: str) -> bytes:
    import numpy as np

    flat = np.ascontiguousarray(numbers, np.dtype(kind))
    return flat.view(np.uint8).reshape(len(flat), flat.itemsize).T.tobytes()

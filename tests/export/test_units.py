from __future__ import annotations

import pytest

from graven.export.asv.units import asv_unit


@pytest.mark.parametrize(
    ("unit", "kind", "written", "value", "expected"),
    [
        ("s", "time", "seconds", 1.5, 1.5),
        ("seconds", "time", "seconds", 1.5, 1.5),
        ("ms", "time", "seconds", 3.0, 0.003),
        ("us", "time", "seconds", 7.0, 7e-06),
        ("µs", "time", "seconds", 7.0, 7e-06),
        ("μs", "time", "seconds", 7.0, 7e-06),
        ("ns", "time", "seconds", 123.0, 1.23e-07),
        ("ns/op", "time", "seconds", 123.0, 1.23e-07),
        ("min", "time", "seconds", 2.0, 120.0),
        ("B", "memory", "bytes", 17.0, 17.0),
        ("bytes", "memory", "bytes", 17.0, 17.0),
        ("KiB", "memory", "bytes", 2.0, 2048.0),
        ("MB", "memory", "bytes", 2.0, 2e6),
        ("B/op", "memory", "bytes", 2.0, 2.0),
        ("ops/s", "track", "ops/s", 5.0, 5.0),
        ("MB/s", "track", "MB/s", 5.0, 5.0),
        ("1", "track", "1", 5.0, 5.0),
        ("", "track", "unit", 5.0, 5.0),
        (None, "track", "unit", 5.0, 5.0),
    ],
)
def test_units(unit, kind, written, value, expected):
    found = asv_unit(unit)
    assert (found.type, found.unit) == (kind, written)
    assert found.convert(value) == expected


def test_a_conversion_rounds_once():
    # 1e-9 is no float64, so multiplying by it would be off by one in the last place.
    assert asv_unit("ns").convert(3.0) == 3e-9
    assert 3.0 * 1e-9 != 3e-9

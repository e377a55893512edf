"""Float columns: every bit comes back, and equal values are equal bytes."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.errors import Corrupt
from graven.formats.columns import (
    column_length,
    is_canonical,
    pack_floats,
    to_planes,
    unpack_floats,
    value_at,
)
from graven.testing import strategies as own

canonical_floats = own.floats() | st.just(math.nan)


def bits(values):
    return [struct.pack(">d", value) for value in values]


@given(st.lists(canonical_floats))
def test_every_bit_comes_back(values):
    column = pack_floats(values)
    assert bits(unpack_floats(column)) == bits(values)
    assert bits(unpack_floats(to_planes(column))) == bits(values)
    assert column_length(column) == len(values)
    assert [bits([value_at(column, i)]) for i in range(len(values))] == [
        bits([value]) for value in values
    ]
    assert is_canonical(column)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([], b""),
        ([0.0], [0, 0]),
        ([1.0, 2.0, -3.0], [0, 1, 2, -3]),
        ([1.5, 2.0], [1, 15, 20]),
        ([0.1, 0.12, 0.123], [3, 100, 120, 123]),
        ([2.0**53], [0, 2**53]),
        ([-(2.0**53)], [0, -(2**53)]),
        ([2.0**53 + 2], bytes.fromhex("4340000000000001")),
        ([1e-12], [12, 1]),
        ([1e-13], bytes.fromhex("3d3c25c268497682")),
        ([1 / 3], bytes.fromhex("3fd5555555555555")),
        ([5e-324], bytes.fromhex("0000000000000001")),
        ([math.nan], bytes.fromhex("7ff8000000000000")),
        ([1.0, math.inf], bytes.fromhex("3f7ff0f00000000000000000000000 00".replace(" ", ""))),
    ],
)
def test_golden_columns(values, column):
    assert pack_floats(values) == column


@given(st.lists(own.floats(), min_size=1), st.randoms())
def test_the_values_alone_decide_the_form(values, random):
    column = pack_floats(values)
    order = list(range(len(values)))
    random.shuffle(order)
    other = pack_floats([values[i] for i in order])
    assert type(other) is type(column)
    if isinstance(column, list):
        assert other[0] == column[0]


@pytest.mark.parametrize(
    "column",
    [
        [1, 10],  # exponent 0 does
        [0],  # no values are planes of no bytes
        bytes.fromhex("3ff0000000000000"),  # 1.0 is a decimal
        bytes.fromhex("8000000000000000"),  # negative zero
        bytes.fromhex("7ff8000000000001"),  # another NaN
        bytes.fromhex("fff8000000000000"),  # and another
        [0, 2**53 + 1],  # no float64
    ],
    ids=str,
)
def test_another_form_of_the_same_values_is_not_canonical(column):
    assert not is_canonical(column)


@pytest.mark.parametrize("column", [b"1234567", b"123456789", [], [13, 1], [-1, 1]], ids=repr)
def test_what_is_no_column_is_refused(column):
    with pytest.raises(Corrupt):
        unpack_floats(column)
    with pytest.raises(Corrupt):
        value_at(column, 0)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_value_outside_is_refused(index):
    for values in ([1.0, 2.0], [1 / 3, 2 / 3]):
        with pytest.raises(Corrupt):
            value_at(pack_floats(values), index)

"""Values of runs by a key: medians, and what stands in records."""

import math
import struct
from array import array
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.catalog import keyed
from graven.formats.columns import to_planes

FLOATS = st.floats() | st.sampled_from([0.0, 1e308, math.inf, -math.inf, math.nan])


def planes(values):
    raw = struct.pack(f">{len(values)}d", *values)
    return to_planes(b"".join(raw[k::8] for k in range(8)))


def by_hand(values, places):
    numbers = [values[place] for place in places if not math.isnan(values[place])]
    return median(numbers) if numbers else math.nan


@given(st.integers(1, 6).flatmap(lambda width: st.tuples(
    st.lists(st.lists(FLOATS, min_size=width, max_size=width), min_size=1, max_size=5),
    st.lists(st.integers(0, width - 1), max_size=4, unique=True),
)))  # fmt: skip
def test_medians_are_those_by_hand_with_and_without_numpy(given):
    rows, places = given
    columns = [planes(row) for row in rows]
    expected = array("d", [by_hand(row, places) for row in rows]).tobytes()
    found = array("d", keyed.medians(columns, places))
    assert [repr(v) for v in found] == [repr(v) for v in array("d", expected)]
    if places:
        bulk = keyed.numpy_medians(columns, places)
        assert [repr(float(v)) for v in bulk] == [repr(v) for v in found]


@pytest.mark.parametrize(
    ("key", "found"),
    [("a", {"b": 1, "b.c": {"d": 2}}), ("a.b", 1), ("a.b.c.d", 2), ("x.y", 3), ("x", None),
     ("a.b.c", {"d": 2}), ("a.", None), ("", None)],
)  # fmt: skip
def test_keys_lead_into_maps(key, found):
    record = {"a": {"b": 1, "b.c": {"d": 2}}, "x.y": 3}
    assert keyed.find_value(record, key) == found


def test_what_is_no_number_or_text_stands_behind_both():
    assert keyed.sortable(True) == keyed.TRUE
    assert keyed.sortable(2**64) == 2.0**64
    assert keyed.sortable(math.nan) is None
    assert keyed.sortable([]) == keyed.LIST

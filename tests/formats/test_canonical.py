"""One value, one sequence of bytes. The hex was written by hand from the msgpack spec."""

import math
import struct
from enum import Enum, IntEnum, StrEnum

import msgpack
import pytest
from hypothesis import given

from graven.errors import Corrupt, InvalidInput
from graven.formats import canonical
from graven.testing import strategies as own

GOLDEN = [
    (None, "c0"),
    (False, "c2"),
    (True, "c3"),
    (0, "00"),
    (127, "7f"),
    (128, "cc80"),
    (255, "ccff"),
    (256, "cd0100"),
    (65535, "cdffff"),
    (65536, "ce00010000"),
    (2**32 - 1, "ceffffffff"),
    (2**32, "cf0000000100000000"),
    (2**53, "cf0020000000000000"),
    (2**63 - 1, "cf7fffffffffffffff"),
    (2**63, "cf8000000000000000"),
    (2**64 - 1, "cfffffffffffffffff"),
    (-1, "ff"),
    (-32, "e0"),
    (-33, "d0df"),
    (-128, "d080"),
    (-129, "d1ff7f"),
    (-32768, "d18000"),
    (-32769, "d2ffff7fff"),
    (-(2**31), "d280000000"),
    (-(2**31) - 1, "d3ffffffff7fffffff"),
    (-(2**63), "d38000000000000000"),
    (0.0, "cb0000000000000000"),
    (-0.0, "cb0000000000000000"),
    (1.0, "cb3ff0000000000000"),
    (0.1, "cb3fb999999999999a"),
    (5e-324, "cb0000000000000001"),
    (math.inf, "cb7ff0000000000000"),
    (-math.inf, "cbfff0000000000000"),
    (math.nan, "cb7ff8000000000000"),
    ("", "a0"),
    ("a", "a161"),
    ("é", "a2c3a9"),
    ("𝒳", "a4f09d92b3"),
    ("x" * 31, "bf" + "78" * 31),
    ("x" * 32, "d920" + "78" * 32),
    ("x" * 255, "d9ff" + "78" * 255),
    ("x" * 256, "da0100" + "78" * 256),
    ("x" * 65536, "db00010000" + "78" * 65536),
    (b"", "c400"),
    (b"\x00\xff", "c40200ff"),
    (b"x" * 256, "c50100" + "78" * 256),
    (b"x" * 65536, "c600010000" + "78" * 65536),
    ([], "90"),
    ([1, [2]], "92019102"),
    ((1, (2,)), "92019102"),
    ([0] * 15, "9f" + "00" * 15),
    ([0] * 16, "dc0010" + "00" * 16),
    ({}, "80"),
    ({"b": 1, "a": 2}, "82a16102a16201"),
    # U+FF5E is efbd9e and U+10000 is f0908080: in UTF-16 they would sort the other way round.
    ({"\U00010000": 1, "\uff5e": 2}, "82a3efbd9e02a4f090808001"),
    ({"aa": 1, "a": 2, "": 3, "B": 4}, "84a003a14204a16102a2616101"),
    # A decomposed key becomes one character; a decomposed value stays as it is.
    ({"e\u0301": "e\u0301"}, "81a2c3a9a365cc81"),
]


@pytest.mark.parametrize(("value", "text"), GOLDEN, ids=lambda value: repr(value)[:24])
def test_golden_bytes(value, text):
    assert canonical.encode(value).hex() == text


@pytest.mark.parametrize(("value", "text"), GOLDEN, ids=lambda value: repr(value)[:24])
def test_golden_bytes_are_read_back_strictly(value, text):
    data = bytes.fromhex(text)
    assert canonical.encode(canonical.decode(data)) == data


@given(own.json_values())
def test_any_msgpack_reader_reads_our_bytes(value):
    data = canonical.encode(value)
    assert msgpack.unpackb(data, strict_map_key=True) == value
    assert canonical.decode(data) == value


@given(own.json_maps())
def test_the_order_of_insertion_does_not_show(value):
    backwards = dict(reversed(value.items()))
    assert canonical.encode(value) == canonical.encode(backwards)


def test_every_nan_becomes_the_one_nan():
    for bits in (0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001):
        odd = struct.unpack(">d", struct.pack(">Q", bits))[0]
        assert canonical.encode([odd]).hex() == "91cb7ff8000000000000"


def test_enums_are_kept_as_the_values_they_stand_for():
    kinds = (
        StrEnum("A", {"x": "text"}).x,
        Enum("B", {"x": "text"}, type=str).x,
        IntEnum("C", {"x": 7}).x,
    )
    assert canonical.decode(canonical.encode(list(kinds))) == ["text", "text", 7]
    assert canonical.encode({kinds[1]: 1}) == canonical.encode({"text": 1})


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


def test_64_levels_are_allowed_and_65_are_not():
    data = canonical.encode(nested(64))
    assert canonical.decode(data) == nested(64)
    with pytest.raises(InvalidInput, match="nested more than 64 levels"):
        canonical.encode(nested(65))
    with pytest.raises(Corrupt, match="nested more than 64 levels"):
        canonical.decode(b"\x91" + data)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"n": 2**64}, r"here\.n: integer 18446744073709551616 needs more than 64 bits"),
        ([0, -(2**63) - 1], r"here\[1\]: integer"),
        (["\ud800"], r"here\[0\]: text holds a lone surrogate"),
        ({"\udfff": 1}, "here: text holds a lone surrogate"),
        ({1: 2}, "here: map key 1 is not text"),
        ({"e\u0301": 1, "é": 2}, "equal in Unicode form C"),
        ({"a": [1j]}, r"here\.a\[0\]: complex has no canonical form"),
        ({1, 2}, "set has no canonical form"),
        (object(), "object has no canonical form"),
    ],
)
def test_what_has_no_form_is_refused_by_place(value, why):
    with pytest.raises(InvalidInput, match=why):
        canonical.encode(value, "here")


STRANGE = {
    "a long int of one byte": "cc7f",
    "a long int of two bytes": "cd00ff",
    "a long int of four bytes": "ce0000ffff",
    "a long int of eight bytes": "cf00000000ffffffff",
    "a signed form of a positive int": "d001",
    "a long negative int": "d1ff80",
    "float32": "ca3f800000",
    "negative zero": "cb8000000000000000",
    "another NaN": "cb7ff8000000000001",
    "a negative NaN": "cbfff8000000000000",
    "a long string header": "d90161",
    "a long bin header": "c5000161",
    "a long array header": "dc000100",
    "a long map header": "de0001a16101",
    "duplicate keys": "82a16101a16102",
    "unsorted keys": "82a16201a16101",
    "a decomposed key": "81a365cc8101",
    "an int key": "810102",
    "a nil key": "81c002",
    "a timestamp extension": "d6ff00000000",
    "an extension": "d40500",
    "trailing bytes": "0000",
    "the reserved byte": "c1",
    "nothing": "",
    "a cut int": "cd01",
    "a cut map": "81a161",
    "text that is not UTF-8": "a1ff",
    "a surrogate in UTF-8": "a3eda080",
    "an array of 2^32-1 elements": "ddffffffff",
    "a map of 2^32-1 pairs": "dfffffffff",
    "text of 2^32-1 bytes": "dbffffffff",
    "bytes of 2^32-1 bytes": "c6ffffffff",
    "arrays of 2^24-1, one in the other": "dd00ffffff" * 500,
    "100,000 levels": "91" * 100_000,
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_strict_decoding_refuses(text):
    with pytest.raises(Corrupt):
        canonical.decode(bytes.fromhex(text))


@given(own.json_values())
def test_a_cut_value_is_refused(value):
    data = canonical.encode(value)
    for length in range(min(len(data), 40)):
        with pytest.raises(Corrupt):
            canonical.decode(data[:length])


def test_claims_of_length_take_no_memory():
    resource = pytest.importorskip("resource", reason="memory is measured on POSIX only")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for head in ("ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "dd0fffffff" + "c0" * 100):
        with pytest.raises(Corrupt):
            canonical.decode_lenient(bytes.fromhex(head))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 64 * 1024  # KiB; the claims are of gigabytes

"""The file of a baseline or tag, and the object of a former value."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.errors import Corrupt, InvalidInput
from graven.formats.checksum import checksum_of
from graven.formats.guarded import (
    RefValue,
    decode_ref_file,
    decode_ref_object,
    encode_ref_file,
    encode_ref_object,
)
from graven.testing import strategies as own

VALUE = RefValue(
    run="r1",
    object="ab" * 32,
    seq=2,
    previous="cd" * 32,
    write_id="0" * 32,
    by="ann",
    at="2026-11-21T09:30:00+00:00",
    message="größer",
)

values = st.builds(
    RefValue,
    run=own.run_ids(),
    object=st.binary(min_size=32, max_size=32).map(bytes.hex),
    seq=st.integers(1, 2**53),
    previous=st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    write_id=own.texts(),
    by=own.texts(),
    at=own.texts(),
    message=own.texts(),
)


@given(values | values.map(lambda v: dataclasses.replace(v, run=None, object=None)))
def test_values_come_back_from_files_and_objects(value):
    assert decode_ref_file(encode_ref_file(value), "ref") == value
    assert decode_ref_object(encode_ref_object(value)) == value


def test_golden_bytes():
    assert encode_ref_object(dataclasses.replace(VALUE, message="")).hex() == (
        "93a372656601"
        "88"
        "a26174"
        "b9" + b"2026-11-21T09:30:00+00:00".hex() + "a26279"
        "a3616e6e"
        "a76d657373616765"
        "a0"
        "a66f626a656374"
        "d940" + (b"ab" * 32).hex() + "a870726576696f7573"
        "d940" + (b"cd" * 32).hex() + "a372756e"
        "a27231"
        "a3736571"
        "02"
        "a877726974655f6964"
        "d920" + (b"0" * 32).hex()
    )


def test_the_file_is_readable():
    text = encode_ref_file(VALUE).decode()
    assert "größer" in text
    assert list(json.loads(text)) == [*VALUE.to_dict(), "crc32"]


def test_golden_checksum():
    assert json.loads(encode_ref_file(VALUE))["crc32"] == "857b1539"


def test_text_that_cannot_be_written_is_refused():
    with pytest.raises(InvalidInput, match="surrogate"):
        encode_ref_file(dataclasses.replace(VALUE, message="\ud800"))


@pytest.mark.parametrize("text", ['größer " \\ / \x1f', ""], ids=["marks", "empty"])
def test_each_flipped_bit_is_noticed(text):
    value = dataclasses.replace(VALUE, message=text, recent=("1" * 32, "2" * 32))
    data = encode_ref_file(value)
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            with pytest.raises(Corrupt, match=r"refs/tags/a\.json"):
                decode_ref_file(bytes(flipped), "refs/tags/a.json")


def test_fields_of_a_later_graven_are_vouched_for_as_well():
    record = VALUE.to_dict() | {"mood": "good"}
    record["crc32"] = checksum_of(record)
    data = (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
    assert decode_ref_file(data, "ref") == VALUE
    with pytest.raises(Corrupt, match="do not match its checksum"):
        decode_ref_file(data.replace(b"good", b"food"), "ref")


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"seq": True},
        {"seq": "1"},
        {"object": "xy" * 32},
        {"object": "ab"},
        {"object": "AB" * 32},
        {"previous": "../x"},
        {"run": None},
        {"object": None},
        {"run": 5},
        {"by": None},
        {"message": 1},
    ],
    ids=repr,
)
def test_a_damaged_value_is_corrupt_and_named(change):
    data = json.dumps(VALUE.to_dict() | change).encode()
    with pytest.raises(Corrupt, match=r"refs/baselines/main\.json"):
        decode_ref_file(data, "refs/baselines/main.json")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_what_is_no_ref_file_is_corrupt(data):
    with pytest.raises(Corrupt):
        decode_ref_file(data, "ref")


def test_a_missing_field_is_corrupt():
    whole = json.loads(encode_ref_file(VALUE))
    for name in whole:
        record = dict(whole)
        del record[name]
        with pytest.raises(Corrupt):
            decode_ref_file(json.dumps(record).encode(), "ref")


def test_half_a_character_is_refused_before_it_is_written():
    with pytest.raises(InvalidInput, match="lone surrogate"):
        encode_ref_file(dataclasses.replace(VALUE, message="\udcff"))

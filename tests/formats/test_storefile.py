"""store.json."""

import json
import zlib

import pytest

from graven.errors import Corrupt, FormatTooNew, InvalidInput
from graven.formats.storefile import (
    DEFAULT_GRACE_SECONDS,
    decode_store_file,
    encode_store_file,
    new_store_file,
)

GOOD = {
    "format": 1,
    "id": "0123456789abcdef" * 2,
    "hash": "blake3-256",
    "grace_seconds": 86400,
    "features": [],
    "created": "2026-11-21T09:30:00+00:00",
}


def sealed(record):
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return {**record, "crc32": f"{zlib.crc32(text.encode()):08x}"}


def decode(record):
    record = sealed(record) if isinstance(record, dict) else record
    return decode_store_file(json.dumps(record).encode(), "store.json")


def test_a_new_file_comes_back():
    made = new_store_file("2026-11-21T09:30:00+00:00")
    assert decode_store_file(encode_store_file(made), "store.json") == made
    assert made.grace_seconds == DEFAULT_GRACE_SECONDS == 24 * 3600
    assert new_store_file("").store_id != made.store_id


def test_golden_text():
    made = decode(GOOD)
    assert encode_store_file(made).decode() == json.dumps(sealed(GOOD), indent=2) + "\n"


def test_every_flipped_bit_is_noticed():
    data = encode_store_file(decode(GOOD))
    known = json.loads(data)
    for position in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        try:
            found = decode_store_file(bytes(flipped), "store.json")
        except (Corrupt, FormatTooNew, InvalidInput):
            continue
        assert found == decode(GOOD)  # of what means nothing: the kind of a space
        assert json.loads(bytes(flipped)) == known


def test_a_file_without_its_checksum_is_damaged():
    with pytest.raises(Corrupt, match="checksum"):
        decode_store_file(json.dumps(GOOD).encode(), "store.json")


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"format": 2}, "graven >= format 2"),
        ({"format": 2, "needs": "0.4"}, "graven >= 0.4"),
        ({"format": 2, "features": {"new": "shape"}}, "graven >= format 2"),
        ({"features": ["encrypted"]}, "with encrypted"),
        ({"hash": "sha3"}, "graven >="),
    ],
)
def test_a_newer_store_says_what_it_needs(change, needs):
    with pytest.raises(FormatTooNew, match=needs):
        decode(GOOD | change)


@pytest.mark.parametrize(
    "change",
    [
        {"id": 7},
        {"id": "short"},
        {"id": "G" * 32},
        {"grace_seconds": -1},
        {"grace_seconds": "day"},
        {"grace_seconds": True},
        {"format": 0},
        {"format": -1},
        {"features": "encrypted"},
        {"features": None},
    ],
    ids=repr,
)
def test_a_damaged_field_is_corrupt(change):
    with pytest.raises(Corrupt, match=r"store\.json is damaged: field"):
        decode(GOOD | change)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_corrupt(data):
    with pytest.raises(Corrupt, match=r"store\.json is damaged"):
        decode_store_file(data, "store.json")


@pytest.mark.parametrize("record", [[], {}, 1, {"format": "1"}, {"format": True}], ids=repr)
def test_other_json_is_not_a_store(record):
    with pytest.raises(InvalidInput, match=r"not graven's store\.json"):
        decode(record)

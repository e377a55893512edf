"""Records that name other objects."""

import pytest

from graven.errors import Corrupt, FormatTooNew, InvalidInput
from graven.formats.envelope import MANIFEST, REF, seal
from graven.formats.manifest import Manifest, decode_manifest, encode_manifest
from graven.ids import hash_bytes

ONE, TWO = hash_bytes(b"1"), hash_bytes(b"2")


def test_what_is_encoded_is_decoded():
    record = encode_manifest("folder", {"b": [0, 1], "a": 1.5}, [TWO, ONE])
    assert decode_manifest(record) == Manifest("folder", (TWO, ONE), {"a": 1.5, "b": [0, 1]})


def test_equal_records_have_equal_bytes():
    assert encode_manifest("x", {"a": 1, "b": 2}) == encode_manifest("x", {"b": 2, "a": 1})
    golden = "871ad56e4cbbbe07cab6aed7f1274434718398ac707048ebae265af9603ed827"
    assert hash_bytes(encode_manifest("x", {"a": 1})).hex() == golden


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"type": "x", "links": []},
        {"type": 1, "links": [], "data": None},
        {"type": "x", "links": {}, "data": None},
        {"type": "x", "links": [b"short"], "data": None},
        {"type": "x", "links": ["a" * 32], "data": None},
    ],
)
def test_what_is_no_manifest_is_refused(body):
    with pytest.raises(Corrupt):
        decode_manifest(seal(MANIFEST, body))


def test_another_kind_is_refused():
    with pytest.raises((Corrupt, FormatTooNew)):
        decode_manifest(seal(REF, {"type": "x", "links": [], "data": None}))


def test_what_has_no_form_is_refused():
    with pytest.raises((InvalidInput, TypeError)):
        encode_manifest("x", {"a": object()})

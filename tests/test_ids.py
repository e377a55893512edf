"""Names of things: what may be one, and what it becomes on disk."""

import pytest
from hypothesis import given

from graven import ids
from graven.errors import InvalidInput
from graven.testing import strategies as own


@given(own.texts(30).filter(bool))
def test_any_name_survives_its_file_name(name):
    encoded = ids.percent_encode(name)
    assert ids.percent_decode(encoded) == name
    assert set(encoded) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-%")
    assert not encoded.startswith(".")
    assert not encoded.endswith(".")


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("run-1.a_b", "run-1.a_b"),
        ("Run", "%52un"),
        ("..", "%2e%2e"),
        (".hid", "%2ehid"),
        ("a.", "a%2e"),
        ("a/b", "a%2fb"),
        ("con", "%63on"),
        ("nul.tar.gz", "%6eul.tar.gz"),
        ("lpt9", "%6cpt9"),
        ("cons", "cons"),
        ("ü", "%c3%bc"),
        ("a%b", "a%25b"),
        ("a:b", "a%3ab"),
    ],
)
def test_golden_file_names(name, file_name):
    assert ids.percent_encode(name) == file_name


WRONG = ["", ".", "..", "a/b", "a\\b", "CON", "con.txt", "Com1", "lpt¹", "conin$"]
WRONG += ["a\0", "a\n", "\x7f", "\x85", " a", "a ", "nul .x", "\ud800", "a\udfffb"]
WRONG += ["a" * 201, "A" * 67, "ü" * 34]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_name(name):
    with pytest.raises(InvalidInput) as caught:
        ids.check_name(name, "run id")
    assert caught.value.fields["field"] == "run id"
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["a.b", ".hid", "a" * 200, "console", "Com", "ü", "a b", "-x", "1"]
)
def test_what_is_a_name(name):
    assert ids.check_name(name, "run id") == name


@pytest.mark.parametrize("value", [None, 1, b"a", ["a"]])
def test_names_are_text(value):
    with pytest.raises(InvalidInput, match="run id must be text"):
        ids.check_run_id(value)


def test_names_are_taken_in_form_c():
    assert ids.check_run_id("u\u0308") == "ü"


def test_words_of_the_revision_syntax_are_no_run_ids():
    with pytest.raises(InvalidInput, match="revision syntax"):
        ids.check_run_id("latest")


@pytest.mark.parametrize("text", ["", "ab", "AB" * 32, "g" * 64, "ab" * 33])
def test_object_ids_are_64_lower_case_digits(text):
    with pytest.raises(InvalidInput):
        ids.parse_object_id(text)


def test_the_hash_is_blake3():
    assert ids.hash_bytes(b"").hex() == (
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    )
    assert ids.parse_object_id(ids.hash_bytes(b"x").hex()) == ids.hash_bytes(b"x")


def test_random_bits_come_from_the_dice_at_hand():
    with ids.drawn_from(lambda count: b"\x80" * count):
        assert ids.random_bytes(3) == b"\x80\x80\x80"
        assert ids.new_nonce() == "80" * 16
        assert 0.5 <= ids.random_fraction() < 0.51
    assert ids.new_nonce() != "80" * 16
    assert all(0 <= ids.random_fraction() < 1 for _ in range(100))

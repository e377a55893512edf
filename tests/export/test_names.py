from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.export.asv.benchmarks import benchmark_names
from graven.export.asv.names import NAME_LIMIT, distinct, inert_text, safe_name

SAFE = re.compile(r"[A-Za-z0-9_.\[\]-]+")
# Few characters, so that different names often map to one.
crowded = st.text(alphabet="aA./ (_-", max_size=4)
anything = st.text(max_size=400) | crowded
keys = st.tuples(anything, anything, st.none() | anything)


@given(st.sets(keys, max_size=30), st.sets(st.sampled_from(["a.a", "_._._", "a.a.a"])))
def test_benchmark_names_are_safe_and_distinct_without_regard_to_case(found, foreign):
    names = benchmark_names(found, foreign)
    assert names.keys() == found
    folded = {name.casefold() for name in names.values()}
    assert len(folded) == len(found)
    assert not folded & {name.casefold() for name in foreign}
    for name in names.values():
        assert SAFE.fullmatch(name)
        assert len(name) <= NAME_LIMIT
        assert not name.startswith((".", "-")) and not name.endswith(".")
        assert name not in ("version", "summary")


@given(st.lists(keys, max_size=20, unique=True), st.randoms())
def test_benchmark_names_do_not_depend_on_order(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    assert benchmark_names(found, ()) == benchmark_names(shuffled, ())


@given(anything)
def test_safe_name_is_a_file_name_and_stays_as_it_is(text):
    name = safe_name(text)
    assert SAFE.fullmatch(name)
    assert name not in (".", "..")
    assert safe_name(name) == name


@given(st.sets(st.none() | anything, max_size=20))
def test_distinct_texts_are_distinct(found):
    texts = distinct(found, lambda item: inert_text(item or "-"), limit=50)
    assert len(set(texts.values())) == len(found)
    assert all(len(text) <= 50 for text in texts.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("matmul/small", "matmul_small"),
        ("test[a-1]", "test[a-1]"),
        ("../../up", "_.._.._up"),
        ("read <csv>", "read_csv"),
        ("(solve)", "solve"),
        ("_kept_", "_kept_"),
        ("", "_"),
        ("..", "_._"),
        ("CON", "_CON"),
        ("nul.json", "_nul.json"),
        ("-x", "_-x"),
        ("größe", "gr_e"),
        ("日本", "_"),
    ],
)
def test_safe_name(text, expected):
    assert safe_name(text) == expected


def test_a_plain_name_stays_plain():
    key = ("linalg", "matmul", "time")
    assert benchmark_names([key], ()) == {key: "linalg.matmul.time"}


def test_all_that_share_a_name_get_a_hash():
    names = benchmark_names([("a.b", "c", "m"), ("a", "b.c", "m"), ("x", "y", "z")], ())
    assert sorted(name.split("-")[0] for name in names.values()) == ["a.b.c.m", "a.b.c.m", "x.y.z"]
    assert all("-" in name for key, name in names.items() if key[0] != "x")


def test_inert_text_holds_no_html_and_nothing_that_cannot_be_written():
    text = inert_text('<b title="x">&\n\ud800é')
    assert text == "‹b title=”x”›＆\\u000a\\ud800é"
    text.encode()

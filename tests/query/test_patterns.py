"""Globs: any pattern is read, and those without sets as one reads them by hand."""

from hypothesis import given
from hypothesis import strategies as st

from graven.query.patterns import fits_glob

PATTERNS = st.text(st.sampled_from("[]!-^az*?\\&|~"), max_size=10)


@given(st.text(max_size=8), PATTERNS | st.text(max_size=8))
def test_no_pattern_fails(text, pattern):
    assert fits_glob(text, pattern) in (True, False)


def test_patterns_fit_whole_texts():
    assert fits_glob("main", "m*n")
    assert not fits_glob("Main", "m*n")
    assert fits_glob("a\nb", "a?b")
    assert fits_glob("a1", "a[0-9]")
    assert fits_glob("ab", "a[!0-9]")
    assert not fits_glob(None, "*")


def test_many_stars_take_no_time():
    assert not fits_glob("a" * 5000, "*a" * 40 + "b")

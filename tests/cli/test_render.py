"""Numbers, times and text as people read them."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta

import pytest

from graven.cli.render.blocks import Table
from graven.cli.render.comparison import point_text
from graven.cli.render.plain import PlainWriter
from graven.cli.render.terminal import TerminalWriter
from graven.cli.render.text import age, clean, plural, short_commit, short_id
from graven.cli.render.units import format_number, human, percent, scale_for, size


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.23e-5, "s", "12.30 µs"),
        (0.99999, "s", "1.000 s"),
        (0.5, "s", "500.0 ms"),
        (75.0, "s", "75.00 s"),
        (0.0, "s", "0 s"),
        (1e-15, "s", "0.001000 ps"),
        (714.0, "B", "714.0 B"),
        (4.3e6, "B", "4.101 MiB"),
        (2e9, "B/s", "1.863 GiB/s"),
        (1234567.0, "ops/s", "1.235 Mops/s"),
        (77.0, "entries", "77 entries"),
        (0.1234567, "1", "0.1235"),
        (1e20, "1", "1.000e+20"),
        (math.nan, "s", "NaN"),
        (math.inf, "s", "∞"),
        (-math.inf, None, "-∞"),
        (-1.5e-3, "s", "-1.500 ms"),
    ],
)
def test_values_have_a_unit_of_their_size(value, unit, text):
    assert human(value, unit) == text


def test_a_finite_value_is_never_shown_as_infinite():
    scale = scale_for([1e-310, -1e300], "s")
    assert format_number(-1e300, scale) == "-1.000e+300 s"


def test_values_beside_each_other_share_a_scale():
    scale = scale_for([1.5e-3, 2.0], "s")
    assert [format_number(value, scale) for value in (1.5e-3, 2.0)] == ["1.500 ms", "2,000 ms"]


@pytest.mark.parametrize(
    ("change", "text"),
    [(0.052, "+5.2%"), (-0.5, "-50.0%"), (0.0, "+0.0%"), (0.0004, "+0.04%"), (12.0, "+1,200%"),
     (None, ""), (math.inf, "+∞%")],
)  # fmt: skip
def test_percent(change, text):
    assert percent(change) == text


def test_sizes_and_counts():
    assert [size(n) for n in (0, 1023, 1024, 5 * 2**20)] == ["0 B", "1023 B", "1.0 KiB", "5.0 MiB"]
    assert [plural(n, "run") for n in (0, 1, 12000)] == ["0 runs", "1 run", "12,000 runs"]


def test_ages_are_in_the_largest_unit_that_fits():
    now = datetime(2026, 1, 2, tzinfo=UTC)
    ages = [age(now - timedelta(seconds=s), now) for s in (0, 30, 300, 7200, 864_000, 10**8)]
    assert ages == ["now", "30 s ago", "5 m ago", "2 h ago", "10 d ago", "3 y ago"]
    assert age(now + timedelta(days=3), now) == "2026-01-05"


def test_ids_are_cut_only_where_they_were_generated():
    assert short_id("0123456789abcdef0123") == "0123456789ab"
    assert short_id("nightly-2026-01-02-full") == "nightly-2026-01-02-full"
    assert short_commit("a" * 40) == "a" * 10
    assert short_commit("v1.2-rc") == "v1.2-rc"
    assert short_commit(None) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("naïve 漢字", "naïve 漢字"), ("a\x1b[0m", r"a\x1b[0m"),
     ("a\nb\tc\r", r"a\x0ab\x09c\x0d"), ("\u202eabc", r"\u202eabc"), ("\x9b31m", r"\x9b31m"),
     ("a\u00a0b", "a b"), ("\U000e0001", r"\U000e0001"), ("\udc80", r"\udc80")],
)  # fmt: skip
def test_control_characters_become_escapes(text, expected):
    assert clean(text) == expected


def table():
    made = Table("name", ">value", "")
    made.add("漢字", "1", "")
    made.add([("a", "id"), ("b", "dim")], ("22", "good"), "")
    return made


def test_pipes_get_tabs_and_no_escape_codes():
    stream = io.StringIO()
    PlainWriter(stream).table(table())
    assert stream.getvalue() == "name\tvalue\t-\n漢字\t1\t\nab\t22\t\n"


def test_terminals_get_columns_that_line_up_whatever_the_characters_width():
    stream = io.StringIO()
    TerminalWriter(stream, colored=False).table(table().drop_empty())
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines == ["name  value", "漢字      1", "ab       22"]


def test_colour_is_written_only_where_it_is_allowed():
    texts = []
    for colored in (True, False):
        stream = io.StringIO()
        TerminalWriter(stream, colored=colored).line(("worse", "bad"))
        texts.append(stream.getvalue())
    assert "\x1b[" not in texts[1]
    assert texts[1] == "worse\n"


@pytest.mark.parametrize(
    ("scenario", "name", "text"),
    [
        ("test_words.py", "test_words.py::test_count", "test_words.py::test_count n=1"),
        ("sort", "sort", "sort n=1"),
        ("sort", "sort[10]", "sort[10] n=1"),
        ("sort", "sorted", "sort/sorted n=1"),
        ("sort", "sort_all", "sort/sort_all n=1"),
        ("cpu", "sort", "cpu/sort n=1"),
        ("", "sort", "sort n=1"),
    ],
)
def test_a_scenario_that_the_name_begins_with_is_said_once(scenario, name, text):
    assert point_text(scenario, name, {"n": "1"}) == text

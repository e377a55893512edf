"""Thresholds: what is read, and which rule wins."""

from __future__ import annotations

import pytest

from graven.analysis import Thresholds, parse_threshold
from graven.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "value"), [("10%", 0.1), ("0.1", 0.1), (0.1, 0.1), ("0", 0.0), ("150 %", 1.5)]
)
def test_percentages_and_fractions_are_read(text, value):
    assert parse_threshold(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1%", "nan", "inf%", "5", 5, True, None])
def test_what_is_no_threshold_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_threshold(text)


def test_a_bare_number_of_one_or_more_is_ambiguous_and_the_hint_says_what_to_write():
    with pytest.raises(InvalidInput) as caught:
        parse_threshold("5")
    assert caught.value.hint == "write 5% or 500%"


def test_path_beats_metric_exact_beats_wildcard_later_beats_earlier():
    thresholds = Thresholds.from_config(
        {
            "default": "1%",
            "time": 0.2,
            "ti*": 0.3,
            "linalg/*/time": 0.4,
            "linalg/matmul/time": 0.5,
            "linalg/mat*/time": 0.6,
        }
    )
    assert thresholds.threshold_for("s", "p", "memory") == 0.01
    assert thresholds.threshold_for("s", "p", "time") == 0.2
    assert thresholds.threshold_for("s", "p", "ticks") == 0.3
    assert thresholds.threshold_for("linalg", "solve", "time") == 0.4
    assert thresholds.threshold_for("linalg", "matmul", "time") == 0.5
    assert thresholds.threshold_for("linalg", "mat2", "time") == 0.6


def test_flags_stand_above_the_configuration():
    config = Thresholds.from_config({"a/b/time": 0.5, "memory": 0.3})
    assert config.with_flags(("time=7%",)).threshold_for("a", "b", "time") == 0.07
    assert config.with_flags(("time=7%",)).threshold_for("a", "b", "memory") == 0.3
    bare = config.with_flags(("2%", "time=7%"))
    assert bare.threshold_for("a", "b", "time") == 0.07
    assert bare.threshold_for("a", "b", "memory") == 0.02


def test_floors_have_their_own_default():
    thresholds = Thresholds.from_config(None, {"default": 1, "time": 2.5})
    assert thresholds.floor_for("s", "p", "time") == 2.5
    assert thresholds.floor_for("s", "p", "rate") == 1.0
    assert Thresholds().floor_for("s", "p", "rate") == 0.0


def test_a_bad_key_of_the_configuration_is_named():
    with pytest.raises(InvalidInput, match=r"config.json: thresholds.time: not a threshold"):
        Thresholds.from_config({"time": "fast"})
    with pytest.raises(InvalidInput, match="expected a map"):
        Thresholds.from_config([1])
    with pytest.raises(InvalidInput, match="names no metric"):
        Thresholds().with_flags(("=5%",))

"""Text of strangers in Markdown and CSV."""

from __future__ import annotations

import pytest

from graven.report.safe_text import MOST_TEXT, code, harmless, whole


@pytest.mark.parametrize(
    "text",
    ["=cmd()", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "=", "\t=1"],
)
def test_what_would_be_a_formula_begins_with_a_quote(text):
    assert harmless(text) == "'" + text.replace("\t=", "\t'=")


def test_a_formula_behind_a_separator_too():
    assert harmless("a;=cmd()") == "a;'=cmd()"
    assert harmless("a\n=1\t+2") == "a\n'=1\t'+2"


@pytest.mark.parametrize("text", ["", "plain", "k=v,x=-1", "a - b", "1.5", "naïve 中文"])
def test_other_text_stays(text):
    assert harmless(text) == text


def test_nothing_that_utf8_cannot_write():
    assert harmless("a\0b\ud800") == "ab?"
    assert whole("\udfff") == "?"


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "[x](http://e.x)", "@user", "a|b`c`", "![i](j)", "\u202eab"],
)
def test_markdown_sees_no_punctuation(text):
    inner = code(text).removeprefix("<code>").removesuffix("</code>")
    assert not set(inner) & set("<>[]()@|`!:/\u202e")


def test_a_long_name_is_cut():
    assert len(code("x" * 500)) == len("<code></code>") + MOST_TEXT
    assert code("") == ""

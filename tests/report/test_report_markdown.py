"""A report as Markdown."""

from __future__ import annotations

import re
from dataclasses import replace

from graven.report.markdown import MOST_ROWS, render


def text_of(report):
    return "".join(render(report))


def test_it_says_what_was_looked_at(plain_report):
    text = text_of(plain_report)
    assert "| runs | 3 |" in text
    assert "2 <code>measured</code>, 1 <code>simulated</code>" in text
    assert "None: <code>there is no baseline</code>" in text
    assert "| 1.500 <code>s</code> | 1.250 <code>s</code> | 1.000 <code>s</code> |" in text
    assert "<code>cpu&#46;cores</code> | <code>4</code>" in text


def test_what_matters_comes_first(evil_report):
    text = text_of(evil_report)
    assert "| regression | 1 |" in text
    assert "### What matters" in text
    assert "+50.0% | worse |" in text
    assert "7 older runs" in text.replace("&#58;", ":")


def test_no_text_is_markup(evil_report):
    for line in text_of(evil_report).splitlines():
        outside = re.sub(r"<code>[^<>`]*</code>", "", line)
        assert not set(outside) & set("<>`@'=") and "cmd" not in outside
        inside = "".join(re.findall(r"<code>(.*?)</code>", line))
        assert not set(inside) & set("<>`@|[]()*_:/")


def test_every_table_has_as_many_cells_as_titles(evil_report):
    for block in text_of(evil_report).split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1


def test_long_lists_are_cut_and_say_so(plain_report):
    many = replace(plain_report, series=plain_report.series[:1] * (MOST_ROWS + 5))
    assert "and 5 more" in text_of(many)


def test_an_empty_report(empty_report):
    assert "| runs | 0 |" in text_of(empty_report)

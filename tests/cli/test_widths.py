"""Tables on terminals that are too narrow for them."""

from __future__ import annotations

import io

import pytest

from graven.cli.render.blocks import Table
from graven.cli.render.terminal import TerminalWriter
from graven.cli.render.widths import Column, fitted

POINT = "asv/bench_core.Suite.time_work mode='a',n=1000"
DETAIL = "33.98 … 34.74 µs, median of 20"


def columns():
    return [
        Column.of(["point", POINT], folds=True),
        Column.of(["value", "34.26 µs"], folds=False),
        Column.of(["", DETAIL], folds=True),
    ]


def test_columns_are_as_wide_as_their_cells_where_there_is_room():
    assert fitted(columns(), 200) == [len(POINT), 8, len(DETAIL)]


def test_what_explains_is_folded_at_commas_first():
    assert fitted(columns(), 75) == [len(POINT), 8, 75 - 8 - len(POINT)]


def test_then_names_are_folded_at_words():
    assert fitted(columns(), 60) == [60 - 8 - 17, 8, len("33.98 … 34.74 µs,")]


@pytest.mark.parametrize("room", range(30, 90))
def test_no_more_than_the_room_is_taken(room):
    assert sum(fitted(columns(), room)) == min(room, len(POINT) + 8 + len(DETAIL))


def test_columns_that_do_not_fold_keep_their_width_and_nothing_is_cut_below_the_least():
    assert fitted(columns(), 5) == [8, 8, 8]
    assert fitted([Column.of(["x" * 50], folds=False)], 10) == [50]


def test_two_wide_columns_end_equally_wide():
    wide = [Column.of(["x" * 50], folds=True), Column.of(["y" * 30], folds=True)]
    assert fitted(wide, 40) == [20, 20]


def test_a_name_is_not_broken_within_a_word_while_there_is_another_way(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    table = Table("*point", ">value", "*")
    table.add(POINT, "34.26 µs", DETAIL)
    stream = io.StringIO()
    TerminalWriter(stream, colored=False).table(table)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines == [
        "point                               value",
        "asv/bench_core.Suite.time_work   34.26 µs  33.98 … 34.74 µs,",
        "mode='a',n=1000                            median of 20",
    ]


def laid_out(monkeypatch, width, *rows):
    monkeypatch.setenv("COLUMNS", str(width))
    table = Table("", "^point", ">value", ">change", "*judged by")
    for row in rows:
        table.add(*row)
    stream = io.StringIO()
    TerminalWriter(stream, colored=False).table(table)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


LONG = "asv/query_benchmarks.query_all.benchmark.QueryAll.time_query_all"


def test_a_name_too_long_for_its_column_has_a_line_of_its_own(monkeypatch):
    rows = (("^", LONG, "34.26 µs", "+12,889%", "30 runs, confirmed"), ("", "b", "1 s", "", ""))
    assert laid_out(monkeypatch, 60, *rows) == [
        "      value    change  judged by",
        f"^ {LONG}",
        "   34.26 µs  +12,889%  30 runs, confirmed",
        " b",
        "        1 s",
    ]
    assert laid_out(monkeypatch, 120, *rows)[1].startswith(f"^  {LONG}  34.26 µs")


def test_rows_that_go_on_with_a_name_do_not_repeat_it(monkeypatch):
    rows = (("", LONG, "1 s", "", ""), ("", "", "2 s", "", ""))
    lines = laid_out(monkeypatch, 40, *rows)
    assert [line.strip() for line in lines[1:]] == [LONG, "1 s", "2 s"]

"""``graven sql`` and ``graven export-tables``."""

import csv
import io

import pytest

import graven
from graven.testing.runs import sample_run

pytest.importorskip("duckdb")
pq = pytest.importorskip("pyarrow.parquet")


def test_a_pipe_gets_tabs_and_full_values(call, store):
    answer = call("sql", "select run_id, value from metrics where metric = 'time' order by 1")
    assert answer.code == 0
    assert answer.rows()[0] == ["run_id", "value"]
    assert answer.rows()[1][0] == "r1"
    assert len(answer.rows()) == 4


def test_people_get_a_table_with_its_nulls(call, store):
    answer = call("--color", "always", "sql", "select run_id, experiment from runs")
    assert "NULL" in answer.out
    assert call("--color", "always", "sql", "select 1 where false").err == "no rows\n"


def test_people_are_not_flooded(call, store):
    answer = call("--color", "always", "sql", "select * from range(5000)")
    assert len(answer.out.splitlines()) == 1001
    assert "more than 1,000 rows" in answer.err
    assert len(call("sql", "select * from range(5000)").out.splitlines()) == 5001
    assert len(call("sql", "-n", "7", "select * from range(5000)").out.splitlines()) == 8
    everything = call("--color", "always", "sql", "-n", "0", "select * from range(5000)")
    assert len(everything.out.splitlines()) == 5001


def test_json_has_a_record_a_row(call, store):
    records = call(
        "sql", "--json", "select 'a' as t, null as n, 'nan'::double as x, sum(3) as s,"
        " 1.5::decimal(4,1) as d, [1] as l, timestamp '2026-01-01' as at, '' as e",
    ).records()  # fmt: skip
    [record] = records
    assert record["schema"] == "graven.sql/1"
    assert record["values"] == {
        "t": "a", "n": None, "x": "NaN", "s": 3, "d": 1.5, "l": [1],
        "at": "2026-01-01T00:00:00", "e": "",
    }  # fmt: skip


def test_csv_is_safe_in_a_spreadsheet(call, store):
    inner = graven.open(store.url)
    inner.save(sample_run("odd", -1.5, branch="=cmd()|'x'!A1"))
    answer = call(
        "sql", "--csv",
        "select branch, value, -3::decimal(4,1) as d, run_id as \"=t\" from metrics"
        " join runs using (run_id) where run_id = 'odd'",
    )  # fmt: skip
    titles, row = csv.reader(io.StringIO(answer.out))
    assert titles == ["branch", "value", "d", "'=t"]
    assert row == ["'=cmd()|'x'!A1", "-1.5", "-3", "odd"]


def test_parquet_is_written_whole_or_not_at_all(call, store, tmp_path):
    answer = call("sql", "--parquet", "out.parquet", "select run_id from runs")
    assert answer.code == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == store.count()
    assert call("sql", "--parquet", "out.parquet", "select 1").code == 4
    assert call("sql", "-f", "--parquet", "out.parquet", "select 1 as a").code == 0
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"a": 1}]
    bad = "select cast(run_id as int) from runs"
    assert call("sql", "--parquet", "other.parquet", bad).code == 2
    assert call("sql", "--parquet", "no/such/folder.parquet", "select 1").code == 6
    assert sorted(p.name for p in tmp_path.glob("*.parquet*")) == ["out.parquet"]
    assert not list(tmp_path.glob(".*parquet*"))


def test_decimals_keep_their_digits(call, store):
    digits = "12345678901234567890.125"
    statement = f"select {digits}::decimal(38, 3) as d"
    assert call("sql", statement).rows()[1] == [digits]
    assert call("sql", "--csv", statement).out == f"d\n{digits}\n"


def test_what_no_form_has_is_told(call, store, tmp_path):
    answer = call("sql", "--parquet", "out.parquet", "select interval 1 month as i")
    assert answer.code == 2
    assert "Parquet has no form" in answer.err
    assert not list(tmp_path.glob("*.parquet*"))
    broken = call("sql", "select '\udcff'")
    assert (broken.code, "no UTF-8" in broken.err) == (2, True)
    small = call("sql", "--memory", "1KB", "select 1")
    assert (small.code, "needs more memory" in small.err) == (2, True)


def test_errors_point_and_have_codes(call, store):
    answer = call("sql", "select valu from metrics")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        'graven: referenced column "valu" not found in FROM clause',
        "  select valu from metrics",
        "         ^^^^",
        "hint: did you mean 'value'?",
    ]
    refused = call("sql", "drop view runs")
    assert refused.code == 2
    assert "refuses a statement of kind DROP" in refused.err
    slow = call("sql", "--timeout", "0.2", "select count(*) from range(100000000000) a, range(9)")
    assert slow.code == 2
    assert "took more than 0.2 s" in slow.err
    assert call("sql", "--csv", "--json", "select 1").code == 2


def test_a_plan_is_shown_as_it_is_drawn(call, store):
    assert "│" in call("sql", "explain select * from runs").out


def test_a_statement_may_come_from_a_pipe(call, store, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("select 41 + 1 as n"))
    assert call("sql", "-").out == "n\n42\n"


def test_text_of_strangers_reaches_no_terminal(call, store):
    inner = graven.open(store.url)
    inner.save(sample_run("odd", branch="\x1b[31mred\x07", status="a\tb\nc"))
    for words in ((), ("--color", "always")):
        out = call(*words, "sql", "select branch, status from runs where run_id = 'odd'").out
        assert "\x1b[31m" not in out
        assert "\x07" not in out
    assert len(out.splitlines()) == 2


def test_export_tables(call, store, tmp_path):
    answer = call("export-tables", "parquet", "out", "--table", "runs", "--where", "run = r1")
    assert answer.code == 0
    assert "1 run; 1 file written" in answer.err
    again = call("export-tables", "parquet", "out", "-t", "runs", "-w", "run = r1", "--json")
    [record] = again.records()
    assert (record["written"], record["kept"], record["runs"]) == (0, 1, 1)
    assert call("export-tables", "xml", "out").code == 2
    assert call("export-tables", "csv", "out").code == 4
    assert call("export-tables", "csv", "").code == 2

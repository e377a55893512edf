"""SQL may ask, and nothing else: each way out of the store is tried."""

import os
import threading

import pytest

from graven import clock
from graven.errors import InvalidInput
from graven.sql import answer, run, session
from graven.testing.runs import sample_run

WRITES = [
    "CREATE TABLE t(a int)", "CREATE TABLE t AS SELECT 1", "CREATE VIEW v AS SELECT 1",
    "CREATE MACRO m() AS 1", "CREATE SECRET s (TYPE s3)", "CREATE SEQUENCE s",
    "INSERT INTO runs VALUES (1)", "UPDATE runs SET status = 'x'", "DELETE FROM runs",
    "DROP VIEW runs", "DROP TABLE runs", "ALTER TABLE runs ADD COLUMN x int", "TRUNCATE runs",
    "COPY runs TO '{out}'", "COPY (SELECT 1) TO '{out}' (FORMAT parquet)",
    "COPY runs FROM '{file}'", "EXPORT DATABASE '{out}'", "IMPORT DATABASE '{out}'",
    "ATTACH '{out}' AS other", "ATTACH 'sqlite:{file}' AS other", "DETACH memory", "USE memory",
    "INSTALL httpfs", "LOAD httpfs", "LOAD '{file}'", "FORCE INSTALL spatial",
    "UPDATE EXTENSIONS", "SET memory_limit = '100GB'", "SET enable_external_access = true",
    "RESET enable_external_access", "SET VARIABLE x = 1", "SET GLOBAL threads = 99",
    "PRAGMA database_list", "PRAGMA enable_profiling", "PRAGMA threads = 99",
    "PRAGMA disable_checkpoint_on_shutdown", "PRAGMA table_info('runs')",
    "CALL pragma_version()", "CALL enable_logging()", "CHECKPOINT", "FORCE CHECKPOINT",
    "VACUUM", "ANALYZE", "BEGIN", "COMMIT", "ROLLBACK", "PREPARE p AS SELECT 1", "EXECUTE p",
    "DEALLOCATE p", "COMMENT ON VIEW runs IS 'x'",
    "EXPLAIN COPY runs TO '{out}'", "EXPLAIN ANALYZE COPY runs TO '{out}'",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1", "EXPLAIN ANALYZE INSERT INTO runs VALUES (1)",
    "EXPLAIN (ANALYZE) DELETE FROM runs", "EXPLAIN /* x */ ANALYZE -- y\n DROP VIEW runs",
    "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW runs", ";;", "", "-- nothing",
    "PIVOT runs ON branch", "WITH x AS (INSERT INTO runs VALUES (1)) SELECT 1",
]  # fmt: skip

READS = [
    "SELECT * FROM read_csv('{file}')", "SELECT * FROM read_csv_auto('{file}')",
    "SELECT * FROM read_parquet('{file}')", "SELECT * FROM parquet_scan('{file}')",
    "SELECT * FROM parquet_metadata('{file}')", "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')", "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_json_auto('{file}')", "SELECT * FROM read_ndjson('{file}')",
    "SELECT * FROM sniff_csv('{file}')", "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_duckdb('{file}')", "SELECT * FROM '{file}'", "FROM '{file}'",
    'SELECT * FROM "{file}"', "SELECT * FROM 'https://127.0.0.1/x.parquet'",
    "SELECT * FROM read_parquet('https://127.0.0.1/x.parquet')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')", "SELECT * FROM 's3://bucket/x.csv'",
    "SELECT * FROM pandas_scan(1)", "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM arrow_scan_dumb(1, 2, 3)", "SELECT * FROM python_map_function(1)",
    "SELECT * FROM pragma_database_list()", "SELECT * FROM pragma_storage_info('runs')",
    "SELECT * FROM duckdb_secrets()", "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_databases()", "SELECT * FROM enable_logging()",
    "SELECT * FROM enable_profiling()", "SELECT * FROM checkpoint()",
    "SELECT * FROM force_checkpoint()", "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('runs')", "SELECT * FROM json_execute_serialized_sql('x')",
    "SELECT * FROM register_external_resource('x')", "SELECT * FROM seq_scan('runs')",
    "SELECT (SELECT content FROM read_text('{file}'))",
    "WITH x AS (SELECT * FROM read_text('{file}')) SELECT * FROM x",
    "SELECT * FROM runs UNION ALL BY NAME SELECT * FROM read_csv('{file}')",
    "SELECT * FROM runs, LATERAL (SELECT * FROM read_text('{file}'))",
    "SELECT * FROM main.read_text('{file}')", "SELECT * FROM system.main.read_text('{file}')",
    "SUMMARIZE SELECT * FROM read_csv('{file}')", "DESCRIBE '{file}'",
    "SELECT getenv('HOME')", "SELECT list_transform([1], x -> getenv('HOME'))",
    "SELECT nextval('s')", "SELECT write_log('x')", "SELECT current_setting('secret_directory')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{file}')",
]  # fmt: skip


@pytest.fixture
def places(tmp_path, store):
    store.save(sample_run("r"))
    (tmp_path / "secret.csv").write_text("a,b\n1,secret-word\n")
    return {"file": tmp_path / "secret.csv", "folder": tmp_path, "out": tmp_path / "out"}


def all_files(folder):
    return sorted(
        os.path.join(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if f"{os.sep}cache" not in where
    )


def test_nothing_is_written_or_set(store, places, tmp_path):
    before = all_files(tmp_path)
    for text in WRITES:
        with pytest.raises(InvalidInput) as error:
            answer(store, text.format(**places))
        assert error.value.kind in ("sql-refused", "bad-query"), text
    assert all_files(tmp_path) == before
    assert answer(store, "SELECT run_id FROM runs").to_pylist() == [{"run_id": "r"}]


def test_nothing_outside_of_the_store_is_read(store, places):
    for text in READS:
        with pytest.raises(InvalidInput) as error:
            answer(store, text.format(**places))
        assert error.value.kind in ("sql-refused", "bad-query"), text
        assert "secret-word" not in str(error.value), text


def test_variables_of_the_program_are_no_tables(store):
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    with pytest.raises(InvalidInput, match="does not exist"):
        answer(store, "SELECT * FROM secret")
    assert secret.num_rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t",
        "SELECT count(*) FROM range(1000000000000) a, range(1000) b",
        "SELECT * FROM range(1000000000000) WHERE range < 0",
    ],
)
def test_what_runs_for_ever_ends_when_its_time_is_over(store, text):
    before = threading.active_count()
    with pytest.raises(InvalidInput) as error:
        answer(store, text, timeout=0.3, memory="2GB")
    assert error.value.kind in ("sql-timeout", "sql-memory")
    assert "--" in error.value.hint
    assert threading.active_count() <= before + 1


def test_rows_that_come_for_ever_end_when_their_time_is_over(store):
    with run(store, "SELECT * FROM range(1000000000000)", timeout=0.5) as found:
        rows = 0
        with pytest.raises(InvalidInput) as error:
            for batch in found:
                rows += batch.num_rows
    assert rows > 0
    assert error.value.kind == "sql-timeout"


def test_memory_is_limited_and_nothing_goes_to_the_disk(store, tmp_path):
    with pytest.raises(InvalidInput) as error:
        answer(store, "SELECT list(a) FROM range(100000000) t(a)", memory="64MB")
    assert error.value.kind == "sql-memory"
    with pytest.raises(InvalidInput) as error:
        answer(store, "SELECT * FROM range(100000000) t(a) ORDER BY hash(a), a DESC", memory="64MB")
    assert error.value.kind == "sql-memory"
    assert not os.path.exists(".tmp")


def test_limits_that_mean_nothing_are_refused(store):
    for memory in ("much", "", "-1"):
        with pytest.raises(InvalidInput) as error:
            answer(store, "SELECT 1", memory=memory)
        assert error.value.kind == "bad-limit"


def test_no_statement_is_told_as_that(store):
    for text in ("", ";;", "-- nothing"):
        with pytest.raises(InvalidInput, match="there is no statement"):
            answer(store, text)
    with pytest.raises(InvalidInput, match="2 statements at once"):
        answer(store, "SELECT 1; SELECT 2")


def test_a_pivot_is_helped_to_be_one_statement(store):
    with pytest.raises(InvalidInput) as error:
        answer(store, "PIVOT runs ON branch USING count(*)")
    assert "PIVOT" in str(error.value)
    assert "in (" in error.value.hint


def test_odd_statements_are_refused_and_do_no_harm(store):
    deep = "SELECT " + "(" * 5000 + "1" + ")" * 5000
    for text in ("\0", "SELECT 1 \0", deep, "SELECT '" + "x" * 2_000_000 + "'", "x" * 10_000):
        with pytest.raises(InvalidInput):
            answer(store, text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1", "VALUES (1), (2)", "FROM runs", "TABLE runs", "DESCRIBE runs", "SHOW TABLES",
        "SUMMARIZE runs", "EXPLAIN SELECT * FROM runs", "EXPLAIN ANALYZE SELECT * FROM runs",
        "WITH x AS (SELECT 1 AS a) SELECT * FROM x;", "SELECT * FROM range(3)",
        "SELECT * FROM generate_series(1, 3)", "SELECT unnest([1, 2])",
        "SELECT * FROM unnest([1, 2])", "/* c */ SELECT 1 -- end", "(SELECT 1) UNION (SELECT 2)",
        "SELECT * FROM information_schema.tables", "SELECT * FROM duckdb_columns()",
        "PIVOT (SELECT 1 AS a, 2 AS b) ON a IN (1) USING sum(b)", "SELECT 'DROP TABLE runs; x'",
        "SELECT 1 AS \"';--\"",
    ],
)  # fmt: skip
def test_questions_are_answered(store, text):
    store.save(sample_run("r"))
    assert answer(store, text).num_rows >= 1


def test_what_does_not_stop_when_it_is_told_to_is_reported(store, monkeypatch):
    monkeypatch.setattr(session, "STUCK_SECONDS", 0.1)
    stuck = threading.Event()
    long_list = "SELECT len(range(60000000 + (random() * 0)::int))"
    with (
        pytest.raises(InvalidInput) as error,
        run(store, long_list, timeout=0.05, memory="4GB", on_stuck=stuck.set) as found,
    ):
        found.read_all()
    assert error.value.kind == "sql-timeout"
    assert stuck.is_set()


def test_who_looks_at_rows_for_long_is_not_stuck(store, monkeypatch):
    monkeypatch.setattr(session, "STUCK_SECONDS", 0.05)
    stuck = threading.Event()
    with run(store, "SELECT * FROM range(10)", timeout=0.05, on_stuck=stuck.set) as found:
        clock.sleep(0.3)
        assert not stuck.is_set()
        assert found.schema

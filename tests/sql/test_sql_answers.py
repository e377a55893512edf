"""What SQL answers: every table as it is, always of now, and errors that point."""

import _thread
import math
import threading

import pytest

from graven.errors import Corrupt, InvalidInput
from graven.frames import OF_RUNS, SCHEMAS, TABLES
from graven.frames.cache import cache_folder
from graven.sql import answer, run
from graven.store import Store
from graven.testing.runs import sample_run


@pytest.fixture
def odd_store(store):
    from frames_oracle import odd_runs

    for one in odd_runs():
        store.save(one)
    return store


@pytest.mark.parametrize("table", OF_RUNS)
def test_each_table_is_what_the_runs_say(odd_store, table):
    from frames_oracle import canonical, rows_of

    expected = canonical(rows_of(odd_store, table), table)
    for _ in range(2):  # made, and read again
        rows = answer(odd_store, f"SELECT * FROM {table}").to_pylist()
        own = [{k: v for k, v in row.items() if k not in ("saved", "machine")} for row in rows]
        assert canonical(own, table) == expected


def test_names_that_mean_something_to_sql_are_only_names(odd_store):
    text = "'; DROP TABLE runs; --"
    quoted = text.replace("'", "''")
    found = answer(odd_store, f"SELECT run_id FROM runs WHERE branch = '{quoted}'")
    assert found.num_rows == 1


def test_empty_stores_have_all_tables(store):
    for table in TABLES:
        found = answer(store, f"SELECT * FROM {table}")
        assert (found.num_rows, found.schema.names) == (0, SCHEMAS[table].names)
    assert answer(store, "SELECT count(*) AS n FROM metrics").to_pylist() == [{"n": 0}]
    assert {row["name"] for row in answer(store, "SHOW TABLES").to_pylist()} == set(TABLES)


def test_tables_go_together(store):
    for number in range(6):
        branch = ["main", "dev"][number % 2]
        store.save(sample_run(f"r{number}", float(number), minute=number, branch=branch))
    store.attach("r1", "artifacts/a.bin", b"123")
    store.set_baseline("r2", "main")
    found = answer(
        store,
        "SELECT r.branch, median(m.value) AS value, any_value(p.tags->>'size') AS size"
        " FROM metrics m JOIN runs r USING (run_id) JOIN points p USING (run_id, point)"
        " GROUP BY ALL ORDER BY ALL",
    )
    assert found.to_pylist() == [
        {"branch": "dev", "value": 3.0, "size": "10"},
        {"branch": "main", "value": 2.0, "size": "10"},
    ]
    found = answer(store, "SELECT b.name, a.run_id, size FROM artifacts a, baselines b")
    assert found.to_pylist() == [{"name": "main", "run_id": "r1", "size": 3}]


def test_one_table_twice_in_a_statement(store):
    for number in range(3):
        store.save(sample_run(f"r{number}", float(number)))
    found = answer(store, "SELECT a.run_id FROM metrics a JOIN metrics b ON a.value > b.value")
    assert sorted(found.column(0).to_pylist()) == ["r1", "r2", "r2"]


def test_nan_infinity_and_nothing_are_three_things(odd_store):
    found = answer(
        odd_store,
        "SELECT count(*) FILTER (isnan(lower)) nan, count(*) FILTER (isinf(lower)) inf,"
        " count(*) FILTER (lower IS NULL) none FROM metrics",
    ).to_pylist()[0]
    from frames_oracle import rows_of

    lowers = [row["lower"] for row in rows_of(odd_store, "metrics")]
    assert found == {
        "nan": sum(v is not None and math.isnan(v) for v in lowers),
        "inf": sum(v is not None and math.isinf(v) for v in lowers),
        "none": lowers.count(None),
    }


def test_the_answer_is_of_now(store):
    question = "SELECT run_id, value FROM metrics ORDER BY ALL"

    def values():
        return [tuple(row.values()) for row in answer(store, question).to_pylist()]

    assert values() == []
    for number in range(30):  # small groups are put together on the way
        store.save(sample_run(f"r{number:02}", float(number), minute=number))
        assert values() == [(f"r{n:02}", float(n)) for n in range(number + 1)]
    folder = cache_folder(store)
    from graven.frames.ledger import load

    assert len(load(folder).groups) < 12
    store.save(sample_run("r07", 70.0))
    store.delete("r08")
    assert dict(values())["r07"] == 70.0
    assert "r08" not in dict(values())
    store.reindex()
    assert len(values()) == 29


def test_what_was_copied_is_not_copied_again(store, monkeypatch):
    from graven.frames import folder as module

    with store.batch() as batch:
        for number in range(20):
            batch.save(sample_run(f"r{number}", float(number)))
    answer(store, "SELECT count(*) FROM metrics")
    made = []
    real = module.TableFolder._make
    monkeypatch.setattr(
        module.TableFolder, "_make",
        lambda self, path, table, batches: made.append(table) or real(self, path, table, batches),
    )  # fmt: skip
    answer(store, "SELECT count(*) FROM metrics")
    assert made == []
    answer(store, "SELECT count(*) FROM metrics JOIN runs USING (run_id)")
    assert made == ["runs"]
    store.save(sample_run("new"))
    answer(store, "SELECT count(*) FROM metrics JOIN runs USING (run_id)")
    assert sorted(made) == ["metrics", "runs", "runs"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("bit", [0, 4])
def test_a_damaged_copy_is_made_anew(store, share, bit):
    with store.batch() as batch:
        for number in range(200):
            batch.save(sample_run(f"r{number}", number / 7))
    right = answer(store, "SELECT * FROM metrics ORDER BY run_id").to_pylist()
    [path] = (store.path / "cache" / "frames" / "metrics").glob("*.parquet")
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 1 << bit
    path.write_bytes(data)
    assert answer(store, "SELECT * FROM metrics ORDER BY run_id").to_pylist() == right


def test_a_damaged_ledger_is_made_anew(store):
    store.save(sample_run("r"))
    answer(store, "SELECT * FROM runs")
    path = store.path / "cache" / "frames" / "_graven_tables.json"
    for data in (b"", b"{}\n", b"nonsense", path.read_bytes()[:-5]):
        path.write_bytes(data)
        assert answer(store, "SELECT run_id FROM runs").to_pylist() == [{"run_id": "r"}]


def test_a_store_that_nobody_may_write_beside_is_asked_too(store):
    store.save(sample_run("r", 3.0))
    readonly = Store(store.path, create=False, readonly=True)
    assert answer(readonly, "SELECT value FROM metrics").to_pylist() == [{"value": 3.0}]
    assert not (store.path / "cache" / "frames").exists()
    readonly.close()
    memory = Store("memory://sql-answers")
    memory.save(sample_run("m", 4.0))
    assert answer(memory, "SELECT value FROM metrics").to_pylist() == [{"value": 4.0}]
    memory.close()


def test_rows_come_while_they_are_taken(store):
    with run(store, "SELECT * FROM range(1000000000000) t(a)", timeout=None) as found:
        first = next(iter(found))
    assert first.column(0)[0].as_py() == 0


def test_two_columns_of_one_name(store):
    assert answer(store, "SELECT 1 AS a, 2 AS a, 3 AS a_1").to_pylist() == [
        {"a": 1, "a_1": 2, "a_1_1": 3}
    ]


@pytest.mark.parametrize(
    ("text", "marked", "hint"),
    [
        ("SELECT * FROM metrix", "metrix", "did you mean 'metrics'?"),
        ("SELECT valu FROM metrics", "valu", "did you mean 'value'?"),
        ("SELECT 'ö', valu FROM metrics", "valu", "did you mean 'value'?"),
        ("SELECT *\nFROM runs\nWHERE brunch = 'x'", "brunch", "did you mean 'branch'?"),
        ("SELECT m.valu FROM metrics m", "m.valu", "did you mean 'value'?"),
        ("SELECT * FROM zzzzz", "zzzzz", "the tables are"),
        ("SELEC 1", "SELEC", None),
        ("SELECT cuont(*) FROM runs", "cuont(*)", "did you mean"),
    ],
)
def test_errors_point_at_the_place_and_name_the_nearest(store, text, marked, hint):
    with pytest.raises(InvalidInput) as error:
        answer(store, text)
    found = error.value
    assert found.kind == "bad-query"
    start = found.fields["column"] - 1
    assert found.fields["query"][start : start + found.fields["width"]] == marked
    if hint is not None:
        assert found.hint.startswith(hint)


def test_errors_while_rows_are_made(store):
    store.save(sample_run("r"))
    with pytest.raises(InvalidInput, match="could not convert"):
        answer(store, "SELECT CAST(run_id AS INTEGER) FROM runs")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("SELECT name, by, message FROM baselines", "by"), ("SELECT at FROM baselines", "at"),
        ("SELECT run_id, group FROM runs", "group"),
        ("SELECT * FROM runs WHERE group = 'x'", "group"),
    ],
)  # fmt: skip
def test_columns_that_are_words_of_sql_are_told(store, text, word):
    with pytest.raises(InvalidInput) as error:
        answer(store, text)
    assert f'"{word}"' in error.value.hint
    assert answer(store, text.replace(f" {word}", f' "{word}"')).num_rows == 0


def test_errors_of_a_late_row_are_errors_of_the_statement(store):
    # By then they come through Arrow's stream, as OSError.
    late = "SELECT (CASE WHEN a = 50000 THEN 'x' ELSE '1' END)::INT FROM range(100000) t(a)"
    with pytest.raises(InvalidInput, match="could not convert string 'x'") as error:
        answer(store, late)
    assert error.value.kind == "bad-query"
    assert error.value.fields["column"] > 1
    with pytest.raises(InvalidInput, match="boom"):
        answer(store, "SELECT CASE WHEN a = 90000 THEN error('boom') END FROM range(100000) t(a)")


def test_ctrl_c_is_no_fault(store):
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        answer(store, "SELECT count(*) FROM range(1000000000000) a, range(1000) b", timeout=60)


def test_a_copy_that_stays_damaged_is_told(store, monkeypatch):
    from graven.sql import session

    store.save(sample_run("r"))
    answer(store, "SELECT * FROM runs")
    [path] = (store.path / "cache" / "frames" / "runs").glob("*.parquet")
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    from graven.frames import cache

    monkeypatch.setattr(session, "forget", lambda store: None)
    from graven.frames import ledger

    facts = [f for g in ledger.load(cache_folder(store)).groups.values() for f in g.files.values()]
    monkeypatch.setattr(cache, "checksum_of_end", lambda path: facts[0].end)
    with pytest.raises(Corrupt) as error:
        answer(store, "SELECT * FROM runs")
    assert error.value.kind == "bad-cache"


def test_many_at_once_answer_as_one(store):
    from concurrent.futures import ThreadPoolExecutor

    with store.batch() as batch:
        for number in range(100):
            batch.save(sample_run(f"r{number}", float(number)))

    def ask(number):
        if number % 3 == 0:
            store.save(sample_run(f"more-{number}", 0.0))
        return answer(store, "SELECT sum(value) AS s, count(*) AS n FROM metrics").to_pylist()[0]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(12)))
    assert {one["s"] for one in found} == {4950.0}
    assert all(100 <= one["n"] <= 104 for one in found)

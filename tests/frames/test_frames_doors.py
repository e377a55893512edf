"""What people call: to_arrow, to_pandas, to_polars, and single answers as tables."""

import importlib
import math

import pytest
from frames_oracle import canonical, odd_runs, rows_of

from graven.analysis.compare import compare_runs
from graven.errors import InvalidInput
from graven.frames.values import comparison_table, rows_table, run_table
from graven.testing.runs import sample_run


def test_arrow_whole_and_in_batches(store):
    for number in range(3):
        store.save(sample_run(f"r{number}", float(number)))
    table = store.to_arrow("metrics", "run = r1", columns=["run_id", "value"])
    assert table.to_pylist() == [{"run_id": "r1", "value": 1.0}]
    reader = store.to_arrow_batches("metrics")
    assert sum(batch.num_rows for batch in reader) == 3
    assert store.to_arrow().num_rows == 3


def test_pandas_and_polars_have_the_values(store):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    for run in odd_runs():
        store.save(run)
    expected = canonical(rows_of(store, "metrics"), "metrics")
    frame = store.to_polars("metrics")
    assert isinstance(frame, polars.DataFrame)
    assert canonical(frame.to_dicts(), "metrics") == expected
    data = store.to_pandas("metrics")
    assert isinstance(data, pandas.DataFrame)
    told = canonical(rows_of(store, "metrics"), "metrics", tell_nan=False)
    records = data.astype(object).where(data.notna(), None).to_dict("records")
    assert canonical(records, "metrics") == told
    times = store.to_pandas("runs")["timestamp"]
    assert str(times.dtype) == "datetime64[us, UTC]"


@pytest.mark.parametrize(("door", "module"), [("to_arrow", "pyarrow"), ("to_pandas", "pandas"),
                                              ("to_polars", "polars")])  # fmt: skip
def test_a_missing_library_is_named(store, monkeypatch, door, module):
    real = importlib.import_module

    def missing(name, *more):
        if name == module:
            raise ImportError(f"No module named {name!r}")
        return real(name, *more)

    monkeypatch.setattr("graven.store.extras.import_module", missing)
    with pytest.raises(InvalidInput) as error:
        getattr(store, door)()
    assert error.value.kind == "missing-extra"
    assert error.value.hint.startswith("pip install")


def test_a_run_is_a_table_without_a_store():
    [run] = [run for run in odd_runs() if run.id == "run-3"]
    rows = run_table(run).to_pylist()
    assert len(rows) == sum(len(point.metrics) for point in run.points)
    assert {row["unit"] for row in rows if row["metric"] == "plain"} == {"1"}


def test_rows_of_a_query_are_a_table(store):
    store.save(sample_run("a", 1.0, params={"lr": 0.1, "mixed": 1, "deep": {"x": [1]}}))
    store.save(sample_run("b", math.inf, params={"lr": 1, "mixed": "=cmd"}))
    found = rows_table(
        store.select_rows("run,time,metric.time,param.lr,param.mixed,param.deep", sort="run")
    )
    assert found.column("metric.time").to_pylist() == [1.0, math.inf]
    assert found.column("param.lr").to_pylist() == [0.1, 1.0]
    assert found.column("param.mixed").to_pylist() == ["1", '"=cmd"']
    assert found.column("param.deep").to_pylist() == ['{"x":[1]}', None]
    assert rows_table(store.select_rows("run", "run = none")).num_rows == 0


def test_a_comparison_is_a_table():
    found = comparison_table(compare_runs(sample_run("a", 1.0), sample_run("b", 2.0)))
    [row] = found.to_pylist()
    assert (row["baseline"], row["current"], row["change"]) == (1.0, 2.0, 1.0)
    assert (row["baseline_run"], row["current_run"]) == ("a", "b")


def test_nothing_heavy_is_loaded_before_it_is_asked_for(store):
    import subprocess
    import sys

    code = (
        "import sys, graven; s = graven.open(sys.argv[1]); s.headers();"
        "print([m for m in ('pyarrow', 'numpy', 'pandas', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

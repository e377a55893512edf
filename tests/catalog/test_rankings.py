"""Rankings: kept up to date, and no more of them than are of use."""

from graven import Store
from graven.catalog import rankings
from graven.model import Metric, Point, Run
from graven.testing.runs import sample_run


def kept(store):
    rows = store.parts.index.catalog.rows("SELECT field FROM ranking ORDER BY m")
    return [field for (field,) in rows]


def test_nothing_is_kept_until_somebody_asks(tmp_path):
    store = Store(tmp_path, durable=False)
    store.save(sample_run("a", 1.0))
    assert store.headers() and store.series()
    tables = {name for (name,) in store.parts.index.catalog.rows("SELECT name FROM sqlite_schema")}
    assert "ranked" not in tables
    assert store.select_ids(sort="metric.time") == ["a"]
    assert kept(store) == ["metric.time"]
    store.save(sample_run("b", 0.5))
    assert [(one.header.run_id, one.value) for one in store.top("time")] == [("a", 1.0), ("b", 0.5)]
    store.close()


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(rankings, "KEPT", 3)
    store = Store(tmp_path, durable=False)
    names = "abcdef"
    point = Point(name="p", scenario="s", metrics={name: Metric(value=1.0) for name in names})
    store.save(Run(id="r", points=(point,)))
    for name in names:
        assert store.select_ids(f"metric.{name} = 1") == ["r"]
    assert kept(store) == ["metric.d", "metric.e", "metric.f"]
    every = " and ".join(f"metric.{name} = 1" for name in names)
    assert store.select_ids(every) == ["r"]  # more than are kept, as long as they are needed
    store.close()


def test_records_under_derived_are_chosen_by_name(tmp_path):
    store = Store(tmp_path, durable=False)
    store.save(sample_run("a"))
    store.save(sample_run("b"))
    store.put_derived("a", {"sharpe": 1.5})
    store.put_derived("a", {"var": {"p95": 2}}, "risk")
    assert store.select_ids("derived.sharpe > 1") == ["a"]
    assert store.select_ids("derived.'risk:var.p95' = 2") == ["a"]
    store.put_derived("b", {"sharpe": 2})
    assert store.select_ids(sort="derived.sharpe:desc") == ["b", "a"]
    store.close()

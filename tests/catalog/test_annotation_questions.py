"""Questions about annotations: which are visible, and what finds them."""

import pytest

from graven.catalog import annotations
from graven.catalog.annotations import step_past, visible_steps
from graven.catalog.trends import SeriesName
from graven.store.annotations import series_key
from graven.testing.runs import sample_run

TIME = SeriesName("s", "p", {}, "time")


@pytest.fixture
def store(open_store):
    store = open_store()
    with store.batch() as batch:
        for at in range(200):
            batch.save(sample_run(f"r{at:03}", minute=at))
    store.annotate_step(TIME, "r007", "accepted")
    store.annotate_step(TIME, "r003", "rejected")
    return store


def test_they_come_in_the_order_of_their_runs(store):
    found = store.parts.index.ask(visible_steps)
    assert [one.run_id for one in found] == ["r003", "r007"]
    assert found[0].ts < found[1].ts
    store.delete("r003")
    assert [one.run_id for one in store.parts.index.ask(visible_steps)] == ["r007"]


def test_the_past_is_read_per_series(store):
    store.annotate_step(TIME, "r003", None)
    past = store.parts.index.ask(lambda catalog: step_past(catalog, series_key(TIME)))
    assert [(one.run_id, one.note is None) for one in past] == [
        ("r003", True), ("r003", False), ("r007", False),
    ]  # fmt: skip
    assert store.parts.index.ask(lambda catalog: step_past(catalog, "0" * 16)) == []


@pytest.mark.parametrize("series", [None, series_key(TIME)])
def test_no_run_without_one_is_looked_at(store, series, monkeypatch):
    plans = []

    def explain(catalog):
        rows = type(catalog).rows

        def tell(self, sql, values=()):
            plans.extend(row[-1] for row in rows(self, f"EXPLAIN QUERY PLAN {sql}", values))
            return []

        monkeypatch.setattr(type(catalog), "rows", tell)
        annotations.visible_steps(catalog, series)

    store.parts.index.ask(explain)
    assert any("ref_by_annotation" in plan for plan in plans), plans
    assert not any(plan.startswith("SCAN r") and "ref_by" not in plan for plan in plans), plans

"""Values in the catalog are those of the run objects, however they are cut into batches."""

import pytest

from graven import Metric, Point, Store
from graven.catalog import measurements
from graven.catalog.database import Catalog
from graven.catalog.measurements import NO_DEFINITIONS, count_waiting, index_measurements
from graven.catalog.places import locate
from graven.catalog.refresh import refresh
from graven.formats.columns import to_planes
from graven.formats.run_object import decode_body
from graven.ids import ObjectId
from graven.objects.reader import ObjectReader
from graven.testing.runs import sample_run

SHAPES = [("time",), ("time", "memory"), ("energy",)]


def run_of(number):
    # Two of one shape after each other, then of another: rows of definitions of every length.
    metrics = {
        name: Metric(value=number + at / 8) for at, name in enumerate(SHAPES[number // 2 % 3])
    }
    point = Point(name="sort", scenario="cpu", tags={}, metrics=metrics)
    return sample_run(f"run-{number:02}", minute=number, points=(point,))


@pytest.fixture
def place(tmp_path):
    store = Store(tmp_path / "store", durable=False, views="none")
    with store.batch() as batch:
        for number in range(20):
            batch.save(run_of(number))
    for number in range(20, 24):
        store.save(run_of(number))
    store.delete("run-04")
    store.delete("run-11")
    yield store
    store.close()


def indexed(store, *, lost=None):
    """What stands with each run after a fill: number of definitions, their object, values."""
    catalog = Catalog(None, store_id="0" * 32, url="here")
    refresh(catalog, store.parts.backend)
    if lost is not None:
        with catalog.transaction() as connection:
            connection.execute("UPDATE run SET object = ? WHERE run_id = ?", (bytes(32), lost))
    reader = ObjectReader(store.parts.backend, lambda object_id: locate(catalog, object_id))
    values = index_measurements(catalog, reader)
    assert count_waiting(catalog) == 0
    rows = catalog.rows(
        "SELECT r.run_id, r.object, r.d, o.object, m.facts & 1, m.vals FROM run r"
        " LEFT JOIN definitions o ON o.d = r.d LEFT JOIN measured m ON m.n = r.n"
    )
    indexes = catalog.rows("SELECT name FROM sqlite_schema WHERE name LIKE 'run_%' ORDER BY 1")
    catalog.close()
    return values, {row[0]: row[1:] for row in rows}, indexes


@pytest.mark.parametrize("batch", [1, 3, 7, 2000])
@pytest.mark.parametrize("portion", [1, 300, 4 << 20])
def test_every_run_has_its_own_values(place, monkeypatch, batch, portion):
    monkeypatch.setattr(measurements, "_BATCH", batch)
    monkeypatch.setattr(measurements, "PORTION_BYTES", portion)
    values, rows, indexes = indexed(place)
    assert len(rows) == 24
    assert {name for (name,) in indexes} >= {"run_waiting", "run_by_definitions"}
    total = 0
    for run_id, (object_id, d, definitions, bounds, column) in rows.items():
        if run_id in ("run-04", "run-11"):
            assert (object_id, d, column) == (None, None, None)
            continue
        body = decode_body(place.parts.index.get(ObjectId(object_id)))
        assert definitions == body.definitions
        assert column == to_planes(body.value)
        assert bounds == 0
        total += len(column) // 8
    assert values == total


@pytest.mark.parametrize("batch", [1, 3, 2000])
def test_a_run_that_cannot_be_read_stands_between_others(place, monkeypatch, batch):
    whole = indexed(place)[1]
    monkeypatch.setattr(measurements, "_BATCH", batch)
    rows = indexed(place, lost="run-08")[1]
    assert rows.pop("run-08") == (bytes(32), NO_DEFINITIONS, None, None, None)
    assert rows == {run_id: row for run_id, row in whole.items() if run_id != "run-08"}

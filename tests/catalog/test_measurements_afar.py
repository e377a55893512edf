"""Values indexed from run objects that are fetched together: the same as one by one."""

import pytest

from graven import Store
from graven.backends.local import LocalBackend
from graven.catalog.database import Catalog
from graven.catalog.measurements import index_measurements
from graven.catalog.places import locate
from graven.catalog.refresh import refresh
from graven.objects import reader as object_reader
from graven.objects.cache import ObjectCache
from graven.objects.reader import ObjectReader
from graven.testing.runs import sample_run


def indexed(backend, **options):
    """The rows of values, as a reader with these options leads to them, and how many."""
    catalog = Catalog(None, store_id="0" * 32, url="here")
    refresh(catalog, backend)
    reader = ObjectReader(backend, lambda object_id: locate(catalog, object_id), **options)
    count = index_measurements(catalog, reader)
    rows = [catalog.rows(f"SELECT * FROM {t} ORDER BY 1, 2") for t in ("measured", "shape")]
    rows.append(catalog.rows("SELECT n, d FROM run ORDER BY n"))
    catalog.close()
    return count, rows


@pytest.mark.parametrize("damaged", [False, True])
def test_values_are_the_same_near_and_afar(tmp_path, monkeypatch, damaged):
    store = Store(tmp_path / "store", durable=False)
    with store.batch() as batch:
        for number in range(40):
            batch.save(sample_run(f"batch-{number}", float(number), minute=number))
    for number in range(5):
        store.save(sample_run(f"single-{number}", float(number), minute=number))
    store.close()
    packs = sorted((tmp_path / "store" / "packs").iterdir())
    if damaged:
        data = bytearray(packs[-1].read_bytes())
        data[80] ^= 1
        packs[-1].write_bytes(data)
    backend = LocalBackend(tmp_path / "store")
    near = indexed(backend)
    assert near[0] > 0
    monkeypatch.setattr(object_reader, "PORTION_BYTES", 3000)
    cache = ObjectCache(str(tmp_path / "objects.sqlite"), 32 << 20)
    assert indexed(backend, cache=cache) == near
    assert indexed(backend, cache=cache) == near
    cache.close()
    monkeypatch.setattr(LocalBackend, "concurrency", 8)
    assert indexed(backend) == near
    backend.close()

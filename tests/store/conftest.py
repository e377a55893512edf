"""A store in a folder; syncs to disk are off, since no test here cuts the power."""

import pytest

from graven import Store


@pytest.fixture
def open_store(tmp_path):
    """Opens Store objects on one folder, the same one unless told otherwise."""
    opened = []

    def open_store(folder="store", **options):
        options.setdefault("durable", False)
        store = Store(tmp_path / folder, **options)
        opened.append(store)
        return store

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    return open_store()

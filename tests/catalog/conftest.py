"""Stores whose catalog is looked at from below."""

import pytest

from graven import Store


@pytest.fixture
def open_store(tmp_path):
    """Opens Store objects on one folder, the same one unless told otherwise."""
    opened = []

    def open_store(folder="store", **options):
        options.setdefault("durable", False)
        opened.append(Store(tmp_path / folder, **options))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()

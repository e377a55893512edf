"""A store with odd runs in a folder."""

import pytest

from graven import Store

pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store", durable=False)
    yield store
    store.close()

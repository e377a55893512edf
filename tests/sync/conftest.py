"""Two local stores, a machine of its own for each test, and a bucket without a network."""

import pytest

from graven.backends.memory import MemoryBackend
from graven.store import Store


@pytest.fixture
def stores(tmp_path):
    return Store(tmp_path / "a"), Store(tmp_path / "b")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """``machine("ann")``: from now on we are on that machine, with its own caches."""

    def become(name):
        for variable in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
            monkeypatch.setenv(variable, str(tmp_path / "machines" / name / variable))

    become("this")
    yield become
    for endpoint in ("here", "there"):
        MemoryBackend.forget(f"{endpoint}/b")

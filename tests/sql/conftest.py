"""A store in a folder, for questions in SQL."""

import sys
from pathlib import Path

import pytest

from graven import Store

sys.path.append(str(Path(__file__).resolve().parents[1] / "frames"))  # its oracle
pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store", durable=False)
    yield store
    store.close()

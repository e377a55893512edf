"""Restored runs: what comes back with them, and what is said to stay away."""

import random
import warnings

import pytest

from graven.errors import GravenWarning
from graven.store.session import Intent
from graven.testing.runs import sample_run

BIG = random.Random(5).randbytes(2_000_000)


@pytest.fixture
def store(store, tmp_path):
    store.save(sample_run("a"))
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "big").write_bytes(BIG)
    store.attach("a", "artifacts/f", tmp_path / "f")
    store.attach("a", "logs/x", b"x")
    return store


def test_folders_come_back_with_their_run(store):
    store.delete("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.restore("a")
    assert store.read_attachment("a", "artifacts/f", "big") == BIG


def test_what_was_detached_stays_away(store):
    store.detach("a", "logs/x")
    store.delete("a")
    store.restore("a")
    assert [x.name for x in store.attachments("a")] == ["artifacts/f"]


def test_what_the_store_does_not_hold_is_told(store):
    gone = [Intent(f"runs/a/artifacts/gone-{n}", bytes([n]) * 32, None, {"size": 1})
            for n in range(5)]  # fmt: skip
    store.parts.session.commit([], gone)
    store.delete("a")
    with pytest.warns(GravenWarning, match="gone-0, artifacts/gone-1, artifacts/gone-2 and 2 more"):
        store.restore("a")
    assert [x.name for x in store.attachments("a")] == ["artifacts/f", "logs/x"]

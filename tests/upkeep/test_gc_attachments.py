"""Attachments, series and manifests under the collector: what lives stays with all it names."""

import random

import pytest

from graven.errors import NotFound
from graven.store import series
from graven.testing.invariants import check_nothing_damaged
from graven.testing.runs import sample_run
from graven.upkeep.gc import collect

DAY = 86_400
BIG = random.Random(9).randbytes(2_500_000)
OTHER = random.Random(10).randbytes(2_500_000)


def sweep_all(open_store, time):
    for seconds in (DAY + 1, DAY / 2 + 1, 0):
        collect(open_store())
        time.forward(seconds)


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "folder"
    (top / "sub").mkdir(parents=True)
    (top / "big").write_bytes(BIG)
    (top / "sub" / "small").write_bytes(b"small")
    return top


def stored(place):
    return sum(entry.size for entry in place.list("packs/"))


def test_living_attachments_stay_with_all_that_they_name(
    open_store, time, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(series, "PART", 10)
    store = open_store()
    for name in ("keep", "go"):
        store.save(sample_run(name))
        store.attach(name, "artifacts/folder", folder)
    store.attach("go", "artifacts/other", OTHER)
    with store.metrics("keep") as metrics:
        for step in range(25):
            metrics.log("loss", step, step)
            metrics.flush()
    store.put_manifest("exp:1", {"v": 1})
    store.put_manifest("exp:1", {"v": 2})
    store.delete("go")
    time.forward(2 * 3600)
    sweep_all(open_store, time)
    fresh = open_store()
    assert fresh.read_attachment("keep", "artifacts/folder", "big") == BIG
    assert fresh.read_attachment("keep", "artifacts/folder", "sub/small") == b"small"
    assert [step for step, _ in fresh.get_result("keep", "loss").data] == list(range(25))
    assert [m.record["v"] for m in fresh.manifests("exp:1")] == [2, 1]
    check_nothing_damaged(fresh)


def test_what_was_detached_or_replaced_goes(open_store, place, time):
    store = open_store()
    store.save(sample_run("a"))
    store.attach("a", "artifacts/x", BIG)
    store.attach("a", "artifacts/y", OTHER)
    before = stored(place)
    store.detach("a", "artifacts/x")
    store.attach("a", "artifacts/y", b"small")
    time.forward(2 * 3600)
    sweep_all(open_store, time)
    fresh = open_store()
    assert stored(place) < before - 4_900_000
    assert [x.name for x in fresh.attachments("a")] == ["artifacts/y"]
    check_nothing_damaged(fresh)
    fresh.attach("a", "artifacts/x", BIG)  # its chunks are gone: they are written again
    assert open_store().read_attachment("a", "artifacts/x") == BIG
    check_nothing_damaged(open_store())


def test_a_put_beside_a_plan_counts_on_nothing_condemned(open_store, time):
    store = open_store()
    store.save(sample_run("a"))
    store.attach("a", "artifacts/x", BIG)
    store.detach("a", "artifacts/x")
    time.forward(2 * 3600)
    assert collect(open_store()).condemned
    again = open_store()
    again.attach("a", "artifacts/y", BIG)
    time.forward(DAY + 1)
    collect(open_store())
    time.forward(DAY / 2 + 1)
    collect(open_store())
    assert open_store().read_attachment("a", "artifacts/y") == BIG
    check_nothing_damaged(open_store())


def test_a_run_restored_within_the_grace_has_its_folder(open_store, time, folder):
    store = open_store()
    store.save(sample_run("a"))
    store.attach("a", "artifacts/folder", folder)
    store.delete("a")
    time.forward(2 * 3600)
    assert collect(open_store()).condemned
    open_store().restore("a")
    time.forward(DAY + 1)
    sweep_all(open_store, time)
    assert open_store().read_attachment("a", "artifacts/folder", "big") == BIG
    check_nothing_damaged(open_store())


def test_after_the_grace_it_is_gone(open_store, time, folder):
    store = open_store()
    store.save(sample_run("a"))
    store.attach("a", "artifacts/folder", folder)
    store.delete("a")
    time.forward(2 * 3600)
    sweep_all(open_store, time)
    with pytest.raises(NotFound):
        open_store().restore("a")

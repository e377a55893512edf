"""Runs, deletions, attachments, baselines and tags go from one store to another."""

import pytest

import graven
from graven.formats import layout
from graven.formats.envelope import BLOB
from graven.formats.packbuild import Item
from graven.formats.run import RunEncoder
from graven.ids import hash_bytes
from graven.refs.guarded import KEPT_VALUES
from graven.store import Store
from graven.store.session import Intent
from graven.sync.difference import Selection
from graven.sync.shipment import Shipment
from graven.sync.transfer import transfer
from graven.testing.invariants import catalog_facts, check_store
from graven.testing.runs import sample_run


@pytest.fixture
def stores(tmp_path):
    return Store(tmp_path / "a"), Store(tmp_path / "b")


def runs_of(store):
    return {run.id: run for run in store.list_runs()}


def test_all_runs_arrive_as_they_are(stores):
    a, b = stores
    for number in range(5):
        a.save(sample_run(f"run-{number}"))
    report = transfer(a, b)
    assert sorted(report.runs) == [f"run-{n}" for n in range(5)]
    assert report.packs == 1
    assert runs_of(b) == runs_of(a)
    check_store(b, runs_of(a))
    assert (b.path / "runs" / "run-3.json").is_file()


def test_the_second_time_nothing_goes(stores):
    a, b = stores
    a.save(sample_run("one"))
    a.baselines.set("main", "one")
    transfer(a, b)
    packs = b.packs()
    again = transfer(a, b)
    assert again.to_dict() == transfer(b, a).to_dict()
    assert (again.runs, again.packs, again.moved) == ([], 0, [])
    assert b.packs() == packs


def test_stamps_and_writers_stay_so_that_both_ways_agree(stores):
    a, b = stores
    for store, names in ((a, "xyz"), (b, "zw")):
        for name in names:
            store.save(sample_run(name, branch=str(store.path.name)))
    transfer(a, b)
    transfer(b, a)
    left, right = catalog_facts(a), catalog_facts(b)
    for part in ("headers", "refs", "trends", "query"):
        assert left[part] == right[part]
    assert a.load("z").branch == "b"  # the later write


def test_a_deleted_run_stays_deleted(stores):
    a, b = stores
    a.save(sample_run("gone"))
    a.save(sample_run("stays"))
    transfer(a, b)
    a.delete("gone")
    report = transfer(a, b)
    assert report.deleted == ["gone"]
    assert list(runs_of(b)) == ["stays"]
    assert not (b.path / "runs" / "gone.json").exists()
    assert transfer(b, a).runs == []
    assert list(runs_of(a)) == ["stays"]
    check_store(b)


def test_attachments_go_along_and_large_ones_in_chunks(stores):
    a, b = stores
    a.save(sample_run("one"))
    big = bytes(range(256)) * 12_000
    a.attach("one", "artifacts/small", b"bytes")
    a.attach("one", "artifacts/big", big)
    report = transfer(a, b)
    assert report.attachments == 2
    assert b.read_attachment("one", "artifacts/big") == big
    assert b.read_attachment("one", "artifacts/small") == b"bytes"
    check_store(b)


def test_equal_objects_are_sent_once(stores):
    a, b = stores
    run = sample_run("one")
    a.save(run)
    b.save(run)
    a.save(sample_run("two"))
    transfer(a, b)
    (pack,) = [p for p in b.packs() if p.objects == 1]  # the environment was there
    assert [o.kind for o in b.show_pack(pack.name).objects] == ["run"]


def test_a_selection_takes_some_runs_and_all_deletions(stores):
    a, b = stores
    a.save(sample_run("main-1", branch="main"))
    a.save(sample_run("dev-1", branch="dev"))
    a.save(sample_run("dev-2", branch="dev"))
    a.delete("dev-2")
    a.attach("main-1", "artifacts/x", b"x")
    report = transfer(a, b, Selection(branch="main", attachments=False))
    assert (report.runs, report.deleted, report.attachments) == (["main-1"], ["dev-2"], 0)
    assert transfer(a, b).runs == ["dev-1"]
    check_store(b, runs_of(a))


def test_baselines_go_forward_with_their_history(stores):
    a, b = stores
    for name in ("one", "two", "three"):
        a.save(sample_run(name))
    a.baselines.set("main", "one")
    a.tags.set("v1", "one")
    assert transfer(a, b).moved == ["baselines/main", "tags/v1"]
    a.baselines.set("main", "two")
    a.baselines.set("main", "three", message="why")
    assert transfer(a, b).moved == ["baselines/main"]
    assert b.baselines.history("main") == a.baselines.history("main")
    check_store(b)
    b.baselines.set("main", "one")
    assert transfer(a, b).moved == []  # b has gone on from there
    assert transfer(b, a).moved == ["baselines/main"]
    assert a.baselines.entry("main").run == "one"


def test_what_a_baseline_stood_for_before_goes_along(stores):
    """Its runs were saved anew since, so that nothing else names those values."""
    a, b = stores
    for value in range(KEPT_VALUES + 3):
        a.save(sample_run("one", float(value)))
        a.baselines.set("main", "one")
    transfer(a, b)
    for steps in range(KEPT_VALUES):
        assert b.load_rev(f"baselines/main~{steps}") == a.load_rev(f"baselines/main~{steps}")
    for store in stores:
        assert store.fsck("full").damage == []


def test_a_baseline_moved_there_by_another_meanwhile_is_not_told_as_moved(stores, monkeypatch):
    a, b = stores
    a.save(sample_run("one"))
    a.baselines.set("main", "one")
    rivals = []
    monkeypatch.setattr(Shipment, "send", send_after(Shipment.send, lambda: rival(a, b, rivals)))
    assert transfer(a, b).moved == []
    assert rivals == [["baselines/main"]]


def rival(a, b, rivals):
    if not rivals:
        rivals.append(None)
        rivals[0] = transfer(a, b).moved


def send_after(send, first):
    def send_second(self):
        first()
        send(self)

    return send_second


def test_a_baseline_that_both_moved_is_a_conflict_that_shows_both(stores):
    a, b = stores
    for name in ("one", "two", "three"):
        a.save(sample_run(name))
    a.baselines.set("main", "one")
    transfer(a, b)
    a.baselines.set("main", "two")
    b.baselines.set("main", "three")
    report = transfer(a, b)
    (conflict,) = report.conflicts
    assert (conflict.space, conflict.name) == ("baselines", "main")
    assert [v.run for v in conflict.ours] == ["two"]
    assert [v.run for v in conflict.theirs] == ["three"]
    assert conflict.common.run == "one"
    assert b.baselines.entry("main").run == "three"
    assert report.moved == []


def test_the_same_run_set_on_both_sides_is_no_conflict(stores):
    a, b = stores
    a.save(sample_run("one"))
    transfer(a, b)
    a.baselines.set("main", "one")
    b.baselines.set("main", "one")
    assert transfer(a, b).conflicts == []


def test_a_deleted_baseline_is_deleted_there_too(stores):
    a, b = stores
    a.save(sample_run("one"))
    a.baselines.set("main", "one")
    transfer(a, b)
    a.baselines.delete("main")
    transfer(a, b)
    assert b.baselines.names() == []
    assert transfer(b, a).moved == []


def test_a_baseline_of_a_deleted_run_brings_its_object(stores):
    a, b = stores
    a.save(sample_run("one"))
    a.baselines.set("main", "one")
    a.delete("one", force=True)
    transfer(a, b)
    assert b.get_baseline() == a.get_baseline()
    assert b.count() == 0
    check_store(b)


def test_what_is_damaged_holds_up_only_itself(stores):
    a, b = stores
    a.save(sample_run("hurt"))
    (pack,) = (a.path / "packs").iterdir()
    a.save(sample_run("well", environment={"cpu": "other"}, metadata={"x": "y"}))
    data = bytearray(pack.read_bytes())
    (shown,) = [p for p in a.packs() if p.name == pack.name]
    frames = a.show_pack(shown.name).frames
    data[frames[-1]["offset"] + 40] ^= 255
    pack.write_bytes(bytes(data))
    report = transfer(graven.open(a.path), b)
    assert list(report.failed) == ["runs/hurt"]
    assert report.runs == ["well"]
    check_store(b)


def test_a_transfer_that_breaks_off_is_gone_on_with(stores, monkeypatch):
    from graven.errors import BackendUnavailable
    from graven.formats import pack
    from graven.testing.faulty import FaultyBackend

    a, b = stores
    with a.batch() as batch:
        for number in range(60):
            batch.save(sample_run(f"run-{number:02}", metadata={"n": str(number)}))
    monkeypatch.setattr(pack, "MAX_PACK_BYTES", 4096)
    faulty = FaultyBackend(b.parts.backend)
    broken = Store(b.url, backend=faulty)
    faulty.fail(3, method="put")
    with pytest.raises(BackendUnavailable):
        transfer(a, broken)
    arrived = b.count()
    assert 0 < arrived < 60
    report = transfer(a, Store(b.url))
    assert len(report.runs) == 60 - arrived
    check_store(b, runs_of(a))


def test_what_died_with_its_run_is_not_sent(stores):
    a, b = stores
    a.save(sample_run("one"))
    a.attach("one", "artifacts/x", b"heavy")
    a.delete("one")
    report = transfer(a, b)
    assert (report.deleted, report.attachments, report.objects) == (["one"], 0, 0)


def test_what_is_newer_than_the_deletion_of_its_run_goes_along(stores):
    a, b = stores
    run = sample_run("r")
    a.save(run)
    a.delete("r")
    # By somebody who had not heard of the deletion.
    item = Item(hash_bytes(b"late"), BLOB, b"late")
    intent = Intent(layout.attachment_ref("r", "artifacts/x"), item.id, None, {"size": 4})
    a.parts.session.commit([item], [intent])
    assert transfer(a, b).attachments == 1
    for store in stores:
        store.save(run)  # again, so that it is seen
        assert store.read_attachment("r", "artifacts/x") == b"late"


def test_many_deletions_fit_into_packs(stores, monkeypatch):
    from graven.sync import shipment

    monkeypatch.setattr(shipment, "MAX_UPDATES", 10)
    a, b = stores
    with a.batch() as batch:
        for number in range(25):
            batch.save(sample_run(f"run-{number:02}"))
    for number in range(25):
        a.delete(f"run-{number:02}")
    report = transfer(a, b)
    assert (len(report.deleted), report.packs) == (25, 3)
    assert len(b.headers(include_deleted=True)) == 25


def test_a_run_that_states_nothing_of_itself_does_not_hurt_its_neighbours(stores):
    a, b = stores
    a.save(sample_run("good"))
    strange = RunEncoder().encode(sample_run("strange"))
    items = [strange.environment, strange.definitions, strange.run]
    a.parts.session.commit(items, [Intent("runs/strange", strange.run.id)])
    for _ in range(2):
        transfer(a, b)
        assert b.fsck("full").ok
        assert runs_of(b) == runs_of(a)
    a.save(sample_run("strange", 2.0))
    transfer(a, b)
    assert runs_of(b) == runs_of(a)

"""Archives: made, opened in place, checked, pulled in."""

import zipfile

import pytest

import graven
from graven.errors import Conflict, Corrupt, InvalidInput, NotFound
from graven.store import Store
from graven.sync.bundle import create_bundle, list_bundle, verify_bundle
from graven.sync.difference import Selection
from graven.sync.transfer import transfer
from graven.testing.invariants import check_nothing_damaged, check_store
from graven.testing.runs import sample_run


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    for number in range(4):
        branch = "main" if number else None
        store.save(sample_run(f"r{number}", float(number), branch=branch, minute=number))
    store.attach("r1", "artifacts/x", b"x")
    store.delete("r3")
    store.baselines.set("main", "r1")
    store.tags.set("v1", "r2")
    store.config.set("thresholds.time", "10%")
    return store


def runs_of(store):
    return {run.id: run for run in store.list_runs()}


def test_an_archive_is_the_store_in_few_packs(store, tmp_path):
    report = create_bundle(store, tmp_path / "x.zip")
    assert report.size == (tmp_path / "x.zip").stat().st_size
    assert sorted(report.sent.runs) == ["r0", "r1", "r2"]
    inside = graven.open(tmp_path / "x.zip")
    check_nothing_damaged(inside)
    assert runs_of(inside) == runs_of(store)
    assert inside.store_id == store.store_id
    assert inside.get_baseline() == store.get_baseline()
    assert inside.tags["v1"] == store.tags["v1"]
    assert inside.config.get("thresholds.time") == "10%"
    assert inside.read_attachment("r1", "artifacts/x") == b"x"
    assert len(inside.packs()) == 1
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".tmp")]


def test_the_local_names_of_other_stores_stay_at_home(store, tmp_path):
    (store.path / "local.json").write_text('{"remotes": {}}')
    create_bundle(store, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        names = archive.namelist()
        assert names[0] == "store.json"
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert not [name for name in names if name.startswith(("local", "cache", "runs"))]


def test_a_part_holds_its_runs_and_all_deletions(store, tmp_path):
    create_bundle(store, tmp_path / "x.zip", selection=Selection(branch="main", attachments=False))
    inside = graven.open(tmp_path / "x.zip")
    assert sorted(runs_of(inside)) == ["r1", "r2"]
    assert inside.attachments("r1") == []
    assert transfer(inside, Store(tmp_path / "other")).deleted == ["r3"]


def test_archives_of_overlapping_history_cost_what_their_union_costs(tmp_path):
    source, days = Store(tmp_path / "source"), []
    for day in range(5):
        for number in range(8):
            # The metadata makes each run its own bytes; the environment is shared by all.
            name = f"d{day}-r{number}"
            source.save(sample_run(name, metadata={"note": name * 40}, minute=day))
        days.append(tmp_path / f"day{day}.zip")
        create_bundle(source, days[-1])
    union, once = Store(tmp_path / "union"), Store(tmp_path / "once")
    for archive in (*days, *reversed(days)):
        transfer(graven.open(archive), union)
    transfer(graven.open(days[-1]), once)
    assert runs_of(union) == runs_of(source)
    stats, least = union.stats(), once.stats()
    assert (stats.objects, stats.copies) == (least.objects, least.objects)
    assert stats.raw_bytes == least.raw_bytes
    assert stats.packs == len(days)
    assert stats.pack_bytes < sum(path.stat().st_size for path in days) / 2
    check_store(union)


def test_a_file_that_is_there_is_replaced_only_by_force(store, tmp_path):
    target = tmp_path / "x.zip"
    target.write_text("mine")
    with pytest.raises(Conflict) as caught:
        create_bundle(store, target)
    assert (caught.value.kind, target.read_text()) == ("file-exists", "mine")
    create_bundle(store, target, force=True)
    assert verify_bundle(target).sound


def test_without_its_folder_there_is_no_archive(store, tmp_path):
    with pytest.raises(NotFound) as caught:
        create_bundle(store, tmp_path / "no" / "x.zip")
    assert caught.value.kind == "folder-missing"


def test_what_cannot_be_read_is_left_out_and_named(store, tmp_path):
    store.save(sample_run("hurt", metadata={"x": "y" * 100}, environment={"cpu": "odd"}))
    newest = max((store.path / "packs").iterdir())
    data = bytearray(newest.read_bytes())
    (shown,) = [p for p in store.packs() if p.name == newest.name]
    frame = store.show_pack(shown.name).frames[-1]
    data[frame["offset"] + frame["stored"]] ^= 255  # well within what was packed
    newest.chmod(0o600)
    newest.write_bytes(bytes(data))
    report = create_bundle(Store(store.path), tmp_path / "x.zip")
    assert list(report.sent.failed) == ["runs/hurt"]
    assert verify_bundle(tmp_path / "x.zip").sound
    assert list_bundle(tmp_path / "x.zip").runs == 3


def test_its_contents_are_told_from_its_metadata(store, tmp_path):
    create_bundle(store, tmp_path / "x.zip")
    found = list_bundle(tmp_path / "x.zip")
    assert (found.store_id, found.runs, found.deleted, found.attachments) == (
        store.store_id, 3, 1, 1,
    )  # fmt: skip
    assert [(b.branch, b.runs) for b in found.branches] == [("main", 2), (None, 1)]
    assert (found.first, found.last) == (store.load("r0").timestamp, store.load("r2").timestamp)
    assert (found.baselines, found.tags) == ({"main": "r1"}, {"v1": "r2"})
    assert found.to_dict()["branches"][0] == {"branch": "main", "runs": 2}


def test_an_archive_of_nothing_is_one_too(tmp_path):
    create_bundle(Store(tmp_path / "store"), tmp_path / "x.zip")
    found = list_bundle(tmp_path / "x.zip")
    assert (found.runs, found.first, found.branches) == (0, None, ())
    assert verify_bundle(tmp_path / "x.zip").sound


def test_every_flipped_bit_is_found(store, tmp_path):
    create_bundle(store, tmp_path / "x.zip")
    whole = (tmp_path / "x.zip").read_bytes()
    assert verify_bundle(tmp_path / "x.zip").sound
    for place in range(0, len(whole), 37):
        data = bytearray(whole)
        data[place] ^= 0x10
        (tmp_path / "x.zip").write_bytes(bytes(data))
        try:
            sound = verify_bundle(tmp_path / "x.zip").sound
        except (Corrupt, InvalidInput):
            continue
        # Times and attributes of members may change unseen: nothing reads them.
        assert not sound or runs_of(graven.open(tmp_path / "x.zip")) == runs_of(store), place


def test_a_store_file_that_is_damaged_is_damage(store, tmp_path):
    create_bundle(store, tmp_path / "x.zip")
    data = (tmp_path / "x.zip").read_bytes()
    start = data.index(b'"format"')
    (tmp_path / "x.zip").write_bytes(data[:start] + b"X" + data[start + 1 :])
    report = verify_bundle(tmp_path / "x.zip")
    assert not report.sound
    assert (list(report.broken), report.fsck) == (["store.json"], None)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "x.zip").write_text("no")
    for look in (verify_bundle, list_bundle):
        with pytest.raises((InvalidInput, Corrupt)):
            look(tmp_path / "x.zip")
        with pytest.raises(NotFound):
            look(tmp_path / "nothing.zip")

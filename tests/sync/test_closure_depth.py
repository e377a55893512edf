"""What manifests name goes along, to any depth: push, pull, clone, bundle."""

import random

import numpy as np
import pytest

from graven.formats.envelope import MANIFEST
from graven.formats.manifest import encode_manifest
from graven.formats.packbuild import Item
from graven.ids import hash_bytes
from graven.store import Store
from graven.store.session import Intent
from graven.sync.bundle import create_bundle, verify_bundle
from graven.sync.cloning import clone
from graven.sync.difference import Selection
from graven.sync.transfer import transfer
from graven.testing.runs import sample_run

BIG = random.Random(1).randbytes(3_000_000)


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "folder"
    (top / "sub").mkdir(parents=True)
    (top / "big").write_bytes(BIG)
    (top / "sub" / "small").write_bytes(b"small")
    (top / "link").symlink_to("sub/small")
    return top


@pytest.fixture
def full(stores, folder):
    store = stores[0]
    store.save(sample_run("r"))
    store.attach("r", "artifacts/folder", folder)
    store.put_result("r", "array", np.arange(300_000.0))
    with store.metrics("r") as metrics:
        for step in range(5000):
            metrics.log("loss", step, step)
    store.put_derived("r", {"score": 1})
    store.put_log("r", "out", "text")
    store.put_manifest("exp:1", {"v": 1})
    store.put_manifest("exp:1", {"v": 2})
    return store


def check(copy):
    assert copy.read_attachment("r", "artifacts/folder", "big") == BIG
    assert copy.read_attachment("r", "artifacts/folder", "link") == b"small"
    assert copy.get_result("r", "array").array()[-1] == 299_999
    assert len(copy.get_result("r", "loss").data) == 5000
    assert copy.get_derived("r") == {"score": 1}
    assert copy.read_attachment("r", "logs/out") == b"text"
    assert [m.record["v"] for m in copy.manifests("exp:1")] == [2, 1]
    assert copy.fsck("full", strict=True).ok


def test_a_transfer_takes_all_of_it(full, stores):
    report = transfer(full, stores[1])
    assert report.failed == {}
    assert (report.attachments, report.manifests) == (5, 2)
    check(stores[1])
    assert transfer(full, stores[1]).packs == 0


def test_a_clone_and_its_reindex(full, tmp_path, machine):
    clone(full.url, tmp_path / "copy")
    copy = Store(tmp_path / "copy", create=False)
    check(copy)
    copy.reindex()
    check(copy)
    assert copy.list_experiments() == full.list_experiments()


def test_a_bundle_and_out_of_it_again(full, stores, tmp_path):
    create_bundle(full, tmp_path / "b.zip")
    assert verify_bundle(tmp_path / "b.zip").sound
    archive = Store(f"zip://{tmp_path}/b.zip", create=False, readonly=True)
    check(archive)
    transfer(archive, stores[1])
    check(stores[1])


def test_what_is_there_is_not_sent_again(full, stores, folder):
    a, b = stores
    transfer(a, b)
    (folder / "sub" / "small").write_bytes(b"new")
    a.attach("r", "artifacts/folder", folder)
    report = transfer(a, b)
    assert report.objects == 2  # the new file and the new manifest
    assert b.read_attachment("r", "artifacts/folder", "link") == b"new"
    assert b.read_attachment("r", "artifacts/folder", "big") == BIG


@pytest.mark.parametrize(
    "selection", [Selection(attachments=False), Selection(branch="x"), Selection(since=2**62)]
)
def test_manifests_of_experiments_are_in_every_part(full, stores, selection):
    report = transfer(full, stores[1], selection)
    assert report.failed == {}
    assert len(stores[1].manifests("exp:1")) == 2
    if not selection.attachments:
        assert stores[1].attachments("r") == []
    assert stores[1].fsck("full").ok


def test_parts_that_a_collector_took_are_sent_though_the_record_is_there(stores):
    a, b = stores
    for store in stores:
        store.save(sample_run("r"))
    made = a.attach("r", "artifacts/x", BIG)
    record = a.get_object(made.object_id)
    b.put_object(record, "file")  # the record alone, as a pack may keep it
    transfer(a, b)
    assert b.read_attachment("r", "artifacts/x") == BIG
    assert b.fsck("full").ok


def test_manifests_in_manifests_and_no_end_of_them(stores):
    a, b = stores
    a.save(sample_run("r"))
    items, link = [], None
    for level in range(3000):
        data = encode_manifest("chain", {"level": level}, [link] if link else [])
        items.append(Item(hash_bytes(data), MANIFEST, data))
        link = items[-1].id
    a.parts.session.commit(items, [Intent("runs/r/artifacts/chain", link, None, {"size": 1})])
    report = transfer(a, b)
    assert report.failed == {}
    assert b.fsck("full").ok
    assert b.stats().by_kind["manifest"][0] == 3000


def test_a_part_that_is_gone_holds_up_what_needs_it_and_no_more(stores):
    a, b = stores
    a.save(sample_run("r"))
    a.attach("r", "artifacts/good", b"good")
    data = encode_manifest("folder", {"entries": []}, [hash_bytes(b"gone")])
    item = Item(hash_bytes(data), MANIFEST, data)
    a.parts.session.commit([item], [Intent("runs/r/artifacts/bad", item.id, None, {"size": 1})])
    report = transfer(a, b)
    assert list(report.failed) == ["runs/r/artifacts/bad"]
    assert [x.name for x in b.attachments("r")] == ["artifacts/good"]
    assert b.fsck("full").ok

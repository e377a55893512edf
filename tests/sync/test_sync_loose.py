"""Loose objects go from store to store as loose objects, before the refs that name them."""

import pytest

from graven import Store
from graven.formats import layout
from graven.ids import hash_bytes
from graven.objects import loose
from graven.store.session import Intent
from graven.sync.bundle import create_bundle, verify_bundle
from graven.sync.cloning import clone
from graven.sync.transfer import transfer
from graven.testing.runs import sample_run

DATA = bytes(range(256)) * 100
ID = hash_bytes(DATA)


def put_table(store, run_id="a", name="t", data=DATA):
    object_id = hash_bytes(data)
    key = store.parts.session.put_loose(object_id, data)
    note = {"size": len(data), loose.NOTE: loose.nonce_of(key)}
    ref = layout.attachment_ref(run_id, f"tables/{name}")
    store.parts.session.commit([], [Intent(ref, object_id, None, note)])
    return key


def files(store):
    return [found.key for found in loose.iter_loose(store.parts.backend)]


@pytest.fixture
def stores(tmp_path):
    source = Store(tmp_path / "source", durable=False)
    source.save(sample_run("a"))
    target = Store(tmp_path / "target", durable=False)
    yield source, target
    source.close()
    target.close()


def test_a_loose_object_is_sent_under_a_fresh_name(stores):
    source, target = stores
    key = put_table(source)
    report = transfer(source, target)
    (there,) = files(target)
    assert there != key
    assert report.attachments == 1
    assert report.bytes > len(DATA)
    assert target.read_attachment("a", "tables/t") == DATA
    again = transfer(source, target)
    assert (again.objects, again.bytes) == (0, 0)
    assert target.fsck("full").ok
    # A catalog made anew learns of the file from the ref alone.
    target._index.catalog.reset()
    (place,) = [o for o in target.iter_objects("blob") if o.id == ID.hex()]
    assert place.pack == there


def test_what_is_there_is_not_sent_again_and_the_ref_names_it(stores):
    source, target = stores
    put_table(source)
    transfer(source, target)
    (there,) = files(target)
    put_table(source, name="u")
    transfer(source, target)
    assert files(target) == [there]
    refs = {r.name: r.note for r in target.iter_refs() if "tables" in r.name}
    assert {note["loose"] for note in refs.values()} == {loose.nonce_of(there)}


def test_a_file_that_vanished_is_sent_though_the_catalog_knows_it(stores):
    source, target = stores
    put_table(source)
    transfer(source, target)
    target.parts.backend.delete(files(target)[0])
    put_table(source, name="u")
    transfer(source, target)
    assert target.read_attachment("a", "tables/u") == DATA
    assert len(files(target)) == 1


def test_one_object_under_two_refs_is_one_file(stores):
    source, target = stores
    put_table(source)
    put_table(source, name="u")
    assert len(files(source)) == 2
    transfer(source, target)
    assert len(files(target)) == 1


def test_a_damaged_file_holds_up_only_its_ref(stores):
    source, target = stores
    key = put_table(source)
    put_table(source, name="u", data=DATA[1:])
    source.parts.backend.put(key, b"x" * len(DATA))
    report = transfer(source, target)
    assert list(report.failed) == ["runs/a/tables/t"]
    assert target.read_attachment("a", "tables/u") == DATA[1:]
    assert [found.object_id for found in loose.iter_loose(target.parts.backend)] == [
        hash_bytes(DATA[1:])
    ]


def test_a_clone_and_a_bundle_have_them(stores, tmp_path):
    source, _ = stores
    put_table(source)
    copy, _ = clone(str(tmp_path / "source"), tmp_path / "clone", durable=False)
    assert copy.read_attachment("a", "tables/t") == DATA
    copy.close()
    create_bundle(source, tmp_path / "b.zip")
    assert verify_bundle(tmp_path / "b.zip").sound
    with_archive = Store(f"zip://{tmp_path}/b.zip", create=False, readonly=True)
    assert with_archive.read_attachment("a", "tables/t") == DATA
    assert len(files(with_archive)) == 1


def test_a_deleted_run_is_restored_with_its_table(stores):
    source, _ = stores
    put_table(source)
    source.delete("a")
    source.restore("a")
    assert source.read_attachment("a", "tables/t") == DATA

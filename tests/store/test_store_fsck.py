"""What fsck finds beyond flipped bits: refs that lead nowhere, objects of another kind."""

import json

import pytest

from graven.errors import InvalidInput
from graven.formats import canonical, layout
from graven.formats.checksum import checksum_of
from graven.formats.packbuild import Item
from graven.ids import hash_bytes
from graven.store.session import Intent
from graven.testing.runs import sample_run


@pytest.fixture
def full(store):
    for n in range(3):
        store.save(sample_run(f"r{n}", minute=n))
    for n in range(3):
        store.set_baseline(f"r{n}")
    assert store.fsck("full", strict=True).ok
    return store


def commit(store, kind, data, ref=None):
    """Put bytes under a kind's name as a careless or hostile writer would; returns the hex id."""
    item = Item(hash_bytes(data), kind, data)
    store._session.commit([item], [Intent(ref, item.id)] if ref else [])
    return item.id.hex()


def found(store, level="full", **options):
    report = store.fsck(level, **options)
    assert report.ok is (not report.damage)
    assert report.to_dict()["damage"] == [d.to_dict() for d in report.damage]
    return report.damage


def baseline_file(store):
    return store.path / "refs" / "baselines" / "main.json"


def rewrite(path, **changes):
    """Change a ref file as a program would that knows the format."""
    record = json.loads(path.read_text()) | changes
    del record["crc32"]
    record["crc32"] = checksum_of(record)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def test_an_unknown_level_is_refused(full):
    with pytest.raises(InvalidInput, match="no fsck level 'deep'"):
        full.fsck("deep")


def test_a_ref_to_an_object_in_no_pack_is_named_with_its_run(full):
    nowhere = hash_bytes(b"nowhere")
    full._session.commit([], [Intent("runs/r1/logs/x", nowhere)])
    for level in ("quick", "full"):
        (damage,) = found(full, level)
        assert (damage.place, damage.what) == ("runs/r1/logs/x", "its object is in no pack")
        assert (damage.object_id, damage.runs) == (nowhere.hex(), ("r1",))


def test_a_baseline_of_an_object_in_no_pack_is_named(full):
    rewrite(baseline_file(full), object="ab" * 32)
    (damage,) = found(full, "quick")
    assert (damage.place, damage.object_id, damage.runs) == (
        "refs/baselines/main.json",
        "ab" * 32,
        ("r2",),
    )


def test_a_history_that_breaks_off_is_named(full):
    rewrite(baseline_file(full), previous="cd" * 32)
    (damage,) = found(full, "quick")
    assert damage.what == f"its history breaks off: no object {'cd' * 32}"


def test_a_history_that_leads_to_no_ref_is_named(full):
    rewrite(baseline_file(full), previous=full.resolve("r0").object_id)
    (damage,) = found(full, "quick")
    assert damage.place == "refs/baselines/main.json"
    assert "'run' where a 'ref' was expected" in damage.what


def test_a_history_in_a_circle_ends(full):
    first, *_ = full.baselines.history("main")
    record = json.loads(baseline_file(full).read_text())
    del record["crc32"]
    circle = canonical.encode(["ref", 1, record])
    rewrite(baseline_file(full), previous=commit(full, "ref", circle), seq=50)
    assert first.previous is not None
    assert found(full, "quick") == []


def test_a_damaged_ref_file_is_named_and_the_others_are_looked_at(full):
    baseline_file(full).write_text("{")
    full.tags.set("v1", "r1")
    rewrite(full.path / "refs" / "tags" / "v1.json", object="ab" * 32)
    assert [d.place for d in found(full, "quick")] == [
        "refs/baselines/main.json",
        "refs/tags/v1.json",
    ]


def test_strangers_beside_refs_and_left_over_files_are_garbage(full):
    (full.path / "refs" / "baselines" / "notes.txt").write_text("mine")
    (full.path / "packs" / "notes.txt").write_text("mine")
    (full.path / "packs" / (layout.TEMPORARY_PREFIX + "0" * 32)).write_text("cut off")
    report = full.fsck("quick")
    assert report.ok
    assert [line.split(":")[0] for line in report.garbage] == [
        "packs/notes.txt",
        "refs/baselines/notes.txt",
        "packs/.tmp-" + "0" * 32,
    ]


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("run", b"no msgpack at all", "not msgpack"),
        ("run", canonical.encode(["run", 1, {"id": "x"}]), "run object is malformed"),
        ("run", canonical.encode(["run", 2, {}]), "newer than this program"),
        ("file", canonical.encode(["file", 1, {"size": 3}]), "file object is malformed"),
        ("file", canonical.encode(["file", 1, {"chunks": [[b"short", 3]]}]), "cannot be"),
        ("file", canonical.encode(["run", 1, {}]), "where a 'file' was expected"),
    ],
)
def test_an_object_that_is_not_of_its_kind_is_named_with_its_run(full, kind, data, why):
    object_id = commit(full, kind, data, "runs/r1/artifacts/odd")
    (damage,) = found(full)
    assert (damage.object_id, damage.kind, damage.runs) == (object_id, kind, ("r1",))
    assert why in damage.what
    assert found(full, "quick") == []  # quick reads no objects


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("environment", bytes.fromhex("93ab656e7669726f6e6d656e740181a16bcc01")),  # 1 as cc01
        ("definitions", b"no msgpack"),
        ("ref", canonical.encode(["ref", 1])),
    ],
)
def test_strict_looks_at_the_form_of_every_object(full, kind, data):
    object_id = commit(full, kind, data)
    assert found(full) == []
    (damage,) = found(full, strict=True)
    assert (damage.object_id, damage.kind, damage.runs) == (object_id, kind, ())


def test_a_run_in_another_form_than_the_canonical_one_is_found_by_strict(full):
    good = full.get_object(full.resolve("r1").object_id)
    kind, version, body = canonical.decode(good)
    wordy = canonical.encode([kind, version, body | {"status": "ok"}])  # what is the default
    object_id = commit(full, "run", wordy)
    assert found(full) == []
    (damage,) = found(full, strict=True)
    assert (damage.object_id, damage.what) == (object_id, "is not in canonical form")


def test_a_file_that_lacks_a_chunk_names_the_run_that_holds_it(full):
    chunk = hash_bytes(b"never stored")
    body = {"blake3": chunk, "chunks": [[chunk, 12]], "size": 12}
    record = canonical.encode(["file", 1, body])
    file_id = commit(full, "file", record, "runs/r2/artifacts/large")
    (damage,) = found(full)
    assert (damage.place, damage.what) == (f"object {file_id}", "is in no pack")
    assert (damage.object_id, damage.kind, damage.runs) == (chunk.hex(), "blob", ("r2",))

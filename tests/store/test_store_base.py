"""Opening and making stores, and what is refused."""

import json

import pytest

import graven
from graven import Store
from graven.errors import (
    BackendUnavailable,
    Conflict,
    Corrupt,
    FormatTooNew,
    InvalidInput,
    NotFound,
)
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run


def test_opening_a_path_makes_a_store_as_calibrax_does(tmp_path):
    Store(tmp_path / "a" / "b")
    assert json.loads((tmp_path / "a" / "b" / "store.json").read_text())["format"] == 1


def test_open_refuses_to_make_one_and_leaves_nothing_behind(tmp_path):
    with pytest.raises(NotFound) as caught:
        graven.open(tmp_path / "typo")
    assert caught.value.kind == "store-missing"
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert not (tmp_path / "typo").exists()


def test_open_makes_one_when_told(tmp_path):
    first = graven.open(tmp_path / "s", create=True)
    assert graven.open(tmp_path / "s").store_id == first.store_id


def test_init_refuses_a_store_that_is_there(tmp_path):
    first = graven.init(tmp_path / "s")
    first.save(sample_run("a"))
    with pytest.raises(Conflict) as caught:
        graven.init(tmp_path / "s")
    assert caught.value.exit_code == 4
    assert graven.open(tmp_path / "s").load("a").id == "a"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format": 2}, FormatTooNew),
        ({"format": 10**30}, FormatTooNew),
        ({"features": ["sealed"]}, FormatTooNew),
        ({"hash": "sha256"}, FormatTooNew),
        ({"id": 5}, Corrupt),
        ({"id": "short"}, Corrupt),
        ({"grace_seconds": "soon"}, Corrupt),
        ({"grace_seconds": -1}, Corrupt),
        ({"format": "one"}, InvalidInput),
        ({"format": None}, InvalidInput),
    ],
)
def test_a_store_file_of_another_kind_is_refused_by_name(tmp_path, change, error):
    Store(tmp_path / "s").save(sample_run("a"))
    file = tmp_path / "s" / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(error) as caught:
        Store(tmp_path / "s")
    assert "store.json" in caught.value.message
    if error is FormatTooNew:
        assert caught.value.exit_code == 7
        assert "needs graven >=" in caught.value.message


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"[]", b"[" * 100_000])
def test_a_damaged_store_file_is_named_and_kept(tmp_path, content):
    Store(tmp_path / "s")
    file = tmp_path / "s" / "store.json"
    file.write_bytes(content)
    with pytest.raises((Corrupt, InvalidInput)) as caught:
        Store(tmp_path / "s")
    assert "store.json" in caught.value.message
    assert file.read_bytes() == content


def test_a_read_only_store_reads_and_refuses_each_write(store, open_store):
    store.save(sample_run("a"))
    store.set_baseline("a")
    before = sorted(p for p in store.path.rglob("*") if "cache" not in p.parts)
    reader = open_store(readonly=True)
    assert reader.list_runs() == [sample_run("a")]
    assert reader.get_baseline() == sample_run("a")
    writes = [
        lambda: reader.save(sample_run("b")),
        lambda: reader.delete("a", force=True),
        lambda: reader.attach("a", "logs/x", b"x"),
        lambda: reader.relabel("a", branch="x"),
        lambda: reader.set_baseline("a", "other"),
        lambda: reader.tags.set("v1", "a"),
        lambda: reader.baselines.delete("main"),
        lambda: reader.put_object(b"x"),
        lambda: reader.config.set("views", "none"),
        reader.write_views,
        lambda: reader.batch().__enter__(),
    ]
    for write in writes:
        with pytest.raises((BackendUnavailable, InvalidInput)) as caught:
            write()
        assert caught.value.message
    assert sorted(p for p in store.path.rglob("*") if "cache" not in p.parts) == before


def test_opening_read_only_makes_no_store(tmp_path):
    with pytest.raises(NotFound):
        Store(tmp_path / "s", readonly=True)
    assert not (tmp_path / "s").exists()


def test_a_store_in_memory_does_all_the_same():
    store = Store("memory://base-test")
    store.save(sample_run("a"))
    store.save(sample_run("b", 2.0, minute=1))
    store.set_baseline("a")
    store.attach("a", "logs/out", b"text")
    store.delete("b")
    check_store(store, {"a": sample_run("a")})
    assert store.path is None
    other = Store("memory://base-test")
    assert other.store_id == store.store_id
    check_store(other, {"a": sample_run("a")})


@pytest.mark.parametrize("url", [""])
def test_a_place_that_is_none_is_refused(url):
    with pytest.raises(InvalidInput):
        Store(url)


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises((InvalidInput, BackendUnavailable)):
            Store(place)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_closed_store_opens_again_when_used(store):
    store.save(sample_run("a"))
    store.close()
    store.close()
    assert store.load("a") == sample_run("a")


def test_a_moved_store_is_found_whole_at_its_new_place(store, open_store, tmp_path):
    store.save(sample_run("a"))
    assert store.count() == 1
    store.close()
    store.path.rename(tmp_path / "moved")
    check_store(open_store("moved"), {"a": sample_run("a")})

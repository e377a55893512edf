"""Folders: one ref, links kept as links, nothing ever written outside of where it was asked."""

import os
import random
import stat
import warnings

import pytest

from graven.errors import Conflict, Corrupt, GravenWarning, InvalidInput, NotFound
from graven.formats.envelope import MANIFEST
from graven.formats.manifest import encode_manifest
from graven.store import folders
from graven.store.folders import Entry, follow
from graven.testing.runs import sample_run

BIG = random.Random(3).randbytes(2_500_000)


@pytest.fixture
def store(store):
    store.save(sample_run("a"))
    return store


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "folder"
    (top / "sub" / "empty").mkdir(parents=True)
    (top / "big.bin").write_bytes(BIG)
    (top / "sub" / "same.bin").write_bytes(BIG)
    (top / "sub" / "tool").write_bytes(b"#!/bin/sh\n")
    (top / "sub" / "tool").chmod(0o755)
    (top / "inner").symlink_to("sub/tool")
    return top


def tree(top):
    found = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder",)
        else:
            found[name] = (bool(path.stat().st_mode & stat.S_IXUSR), path.read_bytes())
    return found


def test_a_folder_goes_in_and_comes_out_as_it_was(store, folder, tmp_path):
    made = store.attach("a", "artifacts/model", folder)
    assert (made.kind, made.size) == ("folder", 2 * len(BIG) + 10)
    names = [entry.name for entry in store.list_folder("a", "artifacts/model")]
    assert names == ["big.bin", "inner", "sub/empty", "sub/same.bin", "sub/tool"]
    store.export_attachment("a", "artifacts/model", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(folder)
    assert store.fsck("full").ok


def test_one_ref_and_equal_files_once(store, folder):
    store.attach("a", "artifacts/model", folder)
    assert [ref.name for ref in store.iter_refs()] == ["runs/a", "runs/a/artifacts/model"]
    assert store.stats().by_kind["file"][0] == 1


def test_unchanged_it_writes_nothing(store, folder):
    first = store.attach("a", "artifacts/model", folder)
    count = len(store.packs())
    assert store.attach("a", "artifacts/model", folder) == first
    assert len(store.packs()) == count
    (folder / "sub" / "tool").write_bytes(b"new")
    store.attach("a", "artifacts/model", folder)
    assert store.read_attachment("a", "artifacts/model", "sub/tool") == b"new"
    assert sum(pack.size for pack in store.packs()) < len(BIG) + 100_000


def test_files_in_it_open_alone_and_through_links(store, folder):
    store.attach("a", "artifacts/model", folder)
    with store.open_attachment("a", "artifacts/model", "big.bin") as content:
        content.seek(2_000_000)
        assert content.read(9) == BIG[2_000_000:2_000_009]
    assert store.read_attachment("a", "artifacts/model", "inner") == b"#!/bin/sh\n"
    for path, kind in (("sub", "is-folder"), ("no", "entry-missing"), ("../x", "link-leads-out")):
        with pytest.raises((InvalidInput, NotFound)) as error:
            store.open_attachment("a", "artifacts/model", path)
        assert error.value.kind == kind
    with pytest.raises(InvalidInput) as error:
        store.read_attachment("a", "artifacts/model")
    assert error.value.kind == "is-folder"
    store.attach("a", "artifacts/file", b"x")
    with pytest.raises(InvalidInput) as error:
        store.read_attachment("a", "artifacts/file", "x")
    assert error.value.kind == "no-folder"


def test_links_are_never_followed_out(store, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "f").write_bytes(b"secret too")
    top = tmp_path / "folder"
    top.mkdir()
    (top / "file").symlink_to(tmp_path / "secret")
    (top / "up").symlink_to("../secret")
    (top / "folder").symlink_to("../elsewhere")
    (top / "loop").symlink_to("loop")
    (top / "dangling").symlink_to("not-there")
    made = store.attach("a", "artifacts/f", top)
    assert made.size == 0
    entries = {e.name: e.target for e in store.list_folder("a", "artifacts/f")}
    assert entries["up"] == "../secret"
    with pytest.warns(GravenWarning, match="leads out of the folder") as told:
        store.export_attachment("a", "artifacts/f", tmp_path / "out")
    assert len(told) == 4
    assert tree(tmp_path / "out") == {"dangling": ("link", "not-there")}


def test_links_through_links_are_counted_from_where_they_stand():
    entries = [
        Entry(("d", "up"), target=".."),
        Entry(("out",), target="d/up/.."),
        Entry(("in",), target="d/up/d"),
        Entry(("drive",), target="C:evil"),
        Entry(("share",), target="\\\\host\\share"),
    ]
    by_path = {entry.path: entry for entry in entries}
    assert follow(by_path, ("d", "up")) == ()
    assert follow(by_path, ("out",)) is None  # 'd/..' by its text, one above by its way
    assert follow(by_path, ("in", "x")) == ("d", "x")
    assert follow(by_path, ("drive",)) is None
    assert follow(by_path, ("share",)) is None


def test_what_has_no_content_is_left_out_by_name(store, folder):
    os.mkfifo(folder / "pipe")
    with pytest.warns(GravenWarning, match="pipe is left out: it is a pipe"):
        store.attach("a", "artifacts/f", folder)
    assert "pipe" not in [e.name for e in store.list_folder("a", "artifacts/f")]


def test_the_store_itself_is_left_out(store):
    top = store.path.parent
    (top / "data").write_bytes(b"x")
    with pytest.warns(GravenWarning, match="it is the store itself"):
        store.attach("a", "artifacts/f", top)
    assert [e.name for e in store.list_folder("a", "artifacts/f")] == ["data"]


@pytest.mark.parametrize("part", ["", "packs", "runs/a.json", "config.json", "cache/.."])
def test_a_part_of_the_store_is_not_kept_in_it(store, tmp_path, part):
    store.config.set("ingest.keep_raw", True)
    link = tmp_path / "link"
    link.symlink_to(store.path / part)
    for source in (store.path / part, link):
        with pytest.raises(InvalidInput, match="belongs to the store") as error:
            store.attach("a", "artifacts/f", source)
        assert error.value.kind == "own-file"
    assert store.attachments("a") == []


def test_what_others_keep_beside_the_store_s_files_may_be_attached(store):
    (store.path / "plots").mkdir()
    (store.path / "plots" / "x.png").write_bytes(b"png")
    store.attach("a", "artifacts/one", store.path / "plots" / "x.png")
    store.attach("a", "artifacts/all", store.path / "plots")
    sibling = store.path.with_name(store.path.name + "2")
    (sibling / "packs").mkdir(parents=True)
    store.attach("a", "artifacts/sibling", sibling / "packs")
    assert len(store.attachments("a")) == 3


def test_a_name_that_is_no_text_is_refused(store, folder):
    try:
        with open(os.fsencode(folder) + b"/\xff", "wb"):
            pass
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(InvalidInput) as error:
        store.attach("a", "artifacts/f", folder)
    assert error.value.kind == "bad-file-name"
    assert store.attachments("a") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_named(store, folder):
    (folder / "big.bin").chmod(0)
    with pytest.raises(InvalidInput) as error:
        store.attach("a", "artifacts/f", folder)
    assert "big.bin" in error.value.message


@pytest.mark.parametrize("before", ["file", "link", "folder"])
@pytest.mark.parametrize("after", ["file", "link", "folder", "pipe", "nothing"])
def test_what_another_thing_takes_the_place_of(store, tmp_path, monkeypatch, before, after):
    path = tmp_path / "folder" / "name"
    make = {
        "file": lambda: path.write_bytes(b"x"),
        "link": lambda: path.symlink_to("x"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "nothing": lambda: None,
    }
    path.parent.mkdir()
    make[before]()
    seen = folders._scan

    def scan(folder):
        found = seen(folder)
        if folder == str(path.parent):
            path.rmdir() if before == "folder" else path.unlink()
            make[after]()
        return found

    monkeypatch.setattr(folders, "_scan", scan)
    if before == after:
        store.attach("a", "artifacts/f", path.parent)
        return
    with pytest.raises(InvalidInput, match="name"):
        store.attach("a", "artifacts/f", path.parent)
    assert store.attachments("a") == []


def test_an_empty_folder(store, tmp_path):
    (tmp_path / "folder").mkdir()
    store.attach("a", "artifacts/f", tmp_path / "folder")
    store.export_attachment("a", "artifacts/f", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_stands_in_the_way(store, folder, tmp_path):
    store.attach("a", "artifacts/f", folder)
    (tmp_path / "out").mkdir()
    for force in (False, True):
        with pytest.raises(Conflict):
            store.export_attachment("a", "artifacts/f", tmp_path / "out", force=force)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "out", "store"]


HOSTILE = [
    [{"path": ["..", "evil"], "link": 0, "size": 4}],
    [{"path": ["/etc/evil"], "link": 0, "size": 4}],
    [{"path": ["a/../../evil"], "link": 0, "size": 4}],
    [{"path": ["."], "link": 0, "size": 4}],
    [{"path": [""], "link": 0, "size": 4}],
    [{"path": ["a\0b"], "link": 0, "size": 4}],
    [{"path": [], "link": 0, "size": 4}],
    [{"path": [7], "link": 0, "size": 4}],
    [{"path": "text", "link": 0}],
    [{"path": ["a"], "link": 5, "size": 4}],
    [{"path": ["a"], "link": -1, "size": 4}],
    [{"path": ["a"], "link": True, "size": 4}],
    [{"path": ["a"], "link": 0, "size": -4}],
    [{"path": ["a"], "target": ""}],
    [{"path": ["a"], "target": 7}],
    [{"path": ["a"], "link": 0, "size": 4}, {"path": ["a"], "link": 0, "size": 4}],
    [{"path": ["a"], "target": "/etc"}, {"path": ["a", "passwd"], "link": 0, "size": 4}],
    [{"path": ["a"], "link": 0, "size": 4}, {"path": ["a", "b", "c"], "link": 0, "size": 4}],
    [7],
    7,
    None,
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_strangers_folder_writes_nothing_outside(store, tmp_path, number):
    store.attach("a", "artifacts/evil", b"evil")
    link = bytes.fromhex(store.attachment("a", "artifacts/evil").object_id)
    record = encode_manifest("folder", {"entries": HOSTILE[number]}, [link])
    plant(store, "runs/a/artifacts/f", store.put_object(record, MANIFEST))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Corrupt):
        store.export_attachment("a", "artifacts/f", tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def plant(store, ref, object_hex):
    """A ref as another program might write it."""
    from graven.store.session import Intent

    store.parts.session.commit([], [Intent(ref, bytes.fromhex(object_hex), None, {"size": 4})])


def test_many_levels_and_many_files(store, tmp_path):
    deep = tmp_path / "folder"
    for level in range(60):
        deep = deep / f"l{level}"
    deep.mkdir(parents=True)
    for number in range(300):
        (deep / f"{number:04}").write_bytes(str(number % 7).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.attach("a", "artifacts/f", tmp_path / "folder")
    store.export_attachment("a", "artifacts/f", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "folder")

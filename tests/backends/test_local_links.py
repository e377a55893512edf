import os

import pytest

from graven.backends.local import LocalBackend
from graven.errors import Corrupt


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def test_a_planted_link_to_a_folder_leads_nowhere(either, outside):
    either.put("store.json", b"{}")
    (either.root / "packs").symlink_to(outside)
    uses = [
        lambda: either.put("packs/a", b"x"),
        lambda: either.put("packs/deep/a", b"x"),
        lambda: either.put_if_absent("packs/a", b"x"),
        lambda: either.delete("packs/secret"),
        lambda: either.get("packs/secret"),
        lambda: either.names("packs"),
        lambda: list(either.list("packs/")),
    ]
    for use in uses:
        with pytest.raises(Corrupt) as caught:
            use()
        assert caught.value.kind == "symlink"
        assert str(either.root / "packs") in str(caught.value)
    assert [entry.key for entry in either.list("")] == ["store.json"]
    assert either.temporaries() == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_link_planted_later_is_seen_by_a_backend_that_knew_the_folder(either, outside):
    either.put("refs/tags/a", b"x")
    (either.root / "refs").rename(either.root / "old")
    outside.joinpath("tags").mkdir()
    (either.root / "refs").symlink_to(outside)
    with pytest.raises(Corrupt):
        either.put("refs/tags/b", b"x")
    assert list((outside / "tags").iterdir()) == []


def test_a_planted_link_to_a_file_is_neither_read_nor_written_through(either, outside):
    either.put("packs/a", b"x")
    (either.root / "packs/link").symlink_to(outside / "secret")
    (either.root / "packs/dangling").symlink_to(outside / "new")
    with pytest.raises(Corrupt):
        either.get("packs/link")
    assert either.names("packs") == ["a"]
    assert [entry.key for entry in either.list("")] == ["packs/a"]
    assert either.head("packs/link") is None
    assert either.put_if_absent("packs/dangling", b"x") is None
    either.put("packs/link", b"replaces the link itself")
    assert (outside / "secret").read_bytes() == b"secret"
    assert not (outside / "new").exists()
    assert either.get("packs/link") == b"replaces the link itself"


def test_the_way_to_the_store_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    backend = LocalBackend(tmp_path / "link" / "store")
    backend.put("packs/a", b"x")
    assert (tmp_path / "real/store/packs/a").read_bytes() == b"x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_planted_pipe_does_not_make_a_reader_wait(store):
    store.put("packs/a", b"x")
    os.mkfifo(store.root / "packs/pipe")
    assert store.names("packs") == ["a"]
    assert [entry.key for entry in store.list("")] == ["packs/a"]
    with pytest.raises(Corrupt) as caught:
        store.get("packs/pipe")
    assert caught.value.kind == "not-a-file"


def test_names_that_are_no_keys_are_passed_over(store):
    store.put("packs/a", b"x")
    for name in (b"back\\slash", b"colon:x", b"line\nbreak", b"not-utf8-\xff"):
        (store.root / "packs" / os.fsdecode(name)).write_bytes(b"")
    assert store.names("packs") == ["a"]
    assert [entry.key for entry in store.list("")] == ["packs/a"]


def test_a_bottomless_folder_ends(store):
    path = store.root
    for _ in range(60):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"x")
    assert list(store.list("")) == []
    assert store.temporaries() == []

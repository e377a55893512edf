import errno
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from graven import clock
from graven.backends import files, folders, locks, open_backend
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.testing.suites import BackendSuite

HANDLES = Path("/proc/self/fd")


class TestLocal(BackendSuite):
    def open(self, tmp_path):
        return LocalBackend(tmp_path / "store")

    def poke(self, backend, key, data):
        path = backend.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def peek(self, backend, key):
        path = backend.root / key
        return path.read_bytes() if path.exists() else None

    def poke_token(self, backend, key):
        self.poke(backend, key, b"x")


class TestLocalWithoutFolderHandles(TestLocal):
    """The ways of a system like Windows: paths instead of handles, and so no swap."""

    rounds = 3

    def open(self, tmp_path):
        class WithoutHandles(LocalBackend):
            handles = False

        return WithoutHandles(tmp_path / "store")


@pytest.mark.parametrize("pread", [True, False])
def test_ranges_are_read_with_and_without_pread(tmp_path, monkeypatch, pread):
    monkeypatch.setattr(files, "_HAS_PREAD", pread)
    backend = LocalBackend(tmp_path / "store")
    backend.put("packs/a", b"0123456789")
    spans = [(8, 5), (0, 3), (20, 1), (4, 0)]
    assert backend.get_ranges("packs/a", spans) == [b"89", b"012", b"", b""]


# Opening.


def test_urls(tmp_path):
    spaced = tmp_path / "a b"
    for url in (
        spaced,
        str(spaced),
        f"file://{tmp_path}/a%20b",
        f"file://localhost{tmp_path}/a%20b",
    ):
        backend = open_backend(url)
        assert backend.root == spaced
        assert backend.url == str(spaced)
    assert not spaced.exists()  # opening makes nothing


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("zip://", "bad-url"),
        ("file://elsewhere/x", "bad-url"),
        ("file://x", "bad-url"),
        ("", "bad-url"),
        ("a\0b", "bad-url"),
    ],
)
def test_urls_that_are_none(url, kind):
    with pytest.raises(InvalidInput) as caught:
        open_backend(url)
    assert caught.value.kind == kind


def test_a_missing_root_is_empty_and_made_by_the_first_write(tmp_path):
    backend = LocalBackend(tmp_path / "not" / "yet")
    assert backend.names("packs") == []
    assert list(backend.list("")) == []
    assert backend.temporaries() == []
    assert backend.listing_token("packs") is None
    with pytest.raises(NotFound):
        backend.get("store.json")
    assert not (tmp_path / "not").exists()
    backend.put("store.json", b"{}")
    assert (tmp_path / "not/yet/store.json").read_bytes() == b"{}"


def test_a_change_of_the_working_folder_does_not_move_the_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    backend = LocalBackend("store")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    backend.put("packs/a", b"x")
    assert (tmp_path / "store/packs/a").read_bytes() == b"x"


def test_a_store_that_was_moved_away_is_not_written_to(store, tmp_path):
    store.put("packs/a", b"one")
    (tmp_path / "store").rename(tmp_path / "moved")
    with pytest.raises(NotFound):
        store.get("packs/a")
    store.put("packs/a", b"two")
    assert (tmp_path / "moved/packs/a").read_bytes() == b"one"
    assert (tmp_path / "store/packs/a").read_bytes() == b"two"


def test_a_folder_removed_and_made_again_is_found_again(store):
    for number in range(3):
        store.put("runs/a", b"%d" % number)
        assert store.get("runs/a") == b"%d" % number
        (store.root / "runs/a").unlink()
        (store.root / "runs").rmdir()
        assert store.names("runs") == []


def test_read_only_refuses_every_write_and_makes_nothing(tmp_path):
    backend = LocalBackend(tmp_path / "store", readonly=True)
    writes = [
        lambda: backend.put("packs/a", b"x"),
        lambda: backend.put_if_absent("packs/a", b"x"),
        lambda: backend.put_if_version("packs/a", b"x", "1"),
        lambda: backend.delete("packs/a"),
        lambda: backend.delete_if_version("packs/a", "1"),
        lambda: backend.remove_temporaries(0),
    ]
    for write in writes:
        with pytest.raises(BackendUnavailable) as caught:
            write()
        assert caught.value.kind == "read-only"
    assert not (tmp_path / "store").exists()
    assert not backend.capabilities.create
    assert not backend.capabilities.swap
    LocalBackend(tmp_path / "store").put("packs/a", b"x")
    assert backend.get("packs/a") == b"x"


# Durability.


def test_a_durable_put_syncs_the_file_then_renames_then_syncs_the_folders(tmp_path, monkeypatch):
    done = []
    real_fsync, real_replace, real_link = os.fsync, os.replace, os.link

    def fsync(fd):
        what = "folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "file"
        done.append((what, (HANDLES / str(fd)).readlink().name))
        real_fsync(fd)

    def replace(source, target, **more):
        done.append(("rename", target))
        real_replace(source, target, **more)

    def link(source, target, **more):
        done.append(("link", target))
        real_link(source, target, **more)

    if not HANDLES.exists():
        pytest.skip("no /proc here to name the handles that were synced")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "link", link)
    backend = LocalBackend(tmp_path / "store")
    backend.put("refs/tags/a.json", b"x")
    temp = done[3][1]
    assert temp.startswith(".tmp-")
    # First, once: what leads to the folder. Then the write.
    assert done[:3] == [("folder", "refs"), ("folder", "store"), ("folder", tmp_path.name)]
    assert done[3:] == [("file", temp), ("rename", "a.json"), ("folder", "tags")]
    done.clear()
    version = backend.put_if_absent("refs/tags/b.json", b"x")
    assert [what for what, _ in done] == ["file", "link", "folder"]
    done.clear()
    backend.put_if_version("refs/tags/b.json", b"y", version)
    assert [what for what, _ in done] == ["file", "rename", "folder"]
    done.clear()
    backend.put("runs/a.json", b"x", durable=False)
    assert [what for what, _ in done] == ["rename"]


def test_a_second_process_syncs_the_folders_that_the_first_has_made(tmp_path, monkeypatch):
    LocalBackend(tmp_path / "store").put("packs/a", b"x", durable=False)
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(fd) or real(fd))
    LocalBackend(tmp_path / "store").put("packs/b", b"x")
    assert len(synced) == 4  # root's parent, root, file, packs


def test_without_fsync_nothing_is_synced(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: pytest.fail("synced"))
    backend = LocalBackend(tmp_path / "store", fsync=False)
    assert not backend.capabilities.durable
    backend.put("packs/a", b"x")
    version = backend.put_if_absent("packs/b", b"x")
    version = backend.put_if_version("packs/b", b"y", version)
    assert backend.delete_if_version("packs/b", version)


def test_a_file_system_that_syncs_no_folders_is_taken_as_it_is(store, monkeypatch):
    store.put("packs/a", b"x")
    real = os.fsync

    def fsync(fd):
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put("packs/a", b"y")
    assert store.get("packs/a") == b"y"


# Versions, tokens, locks.


def test_a_version_from_a_listing_guards_no_swap(store):
    store.put("refs/a", b"x")
    entry = store.head("refs/a")
    with pytest.raises(InvalidInput) as caught:
        store.put_if_version("refs/a", b"y", entry.version)
    assert caught.value.kind == "weak-version"
    assert store.get("refs/a") == b"x"


def test_a_token_is_given_only_when_the_folder_has_settled(store, monkeypatch):
    store.put("packs/a", b"x")
    assert store.listing_token("packs") is None
    later = clock.wall_ms() + 2_500
    monkeypatch.setattr(clock, "wall_ms", lambda: later)
    first = store.listing_token("packs")
    assert first is not None
    assert store.listing_token("packs") == first
    assert store.get("packs/a") == b"x"
    assert store.listing_token("packs/") == first
    time.sleep(0.02)  # over one tick of the file system's clock, which is at most 10 ms here
    store.put("packs/b", b"x")
    later += 10_000
    assert store.listing_token("packs") not in (None, first)


def test_a_folder_from_the_future_gets_no_token(store):
    store.put("packs/a", b"x")
    ahead = clock.wall_seconds() + 3600
    os.utime(store.root / "packs", (ahead, ahead))
    assert store.listing_token("packs") is None


def test_where_there_are_no_hard_links_one_creator_wins_all_the_same(tmp_path, refuse):
    refuse("link", errno.EPERM)
    backend = LocalBackend(tmp_path / "store", fsync=False)
    suite = TestLocal()
    suite.test_put_if_absent_leaves_what_is_there(backend)
    suite.test_of_many_creators_one_wins(backend)
    assert backend.temporaries() == []


def test_where_there_are_no_locks_a_swap_is_refused(store, monkeypatch):
    version = store.put_if_absent("refs/a", b"x")

    def flock(fd, what):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    for call in (
        lambda: store.put_if_version("refs/a", b"y", version),
        lambda: store.delete_if_version("refs/a", version),
    ):
        with pytest.raises(BackendUnavailable) as caught:
            call()
        assert caught.value.kind == "no-swap"
    assert store.get("refs/a") == b"x"


def test_without_fcntl_the_capability_is_not_declared(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    backend = LocalBackend(tmp_path / "store")
    assert backend.capabilities.create
    assert not backend.capabilities.swap
    version = backend.put_if_absent("refs/a", b"x")
    with pytest.raises(BackendUnavailable) as caught:
        backend.put_if_version("refs/a", b"y", version)
    assert caught.value.kind == "no-swap"


def test_more_folders_than_handles(tmp_path, monkeypatch, ls):
    monkeypatch.setattr(folders, "MAX_HELD", 4)
    backend = LocalBackend(tmp_path / "store", fsync=False)
    before = len(ls(HANDLES)) if HANDLES.exists() else None
    keys = [f"objects/{number:02x}/x" for number in range(40)]
    threads = [
        threading.Thread(target=lambda: [backend.put(key, key.encode()) for key in keys])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.key for entry in backend.list("")] == keys
    assert all(backend.get(key) == key.encode() for key in keys)
    if before is not None:
        assert len(ls(HANDLES)) <= before + 4
        backend.close()
        assert len(ls(HANDLES)) == before
    backend.close()
    assert backend.get(keys[0]) == keys[0].encode()  # a closed one opens again

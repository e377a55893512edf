import errno
import multiprocessing
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from graven import clock
from graven.backends import folders, local, open_backend
from graven.backends.folders import Folders
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, Corrupt, InvalidInput, NotFound
from graven.testing.suites import BackendSuite

HANDLES = Path("/proc/self/fd")
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


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
        return without_handles(tmp_path / "store")


def without_handles(root):
    backend = LocalBackend(root)
    backend._folders = Folders(str(backend.root), handles=False)
    had = backend.capabilities
    backend.capabilities = type(had)(had.create, False, had.durable, had.trusted_clock)
    return backend


@pytest.fixture
def store(tmp_path):
    backend = LocalBackend(tmp_path / "store")
    yield backend
    backend.close()


@pytest.fixture(params=[LocalBackend, without_handles], ids=["handles", "paths"])
def either(request, tmp_path):
    return request.param(tmp_path / "store")


def ls(folder):
    return sorted(path.name for path in folder.iterdir())


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
        ("s3://bucket/x", "unknown-scheme"),
        ("zip://x.zip", "unknown-scheme"),
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


# Faults of the system.


def refuse(monkeypatch, name, code, when=lambda *_: True):
    real = getattr(os, name)

    def call(*args, **more):
        if when(*args):
            raise OSError(code, os.strerror(code))
        return real(*args, **more)

    monkeypatch.setattr(os, name, call)


FAULTS = [
    ("write", errno.ENOSPC, "disk-full"),
    ("write", errno.EDQUOT, "disk-full"),
    ("write", errno.EIO, "io-error"),
    ("fsync", errno.EIO, "io-error"),
    ("fsync", errno.ENOSPC, "disk-full"),
    ("open", errno.EROFS, "denied"),
    ("open", errno.EACCES, "denied"),
    ("open", errno.EMFILE, "too-many-files"),
    ("open", errno.ENOENT, "gone"),
]


@pytest.mark.parametrize(("call", "code", "kind"), FAULTS)
@pytest.mark.parametrize("method", ["put", "put_if_absent", "put_if_version"])
def test_a_fault_in_a_write_changes_nothing_and_leaves_nothing(
    store, monkeypatch, method, call, code, kind
):
    version = store.put_if_absent("packs/old", b"old")
    writing = (lambda name, flags, *_: flags & os.O_CREAT) if call == "open" else (lambda *_: True)
    with monkeypatch.context() as patch:
        refuse(patch, call, code, writing)
        with pytest.raises(BackendUnavailable) as caught:
            if method == "put":
                store.put("packs/old", b"new")
            elif method == "put_if_absent":
                store.put_if_absent("packs/new", b"new")
            else:
                store.put_if_version("packs/old", b"new", version)
    assert caught.value.kind == kind
    assert str(store.root / "packs") in str(caught.value)
    assert caught.value.__cause__.errno == code
    assert store.get("packs/old") == b"old"
    assert ls(store.root / "packs") == ["old"]
    store.put("packs/new", b"new")  # and goes on when the fault is mended


@pytest.mark.parametrize(
    ("call", "code", "kind"),
    [("replace", errno.EACCES, "denied"), ("replace", errno.EIO, "io-error")],
)
def test_a_fault_at_the_rename_removes_the_temporary_file(store, monkeypatch, call, code, kind):
    store.put("packs/old", b"old")
    with monkeypatch.context() as patch:
        refuse(patch, call, code)
        with pytest.raises(BackendUnavailable) as caught:
            store.put("packs/old", b"new")
    assert caught.value.kind == kind
    assert ls(store.root / "packs") == ["old"]


def test_an_interrupt_removes_the_temporary_file(store, monkeypatch):
    store.put("packs/old", b"old")

    def fsync(fd):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(KeyboardInterrupt):
            store.put("packs/old", b"new")
    assert ls(store.root / "packs") == ["old"]
    assert store.get("packs/old") == b"old"


def test_a_body_that_the_system_takes_in_bites_arrives_whole(store, monkeypatch):
    real_write, real_read = os.write, os.read
    monkeypatch.setattr(os, "write", lambda fd, data: real_write(fd, bytes(data[:7])))
    monkeypatch.setattr(os, "read", lambda fd, count: real_read(fd, min(count, 5)))
    body = bytes(range(256))
    store.put("packs/a", body)
    assert store.get("packs/a") == body
    assert store.get_range("packs/a", 10, 100) == body[10:110]
    assert store.get_tail("packs/a", 20) == (body[-20:], 256)


def test_a_body_that_shrinks_while_it_is_read_comes_short_not_endless(store, monkeypatch):
    store.put("packs/a", b"0123456789")
    real = os.fstat

    class Longer:
        def __init__(self, found):
            self.st_mode, self.st_size = found.st_mode, found.st_size + 100
            self.st_dev, self.st_ino = found.st_dev, found.st_ino

    monkeypatch.setattr(os, "fstat", lambda fd: Longer(real(fd)))
    assert store.get("packs/a") == b"0123456789"


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit of file sizes here")
def test_a_real_limit_of_the_system_is_a_full_disk(tmp_path):
    program = """
import resource, signal, sys
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
backend = LocalBackend(sys.argv[1])
backend.put("packs/small", b"x" * 1000)
try:
    backend.put("packs/small", b"y" * 1_000_000)
except BackendUnavailable as error:
    print(error.kind)
print(backend.names("packs"), backend.temporaries(), backend.get("packs/small") == b"x" * 1000)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "disk-full\n['small'] [] True\n"


@pytest.mark.skipif(IS_ROOT, reason="root may write into read-only folders")
def test_a_folder_without_permission_is_denied(store):
    store.put("packs/a", b"x")
    (store.root / "packs").chmod(0o500)
    try:
        with pytest.raises(BackendUnavailable) as caught:
            store.put("packs/b", b"x")
        assert caught.value.kind == "denied"
        assert caught.value.hint
        assert store.get("packs/a") == b"x"
    finally:
        (store.root / "packs").chmod(0o700)


def test_faults_of_reading_are_told_in_our_words(store, monkeypatch):
    store.put("packs/a", b"x")
    for call, code, kind in (
        ("open", errno.EACCES, "denied"),
        ("read", errno.EIO, "io-error"),
        ("scandir", errno.EACCES, "denied"),
        ("stat", errno.EACCES, "denied"),
    ):
        for use in (
            lambda: store.get("packs/a"),
            lambda: store.names("packs"),
            lambda: store.head("packs/a"),
        ):
            with monkeypatch.context() as patch:
                refuse(patch, call, code)
                try:
                    use()
                except BackendUnavailable as error:
                    assert error.kind == kind


def test_a_file_where_a_folder_has_to_be(either):
    either.put("packs", b"a file")
    with pytest.raises(InvalidInput) as caught:
        either.put("packs/a", b"x")
    assert caught.value.kind == "not-a-file"
    either.put("refs/a", b"x")
    for write in (
        lambda: either.put("refs", b"x"),
        lambda: either.put_if_absent("refs", b"x"),
    ):
        with pytest.raises(InvalidInput) as caught:
            write()
        assert caught.value.kind == "not-a-file"
    assert either.temporaries() == []


# Links and other strangers.


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


def test_where_there_are_no_hard_links_one_creator_wins_all_the_same(tmp_path, monkeypatch):
    refuse(monkeypatch, "link", errno.EPERM)
    backend = LocalBackend(tmp_path / "store", fsync=False)
    suite = TestLocal()
    suite.test_put_if_absent_leaves_what_is_there(backend)
    suite.test_of_many_creators_one_wins(backend)
    assert backend.temporaries() == []


def test_where_there_are_no_locks_a_swap_is_refused(store, monkeypatch):
    version = store.put_if_absent("refs/a", b"x")

    def flock(fd, what):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(local.fcntl, "flock", flock)
    for call in (
        lambda: store.put_if_version("refs/a", b"y", version),
        lambda: store.delete_if_version("refs/a", version),
    ):
        with pytest.raises(BackendUnavailable) as caught:
            call()
        assert caught.value.kind == "no-swap"
    assert store.get("refs/a") == b"x"


def test_without_fcntl_the_capability_is_not_declared(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "fcntl", None)
    backend = LocalBackend(tmp_path / "store")
    assert backend.capabilities.create
    assert not backend.capabilities.swap
    version = backend.put_if_absent("refs/a", b"x")
    with pytest.raises(BackendUnavailable) as caught:
        backend.put_if_version("refs/a", b"y", version)
    assert caught.value.kind == "no-swap"


def test_more_folders_than_handles(tmp_path, monkeypatch):
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


# Processes.


def add_many(root, count):
    backend = LocalBackend(root)
    for _ in range(count):
        while True:
            body, version = backend.get_with_version("refs/n")
            if backend.put_if_version("refs/n", b"%d" % (int(body) + 1), version):
                break


@pytest.mark.skipif(local.fcntl is None, reason="no compare-and-swap on this system")
def test_eight_processes_count_to_four_hundred(store):
    store.put("refs/n", b"0")
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=add_many, args=(str(store.root), 50)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert store.get("refs/n") == b"400"
    assert store.temporaries() == []


@pytest.mark.skipif(local.fcntl is None, reason="no compare-and-swap on this system")
def test_a_lock_dies_with_its_process(store):
    version = store.put_if_absent("refs/a", b"x")
    program = """
import sys, time
from graven.backends.local import LocalBackend
backend = LocalBackend(sys.argv[1])
with backend._locked(backend._folders.find("refs")):
    print("locked", flush=True)
    time.sleep(600)
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(store.root)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "locked\n"
        swapped = []
        waiter = threading.Thread(
            target=lambda: swapped.append(store.put_if_version("refs/a", b"y", version))
        )
        waiter.start()
        waiter.join(0.2)
        assert waiter.is_alive()  # it is a lock
        holder.send_signal(signal.SIGKILL)
        waiter.join(30)
    assert swapped[0] is not None
    assert ls(store.root / "refs") == ["a"]


WRITER = """
import sys
from graven.backends.local import LocalBackend
backend = LocalBackend(sys.argv[1])
number = 0
while True:
    body = (b"%d " % number) * 20_000
    backend.put("packs/same", body)
    backend.put_if_absent(f"packs/{number}", body)
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
def test_a_killed_writer_leaves_whole_files_and_all_it_acknowledged(store, delay):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE, text=True
    )
    with writer:
        writer.stdout.readline()
        time.sleep(delay)  # only varies where the writer is hit
        writer.kill()
        acknowledged = [0, *(int(line) for line in writer.stdout if line.endswith("\n"))]
    for name in store.names("packs"):
        number = int(name) if name != "same" else int(store.get("packs/same").split(b" ")[0])
        assert store.get(f"packs/{name}") == (b"%d " % number) * 20_000
    assert {str(number) for number in acknowledged} <= set(store.names("packs"))
    assert len(store.temporaries()) <= 1

import errno
import os
import resource
import subprocess
import sys

import pytest

from graven.errors import BackendUnavailable, InvalidInput

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
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
    store, monkeypatch, method, call, code, kind, refuse, ls
):
    version = store.put_if_absent("packs/old", b"old")
    writing = (lambda name, flags, *_: flags & os.O_CREAT) if call == "open" else (lambda *_: True)
    with monkeypatch.context() as patch:
        refuse(call, code, writing, patch=patch)
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
def test_a_fault_at_the_rename_removes_the_temporary_file(
    store, monkeypatch, call, code, kind, refuse, ls
):
    store.put("packs/old", b"old")
    with monkeypatch.context() as patch:
        refuse(call, code, patch=patch)
        with pytest.raises(BackendUnavailable) as caught:
            store.put("packs/old", b"new")
    assert caught.value.kind == kind
    assert ls(store.root / "packs") == ["old"]


def test_an_interrupt_removes_the_temporary_file(store, monkeypatch, ls):
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


def test_faults_of_reading_are_told_in_our_words(store, monkeypatch, refuse):
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
                refuse(call, code, patch=patch)
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

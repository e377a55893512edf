"""Which file system a folder lies on, read from the system's list of mounts."""

import os

import pytest

from graven.backends.findings import Outcome
from graven.backends.mounts import MOUNTS_FILE, Mount, find_mount
from graven.backends.probe_disk import leaving_no_folders, look_at_mount, probe_disk

LIST = r"""
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:30 / /home rw,relatime shared:4 - btrfs /dev/sdb rw
31 30 0:31 / /home/me/bench rw,relatime - nfs4 server:/export rw,vers=4.2,hard
32 30 0:32 / /home/me/a\040space rw - fuse.sshfs me@host: rw,user_id=0
33 30 0:33 / /home/me/bench rw,relatime - cifs //server/share rw,nobrl
34 22 0:34 / /odd rw
not a line
"""


@pytest.fixture
def find(tmp_path):
    file = tmp_path / "mountinfo"
    file.write_text(LIST)
    return lambda path: find_mount(path, str(file))


@pytest.mark.parametrize(
    ("path", "kind", "point"),
    [
        ("/tmp-not-there/x", "ext4", "/"),
        ("/homes/x", "ext4", "/"),
        ("/home", "btrfs", "/home"),
        ("/home/other/deep/folder", "btrfs", "/home"),
        ("/home/me/bench/store", "cifs", "/home/me/bench"),
        ("/home/me/a space/x", "fuse.sshfs", "/home/me/a space"),
        ("/odd", "ext4", "/"),
    ],
)
def test_the_longest_and_latest_mount_counts(find, path, kind, point):
    mount = find(path)
    assert (mount.kind, mount.point) == (kind, point)


def test_options_of_the_mount_and_of_the_file_system_are_kept(find):
    assert {"rw", "nobrl", "relatime"} <= find("/home/me/bench").options


def test_a_system_that_does_not_tell(tmp_path):
    assert find_mount("/", str(tmp_path / "none")) is None


@pytest.mark.skipif(not os.path.exists(MOUNTS_FILE), reason="no list of mounts on this system")
def test_this_systems_own_list_is_read():
    assert find_mount("/") is not None


@pytest.mark.parametrize(
    ("kind", "options", "outcome", "word"),
    [
        ("ext4", "rw", Outcome.OK, "ext4"),
        ("nfs4", "rw,vers=4.2", Outcome.NOTED, "NFS 4"),
        ("nfs", "rw,vers=3", Outcome.NOTED, "lockd"),
        ("nfs", "rw,nolock", Outcome.WRONG, "'nolock'"),
        ("nfs", "rw,local_lock=all", Outcome.WRONG, "on this machine only"),
        ("cifs", "rw,nobrl", Outcome.WRONG, "'nobrl'"),
        ("cifs", "rw", Outcome.NOTED, "SMB"),
        ("9p", "rw", Outcome.NOTED, "host"),
        ("fuse.sshfs", "rw", Outcome.NOTED, "program"),
        ("tmpfs", "rw", Outcome.NOTED, "memory"),
        ("overlay", "rw", Outcome.NOTED, "container"),
        ("vfat", "rw", Outcome.NOTED, "FAT"),
    ],
)
def test_what_is_worth_knowing_of_a_file_system_is_said(tmp_path, kind, options, outcome, word):
    mount = Mount(kind, "source", "/mnt", frozenset(options.split(",")))
    first, space = look_at_mount(str(tmp_path / "not" / "there"), mount)
    assert (first.name, first.outcome) == ("file-system", outcome)
    assert word in first.words
    assert space.name == "space"
    assert "GiB free" in space.words


def test_a_good_disk_passes_and_stays_clean(tmp_path):
    found = {finding.name: finding.outcome for finding in probe_disk(str(tmp_path))}
    assert found.pop("hard-link") in (Outcome.OK, Outcome.NOTED)
    assert found == dict.fromkeys(("lock", "rename", "sync"), Outcome.OK)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_lock_that_excludes_nobody_is_found(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", lambda handle, how: None)
    (lock,) = (finding for finding in probe_disk(str(tmp_path)) if finding.name == "lock")
    assert lock.outcome is Outcome.WRONG
    assert "lose updates" in lock.words


def failing(*_args, **_more):
    raise OSError(95, "Operation not supported")


@pytest.mark.parametrize(
    ("function", "name", "outcome"),
    [
        ("link", "hard-link", Outcome.NOTED),
        ("replace", "rename", Outcome.WRONG),
        ("fsync", "sync", Outcome.WRONG),
        ("makedirs", "folder", Outcome.WRONG),
    ],
)
def test_what_does_not_work_is_found(tmp_path, monkeypatch, function, name, outcome):
    with monkeypatch.context() as patch:
        patch.setattr(os, function, failing)
        found = {finding.name: finding for finding in probe_disk(str(tmp_path))}
    assert found[name].outcome is outcome


def test_folders_of_the_probe_go_and_others_stay(tmp_path):
    root = tmp_path / "a" / "b"
    with leaving_no_folders(str(root)):
        probe_disk(str(root))
    assert list(tmp_path.iterdir()) == []
    (root / "probe" / "mine").mkdir(parents=True)
    (root / "probe" / "mine" / "file").write_text("x")
    with leaving_no_folders(str(root)):
        probe_disk(str(root))
    assert (root / "probe" / "mine" / "file").exists()
    assert len(list((root / "probe").iterdir())) == 1

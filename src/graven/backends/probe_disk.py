"""What a local folder's file system can be relied on for: locks, links, syncs, space."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from graven.backends import locks
from graven.backends.findings import Finding, Outcome
from graven.backends.mounts import Mount, find_mount
from graven.backends.probe import PROBE_FOLDER, Answer
from graven.ids import new_nonce

LOW_BYTES = 1024**3
GIB = 1024**3

_NETWORK = (
    "other machines see a change late, and a lock holds among them only if the server keeps it"
)
# Kind of file system to what is worth knowing; a name that ends in "." stands for all such.
_WORTH_KNOWING = {
    "nfs": "NFS before version 4 locks by a service of its own (lockd), which must run",
    "nfs4": "NFS 4 locks by itself; " + _NETWORK,
    "cifs": "SMB; " + _NETWORK,
    "smb3": "SMB; " + _NETWORK,
    "smbfs": "SMB; " + _NETWORK,
    "9p": "a folder of the host of this virtual machine; locks may not reach the host",
    "virtiofs": "a folder of the host of this virtual machine; locks may not reach the host",
    "vboxsf": "a folder of the host of this virtual machine; locks do not reach the host",
    "afs": "AFS; " + _NETWORK,
    "ceph": "CephFS; " + _NETWORK,
    "lustre": "Lustre; locks need the mount option 'flock'",
    "fuse.": "a program stands behind it: locks and syncs are as good as that program's",
    "fuseblk": "a program stands behind it: locks and syncs are as good as that program's",
    "tmpfs": "in memory: gone when the machine stops",
    "ramfs": "in memory: gone when the machine stops",
    "overlay": "a container's own layer: gone with the container",
    "vfat": "FAT: no links, times of two seconds, no journal",
    "msdos": "FAT: no links, times of two seconds, no journal",
    "exfat": "exFAT: no links, no journal",
}
# Mount options with which locks stay on this machine, so that two machines lose updates.
_LOCAL_LOCKS = frozenset(["nolock", "local_lock=all", "local_lock=flock", "nobrl", "localflock"])
_SHARED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre")


def look_at_mount(root: str, mount: Mount | None = None) -> list[Finding]:
    """The file system's kind and what it means, and the space left. Writes nothing."""
    mount = mount or find_mount(root)
    return [_finding("file-system", _kind(mount)), _finding("space", _space(root))]


def probe_disk(root: str) -> list[Finding]:
    """Try locks, links, renames and syncs in a folder under ``probe/``, and remove it again."""
    folder = os.path.join(root, PROBE_FOLDER, new_nonce())
    questions: dict[str, Callable[[str], Answer]] = {
        "lock": _lock,
        "hard-link": _hard_link,
        "rename": _rename,
        "sync": _sync,
    }
    found = []
    try:
        os.makedirs(folder)
        for name, question in questions.items():
            try:
                found.append(_finding(name, question(folder)))
            except OSError as fault:
                said = (fault.strerror or str(fault)).lower()
                found.append(Finding(name, Outcome.WRONG, f"does not work here: {said}"))
    except OSError as fault:
        said = (fault.strerror or str(fault)).lower()
        found.append(Finding("folder", Outcome.WRONG, f"no folder can be made: {said}"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


@contextmanager
def leaving_no_folders(root: str) -> Iterator[None]:
    """Afterwards the folders that a probe made are gone again, as far as they are empty."""
    missing = []
    above = root
    while above and not os.path.lexists(above):
        missing.append(above)
        above = os.path.dirname(above)
    try:
        yield
    finally:
        probes = os.path.join(root, PROBE_FOLDER.rstrip("/"))
        inside: list[str] = []
        with suppress(OSError):  # there is none
            inside = [os.path.join(probes, name) for name in os.listdir(probes)]
        for folder in (*inside, probes, *missing):
            with suppress(OSError):  # not empty: somebody else's
                os.rmdir(folder)


def _finding(name: str, answer: Answer) -> Finding:
    return Finding(name, *answer)


def _kind(mount: Mount | None) -> Answer:
    if mount is None:
        return Outcome.NOTED, "this system does not tell which file system it is"
    words = f"{mount.kind}, mounted at {mount.point}"
    local = sorted(_LOCAL_LOCKS & mount.options)
    if local and mount.kind in _SHARED:
        return Outcome.WRONG, (
            f"{words} with {local[0]!r}: locks hold on this machine only, others lose updates"
        )
    kind = "fuse." if mount.kind.startswith("fuse.") else mount.kind
    known = _WORTH_KNOWING.get(kind)
    return (Outcome.NOTED, f"{words}: {known}") if known else (Outcome.OK, words)


def _space(root: str) -> Answer:
    above = root
    while not os.path.exists(above) and os.path.dirname(above) != above:
        above = os.path.dirname(above)
    try:
        free = shutil.disk_usage(above).free
    except OSError as fault:
        return Outcome.NOTED, f"free space is not told: {(fault.strerror or str(fault)).lower()}"
    words = f"{free / GIB:,.1f} GiB free"
    return (Outcome.OK if free >= LOW_BYTES else Outcome.NOTED), words


def _lock(folder: str) -> Answer:
    if not locks.available():
        return Outcome.CANNOT, "this system has no locks on folders"
    if not locks.excludes(folder):
        return Outcome.WRONG, "two hold one lock at once: writers of one baseline lose updates"
    return Outcome.OK, "a lock that one holds keeps another out (on this machine)"


def _hard_link(folder: str) -> Answer:
    source = _file(folder, "linked")
    try:
        os.link(source, source + "2")
    except OSError:
        return Outcome.NOTED, "none here: a lock stands in for them"
    return Outcome.OK, "a name is taken by one of many, with no lock"


def _rename(folder: str) -> Answer:
    new, old = _file(folder, "new"), _file(folder, "old")
    with open(old, "rb") as reader:
        os.replace(new, old)
        kept = reader.read() == b"old"
    with open(old, "rb") as reader:
        replaced = reader.read() == b"new"
    if not (kept and replaced):
        return Outcome.WRONG, "a file that is renamed onto another is not whole for its readers"
    return Outcome.OK, "a file takes another's place, and who reads the old one reads on"


def _sync(folder: str) -> Answer:
    with open(_file(folder, "synced"), "rb+") as file:
        os.fsync(file.fileno())
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return Outcome.OK, "accepted for files and folders; whether the disk keeps it cannot be seen"


def _file(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(name.encode())
    return path

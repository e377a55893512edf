"""Which file system a folder lies on, where the system tells (Linux)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

MOUNTS_FILE = "/proc/self/mountinfo"
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system.

    Attributes:
        kind: ``ext4``, ``nfs4``, ``fuse.sshfs`` ...
        source: device or server, as mounted.
        point: the folder where it is mounted.
        options: of the mount and of the file system.
    """

    kind: str
    source: str
    point: str
    options: frozenset[str]


def find_mount(path: str, mounts_file: str = MOUNTS_FILE) -> Mount | None:
    """The mount that a path lies on (it need not be there); None where nobody tells."""
    try:
        with open(mounts_file, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    place = os.path.realpath(path)
    found: Mount | None = None
    for line in lines:
        mount = _parse(line)
        # Of several at one point the last lies on top.
        if mount and _holds(mount.point, place):
            found = mount if found is None or len(mount.point) >= len(found.point) else found
    return found


def _holds(point: str, place: str) -> bool:
    return place == point or place.startswith(point.rstrip("/") + "/")


def _parse(line: str) -> Mount | None:
    """One line: ``36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/sda1 rw``."""
    before, dash, after = line.partition(" - ")
    head, tail = before.split(), after.split()
    if not dash or len(head) < 6 or len(tail) < 2:
        return None
    options = {*head[5].split(","), *(tail[2].split(",") if len(tail) > 2 else ())}
    return Mount(tail[0], _plain(tail[1]), _plain(head[4]), frozenset(options))


def _plain(word: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), word)

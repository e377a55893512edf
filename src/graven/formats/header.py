"""The rows of a pack's metadata region: ref updates and the headers of runs."""

from __future__ import annotations

from typing import Any

import msgspec

from graven.ids import is_hex


class Header(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What listing needs of a run, carried by its ref update.

    ``timestamp`` is microseconds since 1970 UTC; ``commit`` is raw bytes where it is a
    full hexadecimal hash (half the size), else text.
    """

    timestamp: int
    branch: str | None
    commit: Any  # bytes | str | None: a union that msgspec does not take
    experiment: str | None
    status: str
    origin: str
    points: int
    group: str | None


class Update(msgspec.Struct, array_like=True, frozen=True):
    """One journaled ref update.

    Attributes:
        name: the ref (``runs/<id>``, ``runs/<id>/artifacts/<name>``).
        delay: stamp minus the section's base stamp.
        target: ordinal in this pack's index, or the id of an object elsewhere, or None:
            a tombstone.
        floor: highest tombstone stamp ever seen for the run; 0 if none.
        header: for ``runs/<id>`` that is not deleted.
        note: circumstance that stays out of the hashed run (who, where from, when).
    """

    name: str
    delay: int
    target: int | bytes | None
    floor: int = 0
    header: Header | None = None
    note: dict[str, Any] | None = None


class UpdateSection(msgspec.Struct, array_like=True, frozen=True):
    """First part of the metadata region: ``[version, writer, base, updates]``.

    A pack that carries what others wrote (a push, a repack) goes on with ``others``, their
    ids joined, and ``owners``, for each update 0 for ``writer`` or the number of another
    from 1. Both are left out where all updates are of one writer.
    """

    version: int
    writer: bytes
    base: int
    updates: list[Update]
    others: bytes = b""
    owners: list[int] | None = None

    def writers(self) -> list[bytes]:
        """The writer of each update."""
        if self.owners is None:
            return [self.writer] * len(self.updates)
        size = len(self.writer)
        known = [self.writer] + [
            self.others[i : i + size] for i in range(0, len(self.others), size)
        ]
        return [known[owner] for owner in self.owners]


class OwnUpdateSection(msgspec.Struct, array_like=True, frozen=True):
    """As `UpdateSection`, of one writer: what nearly all packs have."""

    version: int
    writer: bytes
    base: int
    updates: list[Update]


class FrameRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a frame lies: ``offset`` is that of its header from the start of the pack."""

    offset: int
    codec: int
    count: int
    raw: int
    stored: int


class IndexSection(msgspec.Struct, array_like=True, frozen=True):
    """Second part of the metadata region: frames, then the objects in order.

    ``ids`` joins the 32-byte ids, ``kinds`` has a byte an object, ``lengths`` an integer
    each. The objects of a frame follow each other after its table of contents.
    """

    version: int
    frames: list[FrameRow]
    ids: bytes
    kinds: bytes
    lengths: list[int]


def shrink_commit(commit: str | None) -> bytes | str | None:
    """A full hexadecimal hash (SHA-1, SHA-256) as raw bytes, all else as it is."""
    if commit is not None and len(commit) in (40, 64) and is_hex(commit):
        return bytes.fromhex(commit)
    return commit


def grow_commit(commit: bytes | str | None) -> str | None:
    """The inverse of `shrink_commit`."""
    return commit.hex() if isinstance(commit, bytes) else commit

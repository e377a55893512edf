"""Loose objects: files that hold one object each, hashed piece by piece."""

from __future__ import annotations

from collections.abc import Set

from graven.backends.base import Backend
from graven.errors import Corrupt, NotFound
from graven.formats import layout
from graven.formats.envelope import BLOB
from graven.ids import new_hasher
from graven.objects.loose import read_pieces
from graven.store.checking.packs import Fault
from graven.store.checking.report import FsckReport
from graven.store.checking.scratch import Scratch

_BATCH = 10_000


def check_loose(
    backend: Backend, scratch: Scratch, report: FsckReport, chosen: Set[str] | None
) -> list[Fault]:
    """Take in which loose objects there are, and hash those that are chosen.

    Args:
        backend: the store's files.
        scratch: learns what is there.
        report: counts; names strangers.
        chosen: keys to read whole; None: all.

    Returns:
        What is wrong.
    """
    faults: list[Fault] = []
    held: list[tuple[bytes, str]] = []
    for entry in backend.list(layout.OBJECTS):
        object_id = layout.parse_loose_key(entry.key)
        if object_id is None:
            if layout.classify(entry.key) is layout.FileKind.STRANGER:
                report.garbage.append(f"{entry.key}: not a name of graven's")
            continue
        report.loose += 1
        held.append((object_id, BLOB))
        if len(held) >= _BATCH:
            scratch.hold(held)
            held = []
        if chosen is None or entry.key in chosen:
            what = _fault(backend, entry.key, entry.size, object_id, report)
            if what is not None:
                faults.append(Fault(entry.key, what, object_id, BLOB))
    scratch.hold(held)
    return faults


def _fault(
    backend: Backend, key: str, size: int, object_id: bytes, report: FsckReport
) -> str | None:
    hasher = new_hasher()
    try:
        for piece in read_pieces(backend, key, size):
            hasher.update(piece)
            report.bytes_read += len(piece)
    except NotFound:
        return None  # deleted since the listing
    except Corrupt as error:
        return error.message
    return None if hasher.digest() == object_id else "does not match its name"

"""A store in one zip file: made from a store or a part of it, checked, looked into."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graven.backends.archive import ArchiveBackend
from graven.backends.archive_writer import write_archive
from graven.backends.local import LocalBackend
from graven.errors import Conflict
from graven.formats import layout
from graven.store import Store
from graven.store.fsck import FsckReport
from graven.store.opening import write_store_file
from graven.sync.difference import Selection
from graven.sync.transfer import SyncReport, transfer

_KINDS = (layout.STORE_FILE, layout.CONFIG_FILE, layout.PACKS, layout.OBJECTS, layout.REFS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReport:
    """An archive: its path, its size in bytes, and what went into it."""

    path: str
    size: int
    sent: SyncReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"path": self.path, "size": self.size, **self.sent.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a check of an archive found.

    ``members`` is how many files it has, ``broken`` why some of them cannot be read or
    do not match the archive's checksum, ``fsck`` what the check of the store in it found.
    """

    members: int
    broken: dict[str, str]
    fsck: FsckReport

    @property
    def sound(self) -> bool:
        """True if nothing is wrong."""
        return not self.broken and not self.fsck.damage

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"members": self.members, "broken": self.broken, "fsck": self.fsck.to_dict()}


def create_bundle(
    source: Store,
    path: str | os.PathLike[str],
    *,
    selection: Selection | None = None,
    force: bool = False,
) -> BundleReport:
    """Write an archive: the store in few packs, with its baselines, tags and settings.

    Args:
        source: what to archive.
        path: the zip file; written beside its place and renamed when it is whole.
        selection: which runs; tombstones always go along.
        force: replace a file that is there.

    Raises:
        Conflict: there is such a file, and not ``force``.
    """
    target = os.path.abspath(path)
    if os.path.exists(target) and not force:
        raise Conflict(
            f"{target} exists already", kind="file-exists", hint="use --force to replace it"
        )
    folder = tempfile.mkdtemp(prefix=".tmp-bundle-", dir=os.path.dirname(target))
    try:
        backend = LocalBackend(folder, fsync=False)
        write_store_file(backend, source.file, exclusive=True)
        copy = Store(folder, create=False, durable=False, views="none")
        sent = transfer(source, copy, selection)
        if source.config.to_dict():
            backend.put(layout.CONFIG_FILE, source.config.to_bytes())
        copy.close()
        write_archive(target, _members(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return BundleReport(path=target, size=os.path.getsize(target), sent=sent)


def verify_bundle(path: str | os.PathLike[str]) -> VerifyReport:
    """Check every byte of an archive, and the store in it.

    Raises:
        NotFound, InvalidInput, Corrupt: no archive, or one that cannot be opened.
    """
    backend = ArchiveBackend(path)
    broken = {}
    members = 0
    for key, error in backend.verify():
        members += 1
        if error is not None:
            broken[key] = error.message
    store = Store(backend.url, create=False, readonly=True, backend=backend)
    return VerifyReport(members=members, broken=broken, fsck=store.fsck("full", strict=True))


def _members(folder: str) -> Iterator[tuple[str, Path]]:
    """store.json first: who opens the archive in place looks for it."""
    keys = [entry.key for entry in LocalBackend(folder).list("")]
    wanted = [key for key in keys if key.startswith(_KINDS)]
    for key in sorted(wanted, key=lambda key: (key != layout.STORE_FILE, key)):
        yield key, Path(folder, key)

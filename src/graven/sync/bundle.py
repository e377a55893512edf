"""A store in one zip file: made from a store or a part of it, checked, looked into."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from graven.backends.archive.backend import ArchiveBackend
from graven.backends.archive.writer import sync_folder, write_archive
from graven.backends.local import LocalBackend
from graven.backends.oserrors import translated
from graven.catalog.questions import BranchSpan, branch_spans
from graven.errors import Conflict, Corrupt, NotFound
from graven.formats import layout
from graven.store import Store
from graven.store.fsck import FsckReport
from graven.store.opening import write_store_file
from graven.store.pointers import Pointers
from graven.sync.difference import ExactRuns, Selection
from graven.sync.leftovers import work_folder
from graven.sync.remotes import check_selection, list_remotes
from graven.sync.transfer import Progress, SyncReport, transfer

_KINDS = (
    layout.STORE_FILE,
    layout.CONFIG_FILE,
    layout.LOCAL_FILE,
    layout.PACKS,
    layout.OBJECTS,
    layout.REFS,
)
_WORK = ".tmp-bundle-"

Check = Callable[[str], object]
"""Looks at an archive, by its path, before it gets its name; raises if it must not."""


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
    do not match the archive's checksum, ``fsck`` what the check of the store in it found
    (None where it could not be opened).
    """

    path: str
    size: int
    members: int
    broken: dict[str, str]
    fsck: FsckReport | None

    @property
    def sound(self) -> bool:
        """True if nothing is wrong."""
        return not self.broken and self.fsck is not None and self.fsck.ok

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "path": self.path,
            "size": self.size,
            "sound": self.sound,
            "members": self.members,
            "broken": self.broken,
            "fsck": None if self.fsck is None else self.fsck.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What an archive holds; ``branches`` by number of runs, pointers as name to run id.

    ``partial`` is what it was taken from and with: the store itself may have been a part.
    """

    path: str
    size: int
    store_id: str
    runs: int
    deleted: int
    attachments: int
    first: datetime | None
    last: datetime | None
    branches: tuple[BranchSpan, ...]
    baselines: dict[str, str]
    tags: dict[str, str]
    partial: tuple[Selection, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in ("first", "last"):
            record[name] = None if record[name] is None else record[name].isoformat()
        record["branches"] = [{"branch": b.branch, "runs": b.runs} for b in self.branches]
        record["partial"] = [selection._asdict() for selection in self.partial]
        return record


def create_bundle(
    source: Store,
    path: str | os.PathLike[str],
    *,
    selection: Selection | ExactRuns | None = None,
    force: bool = False,
    progress: Progress | None = None,
    check: Check | None = None,
) -> BundleReport:
    """Write an archive: the store in few packs, with its baselines, tags and settings.

    What cannot be read is left out, and named in the report.

    Args:
        source: what to archive.
        path: the zip file; written beside its place and renamed when it is whole.
        selection: which runs; tombstones always go along.
        force: replace a file that is there.
        progress: told after each pack.
        check: called with the finished file before it takes its place; may raise.

    Raises:
        Conflict: there is such a file, and not ``force``. NotFound: no such folder.
    """
    target = os.path.abspath(path)
    if not os.path.isdir(os.path.dirname(target)):
        raise NotFound(f"no folder {os.path.dirname(target)!r}", kind="folder-missing", file=target)
    if os.path.lexists(target) and not force:
        raise Conflict(
            f"{target} exists already", kind="file-exists", hint="use --force to replace it"
        )
    place = os.path.realpath(target)
    parent = os.path.dirname(place)
    with translated(target, "write"), work_folder(parent, _WORK) as work:
        folder = os.path.join(work, "store")
        sent = _copy(source, folder, selection, progress)
        made = os.path.join(work, "made.zip")
        write_archive(made, _members(folder))
        if check is not None:
            check(made)
        os.replace(made, place)
        sync_folder(parent)
    return BundleReport(path=target, size=os.path.getsize(target), sent=sent)


def _copy(
    source: Store, folder: str, selection: Selection | ExactRuns | None, progress: Progress | None
) -> SyncReport:
    backend = LocalBackend(folder, fsync=False)
    write_store_file(backend, source.file, exclusive=True)
    copy = Store(folder, create=False, durable=False, views="none")
    sent = transfer(source, copy, selection, progress=progress)
    if source.config.to_dict():
        backend.put(layout.CONFIG_FILE, source.config.to_bytes())
    parts = [remote.selection for remote in list_remotes(source) if not remote.selection.whole]
    if isinstance(selection, Selection) and not selection.whole:
        parts.append(selection)
    if parts:
        record = {"remotes": {}, "partial": [part._asdict() for part in parts]}
        backend.put(layout.LOCAL_FILE, json.dumps(record, indent=2).encode() + b"\n")
    copy.close()
    return sent


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
    try:
        fsck = _open(backend).fsck("full", strict=True)
    except Corrupt as error:
        if not broken:
            raise
        broken.setdefault(layout.STORE_FILE, error.message)
        fsck = None
    return VerifyReport(
        path=backend.path,
        size=os.path.getsize(backend.path),
        members=members,
        broken=broken,
        fsck=fsck,
    )


def list_bundle(path: str | os.PathLike[str]) -> Contents:
    """What an archive holds, from its metadata.

    Raises:
        NotFound, InvalidInput, Corrupt: no archive, or one that cannot be opened.
    """
    backend = ArchiveBackend(path)
    store = _open(backend)
    counts = store.stats()
    spans = store.parts.index.ask(branch_spans)
    return Contents(
        path=backend.path,
        size=os.path.getsize(backend.path),
        store_id=store.store_id,
        runs=counts.runs,
        deleted=counts.deleted_runs,
        attachments=counts.attachments,
        first=min((span.first for span in spans), default=None),
        last=max((span.last for span in spans), default=None),
        branches=tuple(spans),
        baselines=_runs_of(store.baselines),
        tags=_runs_of(store.tags),
        partial=_parts(backend),
    )


def _parts(backend: ArchiveBackend) -> tuple[Selection, ...]:
    """What the archive says that it is a part of."""
    try:
        records = json.loads(backend.get(layout.LOCAL_FILE))["partial"]
        found = tuple(Selection(**record) for record in records)
        for part in found:
            check_selection(part)
    except NotFound:
        return ()
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise Corrupt(
            f"{layout.LOCAL_FILE} of {backend.path} is damaged: {error}", kind="bad-local-file"
        ) from None
    return found


def _open(backend: ArchiveBackend) -> Store:
    return Store(backend.url, create=False, readonly=True, backend=backend)


def _runs_of(pointers: Pointers) -> dict[str, str]:
    found = {}
    for name, value in pointers.entries().items():
        if isinstance(value, Corrupt):
            raise value
        if value.run is not None:
            found[name] = value.run
    return found


def _members(folder: str) -> Iterator[tuple[str, Path]]:
    """store.json first: who opens the archive in place looks for it."""
    keys = [entry.key for entry in LocalBackend(folder).list("")]
    wanted = [key for key in keys if key.startswith(_KINDS)]
    for key in sorted(wanted, key=lambda key: (key != layout.STORE_FILE, key)):
        yield key, Path(folder, key)

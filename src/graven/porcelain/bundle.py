"""Stores in one zip file: made, checked, looked into."""

from __future__ import annotations

import os

from graven.store import Store
from graven.sync import bundle
from graven.sync.bundle import BundleReport, Contents, VerifyReport
from graven.sync.difference import Selection
from graven.sync.transfer import Progress


def create_bundle(
    store: Store,
    path: str | os.PathLike[str],
    *,
    selection: Selection | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> BundleReport:
    """Write an archive of a store, or of some of its runs.

    Raises:
        Conflict: there is such a file, and not ``force``. NotFound: no such folder.
    """
    return bundle.create_bundle(store, path, selection=selection, force=force, progress=progress)


def verify_bundle(path: str | os.PathLike[str]) -> VerifyReport:
    """Check every byte of an archive; damage is an answer, not an error.

    Raises:
        NotFound, InvalidInput, Corrupt: no archive, or one that cannot be opened.
    """
    return bundle.verify_bundle(path)


def list_bundle(path: str | os.PathLike[str]) -> Contents:
    """What an archive holds.

    Raises:
        NotFound, InvalidInput, Corrupt: no archive, or one that cannot be opened.
    """
    return bundle.list_bundle(path)

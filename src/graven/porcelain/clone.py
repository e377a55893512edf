"""A local copy of another store, or of a part of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graven.errors import BackendUnavailable, InvalidInput
from graven.porcelain.pull import show_selection
from graven.porcelain.remote import refuse_offline
from graven.sync.cloning import clone as _clone
from graven.sync.difference import Selection
from graven.sync.remotes import Remote
from graven.sync.transfer import Progress, SyncReport

STORE_FOLDER = ".graven"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneReport:
    """The store that was made, and what came into it."""

    path: str
    url: str
    store_id: str
    selection: Selection
    received: SyncReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "path": self.path,
            "url": self.url,
            "store_id": self.store_id,
            "partial": None if self.selection.whole else show_selection(self.selection),
            "received": self.received.to_dict(),
        }


def place_of_clone(url: str, folder: str | None = None) -> str:
    """Where the store of a clone goes: ``.graven`` in the folder, or the folder itself.

    The folder itself, if its name ends in ``.graven``. Without a folder it is called as
    the last part of the URL is, ``.graven`` and ``.zip`` taken off.

    Raises:
        InvalidInput: the URL has no part that could be a name.
    """
    if folder is None:
        _, separator, rest = url.partition("://")
        path = rest if separator else os.path.abspath(url).replace(os.sep, "/")
        names = [part for part in path.split("/") if part]
        while names and names[-1] == STORE_FOLDER:
            names.pop()
        folder = names[-1] if names else ""
        for ending in (STORE_FOLDER, ".zip"):
            folder = folder.removesuffix(ending)
        if not folder or folder in (".", ".."):
            raise InvalidInput(
                f"{url} has no name for a folder",
                kind="no-name",
                hint="name the folder after it",
                field="folder",
            )
    if os.path.basename(os.path.normpath(folder)).endswith(STORE_FOLDER):
        return folder
    return os.path.join(folder, STORE_FOLDER)


def clone(
    url: str,
    path: str,
    *,
    selection: Selection | None = None,
    keep_options: Mapping[str, Any] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> CloneReport:
    """Make a local store at ``path`` with the runs of another, its remote ``origin``.

    Args:
        url: what to clone.
        path: where to; see `place_of_clone`.
        selection: which runs; `pull` keeps to it later.
        keep_options: storage options that are kept with the remote: no secrets.
        storage_options: those of the environment.
        offline: refuse what needs the network.
        progress: told after each pack.
        options: what else `Store` takes, for the clone.

    Raises:
        NotFound: no store at ``url``. Conflict: ``path`` holds something else.
        BackendUnavailable: it broke off; the same call goes on with it.
    """
    refuse_offline(Remote(name="", url=url), offline=offline)
    try:
        store, received = _clone(
            url,
            path,
            selection=selection,
            storage_options=keep_options,
            environment=storage_options,
            progress=progress,
            **options,
        )
    except BackendUnavailable as error:
        if not os.path.exists(path):
            raise
        raise BackendUnavailable(
            error.message,
            kind=error.kind,
            hint="what has come stays; the same command goes on from there",
            **error.fields,
        ) from error
    return CloneReport(
        path=str(store.path),
        url=url,
        store_id=store.store_id,
        selection=selection or Selection(),
        received=received,
    )

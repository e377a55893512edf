"""A new local store from another one, whole or in part; begun anew, it goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from graven.backends.local import LocalBackend
from graven.errors import Conflict, InvalidInput
from graven.store import Store
from graven.store.opening import write_store_file
from graven.sync.difference import Selection
from graven.sync.remotes import DEFAULT_NAME, Remote, add_remote, list_remotes, open_remote
from graven.sync.transfer import Progress, SyncReport, transfer


def clone(
    url: str,
    folder: str | os.PathLike[str],
    *,
    selection: Selection | None = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> tuple[Store, SyncReport]:
    """Make a local store with the runs of another, which becomes its remote ``origin``.

    Both have one store id: they are copies. A clone that broke off is gone on with by
    the same call.

    Args:
        url: what to clone.
        folder: where to; new, empty, or a clone of the same store that was begun.
        selection: which runs; `pull` keeps to it later.
        storage_options: as for `Store`; kept for later, so without secrets.
        progress: told after each pack.

    Raises:
        NotFound: no store at ``url``. Conflict: ``folder`` holds something else.
    """
    remote = Remote(
        name=DEFAULT_NAME,
        url=url if "://" in url else os.path.abspath(url),
        storage_options=storage_options or {},
        selection=selection or Selection(),
    )
    source = open_remote(remote, readonly=True)
    target = _prepare(source, remote, os.fspath(folder))
    return target, transfer(source, target, remote.selection, progress=progress)


def _prepare(source: Store, remote: Remote, folder: str) -> Store:
    backend = LocalBackend(folder)
    if backend.url == source.url:
        raise InvalidInput(f"{folder} is the store itself", kind="same-store", field="folder")
    if os.path.isdir(folder) and os.listdir(folder):
        return _go_on(source, remote, folder)
    write_store_file(backend, source.file, exclusive=True)
    target = Store(folder, create=False)
    add_remote(target, remote)
    return target


def _go_on(source: Store, remote: Remote, folder: str) -> Store:
    target = Store(folder, create=False) if os.path.exists(f"{folder}/store.json") else None
    if target is None or target.store_id != source.store_id:
        raise Conflict(
            f"{folder} is not empty", kind="folder-taken", hint="clone into a new folder"
        )
    known = list_remotes(target)
    if not known:
        add_remote(target, remote)  # it broke off before this
    elif remote not in known:
        raise Conflict(
            f"{folder} is a clone already, of {known[0].url} or of another part",
            kind="folder-taken",
            hint="use 'graven pull' there, or clone into a new folder",
        )
    return target

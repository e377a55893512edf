"""A new local store from another one, whole or in part; begun anew, it goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graven.backends.local import LocalBackend
from graven.errors import Conflict, InvalidInput
from graven.formats import layout
from graven.store import Store
from graven.store.opening import write_store_file
from graven.sync.difference import Selection
from graven.sync.remotes import (
    DEFAULT_NAME,
    Remote,
    add_remote,
    check_remote,
    full_url,
    list_remotes,
    open_remote,
)
from graven.sync.transfer import Progress, SyncReport, transfer


def clone(
    url: str,
    folder: str | os.PathLike[str],
    *,
    selection: Selection | None = None,
    storage_options: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> tuple[Store, SyncReport]:
    """Make a local store with the runs of another, which becomes its remote ``origin``.

    Both have one store id: they are copies. The settings (config.json) come along once. A
    clone that broke off is gone on with by the same call.

    Args:
        url: what to clone.
        folder: where to; new, empty, or a clone of the same store that was begun.
        selection: which runs; `pull` keeps to it later.
        storage_options: as for `Store`; kept for later, so without secrets.
        environment: storage options that are not kept.
        progress: told after each pack.
        options: what else `Store` takes, for the clone.

    Raises:
        NotFound: no store at ``url``. Conflict: ``folder`` holds something else.
        InvalidInput: a secret among what is kept.
    """
    remote = Remote(
        name=DEFAULT_NAME,
        url=full_url(url),
        storage_options=storage_options or {},
        selection=selection or Selection(),
    )
    check_remote(remote)
    source = open_remote(remote, readonly=True, storage_options=environment)
    target, remote = _prepare(source, remote, os.fspath(folder), options)
    return target, transfer(source, target, remote.selection, progress=progress)


def _prepare(
    source: Store, remote: Remote, folder: str, options: Mapping[str, Any]
) -> tuple[Store, Remote]:
    backend = LocalBackend(folder)
    if backend.url == source.url:
        raise InvalidInput(f"{folder} is the store itself", kind="same-store", field="folder")
    if _holds_something(folder):
        return _go_on(source, remote, folder, options)
    write_store_file(backend, source.file, exclusive=True)
    _copy_settings(source, backend)
    target = Store(folder, create=False, **options)
    add_remote(target, remote)
    return target, remote


def _holds_something(folder: str) -> bool:
    """Temporary files do not count: a clone that was killed at its very start leaves one."""
    if not os.path.lexists(folder):
        return False
    if not os.path.isdir(folder):
        return True
    return any(not name.startswith(layout.TEMPORARY_PREFIX) for name in os.listdir(folder))


def _copy_settings(source: Store, backend: LocalBackend) -> None:
    if source.config.to_dict() and backend.head(layout.CONFIG_FILE) is None:
        backend.put(layout.CONFIG_FILE, source.config.to_bytes())


def _go_on(
    source: Store, remote: Remote, folder: str, options: Mapping[str, Any]
) -> tuple[Store, Remote]:
    is_store = os.path.exists(os.path.join(folder, layout.STORE_FILE))
    target = Store(folder, create=False, **options) if is_store else None
    if target is None or target.store_id != source.store_id:
        raise Conflict(
            f"{folder} is not empty", kind="folder-taken", hint="clone into a new folder"
        )
    known = next((r for r in list_remotes(target) if r.name == DEFAULT_NAME), None)
    if known is None:  # it broke off before this
        _copy_settings(source, LocalBackend(folder))
        add_remote(target, remote)
        return target, remote
    if not _is_same(known, remote):
        raise Conflict(
            f"{folder} is a clone already, of {known.url} or of another part",
            kind="folder-taken",
            hint="use 'graven pull' there, or clone into a new folder",
        )
    return target, known


def _is_same(known: Remote, asked: Remote) -> bool:
    """True if a clone is the one that is asked for.

    Two moments "since" are one: "7d" means another each time, and the first one stands.
    """
    if known.selection.since is not None and asked.selection.since is not None:
        asked = replace(asked, selection=asked.selection._replace(since=known.selection.since))
    return known == asked

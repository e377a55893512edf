"""Opening a store: the backend with what surrounds it, and store.json."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from graven import clock
from graven.backends import open_backend
from graven.backends.base import Backend
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, Conflict, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.storefile import (
    StoreFile,
    decode_store_file,
    encode_store_file,
    new_store_file,
)

if TYPE_CHECKING:
    from graven.client.folder import ClientFolder

_ATTEMPTS = 8
TRUST_SECONDS = 24 * 3600.0
"""For so long a client believes the store.json that it has seen: the file never changes,
and a store that was deleted is found out by its first listing."""


UNREACHABLE = frozenset({"unreachable", "timeout", "busy"})
"""Kinds of `BackendUnavailable` that say nothing of the store: the network, or the service."""


class Place(NamedTuple):
    """A backend, and where this machine keeps what it reads there (None: it is near)."""

    backend: Backend
    client: ClientFolder | None


def open_place(
    url: str | os.PathLike[str],
    *,
    backend: Backend | None = None,
    readonly: bool = False,
    durable: bool = True,
    storage_options: Mapping[str, Any] | None = None,
    offline: bool = False,
    cache_dir: str | None = None,
) -> Place:
    """The backend for a URL; a remote one remembers what it reads of settings and refs.

    Nothing is asked of the place yet.
    """
    if backend is None:
        backend = open_backend(url, readonly=readonly, storage_options=storage_options)
    if not durable and isinstance(backend, LocalBackend):
        backend = LocalBackend(backend.root, fsync=False, readonly=readonly)
    if not backend.remote:
        return Place(backend, None)
    from graven.client.folder import ClientFolder
    from graven.client.remembering import OfflineBackend, RememberingBackend

    client = ClientFolder(backend.place or backend.url, cache_dir)
    if offline:
        return Place(OfflineBackend(backend.url, backend.place, client.memo), client)
    return Place(RememberingBackend(backend, client.memo), client)


def open_store_file(place: Place, *, create: bool) -> StoreFile:
    """What store.json says; a remote one is fetched once a day.

    Raises:
        NotFound: there is no store, and ``create`` is False.
    """
    backend = place.backend
    where = f"{backend.url}/{layout.STORE_FILE}"
    seen = place.client.memo.recall(layout.STORE_FILE) if place.client is not None else None
    if seen is not None and seen.data is not None and 0 <= seen.age < TRUST_SECONDS:
        return decode_store_file(seen.data, where)
    try:
        return decode_store_file(backend.get(layout.STORE_FILE), where)
    except BackendUnavailable as error:
        if seen is None or seen.data is None or error.kind not in UNREACHABLE:
            raise
        return decode_store_file(seen.data, where)  # old, but it never changes
    except NotFound:
        if not create:
            raise _no_store(backend) from None
    return create_store(backend)


def check_still_the_same(place: Place, known: StoreFile) -> None:
    """Fetch store.json again, since packs have vanished.

    Raises:
        NotFound: there is no store any more. BackendUnavailable: it is another one.
    """
    backend = place.backend
    if not backend.remote:
        return
    where = f"{backend.url}/{layout.STORE_FILE}"
    try:
        found = decode_store_file(backend.get(layout.STORE_FILE), where)
    except NotFound:
        raise _no_store(backend) from None
    if found.store_id != known.store_id:
        raise BackendUnavailable(
            f"{backend.url} holds another store than before",
            kind="store-replaced",
            hint="open it again",
            url=backend.url,
        )


def create_store(backend: Backend, *, exclusive: bool = False) -> StoreFile:
    """Write store.json; of several who do so at once one wins, and all open its store.

    Raises:
        Conflict: there is a store already, and ``exclusive`` was asked for.
    """
    now = clock.now().isoformat(timespec="seconds")
    made = new_store_file(now, settings=False)
    return write_store_file(backend, made, exclusive=exclusive)


def write_store_file(backend: Backend, made: StoreFile, *, exclusive: bool) -> StoreFile:
    """As `create_store`, with a store.json that has been made: a clone keeps the id."""
    if not backend.remote:
        made = made._replace(settings=True)  # a look costs nothing there
    data = encode_store_file(made)
    if backend.capabilities.create:
        if backend.put_if_absent(layout.STORE_FILE, data) is not None:
            return made
    elif backend.head(layout.STORE_FILE) is None:
        # No service to choose between two who do this at once: the later write stays.
        backend.put(layout.STORE_FILE, data)
    found = decode_store_file(backend.get(layout.STORE_FILE), layout.STORE_FILE)
    # Ours, if the answer to our write was lost on the way.
    if exclusive and found.store_id != made.store_id:
        raise Conflict(
            f"there is a graven store at {backend.url} already",
            kind="store-exists",
            hint="use it as it is",
            url=backend.url,
        )
    return found


def tell_of_settings(backend: Backend) -> None:
    """Say in store.json that there may be a config.json from now on."""
    where = f"{backend.url}/{layout.STORE_FILE}"
    for _ in range(_ATTEMPTS):
        data, version = backend.get_with_version(layout.STORE_FILE)
        found = decode_store_file(data, where)
        if found.settings:
            return
        text = encode_store_file(found._replace(settings=True))
        if not backend.capabilities.swap:
            backend.put(layout.STORE_FILE, text)
            return
        if backend.put_if_version(layout.STORE_FILE, text, version) is not None:
            return
    raise Conflict(f"{where} kept changing", kind="store-file-moved", hint="try again")


def check_views(word: str | None) -> str | None:
    """Accept a setting of views.

    Raises:
        InvalidInput: neither ``all`` nor ``none``.
    """
    if word not in (None, "all", "none"):
        raise InvalidInput(
            f"views must be 'all' or 'none', not {word!r}", kind="bad-setting", field="views"
        )
    return word


def _no_store(backend: Backend) -> NotFound:
    archive = backend.url.startswith("zip:")
    return NotFound(
        f"no graven store at {backend.url}",
        kind="store-missing",
        hint="'graven bundle create' makes one" if archive else "'graven init' makes one",
        url=backend.url,
    )

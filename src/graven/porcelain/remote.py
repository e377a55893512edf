"""Names for other stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graven.errors import InvalidInput
from graven.store import Store
from graven.sync.remotes import Remote, find_remote, full_url
from graven.sync.remotes import add_remote as _add
from graven.sync.remotes import list_remotes as _list
from graven.sync.remotes import remove_remote as _remove


def list_remotes(store: Store) -> list[Remote]:
    """All remotes of a store, by name."""
    return _list(store)


def add_remote(
    store: Store,
    name: str,
    url: str,
    *,
    storage_options: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Remote:
    """Name another store; it need not be there yet.

    Raises:
        InvalidInput: a bad name, a secret in URL or options, or the store itself.
        Conflict: the name is taken, and not ``force``.
    """
    remote = Remote(name=name, url=full_url(url), storage_options=storage_options or {})
    _add(store, remote, force=force)
    return remote


def remove_remote(store: Store, name: str) -> Remote:
    """Forget a remote; what came from it stays.

    Raises:
        NotFound: there is none of that name.
    """
    remote = find_remote(store, name)
    _remove(store, name)
    return remote


def refuse_offline(remote: Remote, *, offline: bool) -> None:
    """Refuse to talk to a store over the network where that was forbidden.

    Raises:
        InvalidInput: kind ``offline``.
    """
    scheme, separator, _ = remote.url.partition("://")
    if offline and separator and scheme not in ("file", "zip", "memory"):
        raise InvalidInput(
            f"{remote.url} needs the network, and --offline forbids it",
            kind="offline",
            hint="leave --offline and GRAVEN_OFFLINE away",
            url=remote.url,
        )

"""Rebuild the catalog."""

from __future__ import annotations

from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.store.care import ReindexReport
from graven.sync.remotes import Remote


def reindex(store: Store) -> ReindexReport:
    """Throw the catalog away and build it from packs and refs alone.

    Raises:
        InvalidInput: offline, where the catalog is all that is known of them.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    return store.reindex()

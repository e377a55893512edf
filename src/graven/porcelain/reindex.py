"""Rebuild the catalog."""

from __future__ import annotations

from graven.store import Store
from graven.store.care import ReindexReport


def reindex(store: Store) -> ReindexReport:
    """Throw the catalog away and build it from packs and refs alone."""
    return store.reindex()

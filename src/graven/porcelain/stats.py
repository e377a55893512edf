"""Counts and sizes."""

from __future__ import annotations

from graven.store import Store
from graven.store.care import StoreStats


def stats(store: Store) -> StoreStats:
    """How many runs, objects and packs there are, and how many bytes they take."""
    return store.stats()

"""Tensors of runs, by batch, layer and key."""

from __future__ import annotations

from graven.store.tables import TableStore


class TensorStore(TableStore):
    """A store's tensors."""

"""Tables of runs: Arrow in, a dataset over all runs out."""

from __future__ import annotations

from graven.store.recording import RecordingStore


class TableStore(RecordingStore):
    """A store's tables."""

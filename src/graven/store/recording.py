"""Structured records: results and derived metrics of runs, manifests of experiments, scopes."""

from __future__ import annotations

from graven.store.attaching import AttachingStore


class RecordingStore(AttachingStore):
    """A store's structured records."""

"""What is kept beside a run: artifacts and logs, as bytes, files and folders."""

from __future__ import annotations

from graven.store.writing import WritingStore


class AttachingStore(WritingStore):
    """A store's attachments."""

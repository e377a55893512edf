"""Make a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import graven


@dataclass(frozen=True, slots=True, kw_only=True)
class InitReport:
    """The store that was made."""

    url: str
    store_id: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"url": self.url, "store_id": self.store_id}


def init(url: str, *, storage_options: Mapping[str, Any] | None = None) -> InitReport:
    """Make a new, empty store at ``url``, a folder or a bucket.

    Raises:
        Conflict: there is one already.
    """
    store = graven.init(url, storage_options=storage_options)
    return InitReport(url=store.url, store_id=store.store_id)

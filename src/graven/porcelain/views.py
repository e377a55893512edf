"""Write the readable views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.sync.remotes import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsReport:
    """How many views there are now, and where."""

    views: int
    folder: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"views": self.views, "folder": self.folder}


def write_views(store: Store) -> ViewsReport:
    """Write every run's view in ``runs/`` anew, and remove those of runs that are gone."""
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    return ViewsReport(views=store.write_views(), folder=f"{store.url.rstrip('/')}/runs")

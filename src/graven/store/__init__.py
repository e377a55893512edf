"""The store: what people open. Composes backend, objects, refs, catalog and views.

base       opens it and holds its parts        session    packs, stamps, group commit
reading    questions                           index      the catalog, kept fresh
writing    changes                             revisions  what a revision means
plumbing   objects, refs, packs                pointers   baselines and tags
care       reindex, views, fsck, statistics    config     shared settings
"""

from __future__ import annotations

import os

from graven.backends import open_backend
from graven.store.base import GravenWarning, create_store
from graven.store.care import Store

__all__ = ["GravenWarning", "Store", "init", "open"]


def open(  # graven.open, as the builtin is for files
    url: str | os.PathLike[str], create: bool = False, readonly: bool = False
) -> Store:
    """Open a store.

    Raises:
        NotFound: there is none at ``url``, and ``create`` is False.
        FormatTooNew: it was made by a newer graven.
    """
    return Store(url, create=create, readonly=readonly)


def init(url: str | os.PathLike[str]) -> Store:
    """Make a new store and open it.

    Raises:
        Conflict: there is one at ``url`` already.
    """
    create_store(open_backend(url), exclusive=True)
    return Store(url, create=False)

"""The store: what people open. Composes backend, objects, refs, catalog and views.

base       holds its parts                     session    packs, stamps, group commit
reading    questions                           index      the catalog, kept fresh
writing    changes                             revisions  what a revision means
plumbing   objects, refs, packs                pointers   baselines and tags
care       reindex, views, fsck, statistics    config     shared settings
opening    backend, client folder, store.json
"""

from __future__ import annotations

import os
from typing import Any

from graven.backends import open_backend
from graven.errors import GravenWarning, QueuedWarning
from graven.store.care import Store
from graven.store.opening import create_store

__all__ = ["GravenWarning", "QueuedWarning", "Store", "init", "open"]


def open(  # graven.open, as the builtin is for files
    url: str | os.PathLike[str], create: bool = False, readonly: bool = False, **options: Any
) -> Store:
    """Open a store.

    Args:
        url: a folder, or a bucket such as ``s3://team-bench/project``.
        create: make it if there is none.
        readonly: refuse every write.
        options: what else `Store` takes (``storage_options``, ``offline`` ...).

    Raises:
        NotFound: there is none at ``url``, and ``create`` is False.
        FormatTooNew: it was made by a newer graven.
    """
    return Store(url, create=create, readonly=readonly, **options)


def init(url: str | os.PathLike[str], **options: Any) -> Store:
    """Make a new store and open it; ``options`` as for `open`.

    Raises:
        Conflict: there is one at ``url`` already.
    """
    backend = options.get("backend")
    if backend is None:
        backend = open_backend(url, storage_options=options.get("storage_options"))
    create_store(backend, exclusive=True)
    return Store(url, create=False, **options)

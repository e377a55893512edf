"""Check a store for damage."""

from __future__ import annotations

from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.store.fsck import FsckReport
from graven.sync.remotes import Remote


def fsck(store: Store, *, full: bool = False, strict: bool = False) -> FsckReport:
    """Look at everything and report what is wrong; damage is an answer, not an error.

    Args:
        store: what to check; nothing in it is changed.
        full: read every byte, not only names and metadata.
        strict: check that objects have their canonical form too; means ``full``.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    return store.fsck("full" if full or strict else "quick", strict=strict)

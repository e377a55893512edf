"""Check a store for damage, and heal it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.store.fsck import FsckReport
from graven.sync.remotes import Remote, find_or_name, open_remote
from graven.upkeep import repair as upkeep
from graven.upkeep.repair import RepairReport


def fsck(
    store: Store, *, full: bool = False, strict: bool = False, sample: float | None = None
) -> FsckReport:
    """Look at everything and report what is wrong; damage is an answer, not an error.

    Args:
        store: what to check; nothing in it is changed.
        full: read every byte, not only names and metadata.
        strict: check that objects have their canonical form too; means ``full``, where
            there is no ``sample``.
        sample: read that share of the bytes, above 0 and up to 1, going on where the last
            call stopped.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    if sample is not None:
        return store.fsck("sample", strict=strict, share=sample)
    return store.fsck("full" if full or strict else "quick", strict=strict)


def repair(
    store: Store,
    remote: str | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
    offline: bool = False,
    **options: Any,
) -> RepairReport:
    """Heal a store from what it holds itself, and from another one if it is named.

    Args:
        store: is checked whole, and written to.
        remote: a name, URL, folder or archive; None: no other store.
        storage_options: of the environment; the remote's own go before.
        offline: refuse what needs the network.
        options: what else `Store` takes, for the remote.

    Raises:
        NotFound: no such remote, or no store at its URL.
        BackendUnavailable: a place failed; what was written until then is sound.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    if remote is None:
        return upkeep.repair(store)
    found = find_or_name(store, remote)
    refuse_offline(found, offline=offline)
    source = open_remote(found, readonly=True, storage_options=storage_options, **options)
    try:
        return upkeep.repair(store, source, selection=found.selection)
    finally:
        source.close()

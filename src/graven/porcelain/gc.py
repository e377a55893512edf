"""Delete what nobody needs, in two visits."""

from __future__ import annotations

from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.sync.remotes import Remote
from graven.upkeep.gc import GcReport


def gc(store: Store, *, dry_run: bool = False, grace_seconds: int | None = None) -> GcReport:
    """Carry out the plans whose grace is over, and condemn what nobody needs now.

    Args:
        store: where.
        dry_run: change nothing, say what would be condemned.
        grace_seconds: a longer grace than the store's own.

    Raises:
        InvalidInput: a shorter one. Corrupt: what is dead cannot be proven.
        BackendUnavailable: the place failed, is read-only, or tells no time.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    return store.gc(dry_run=dry_run, grace_seconds=grace_seconds)

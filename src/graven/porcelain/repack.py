"""Merge small packs into large ones, when asked or when there are many."""

from __future__ import annotations

from graven.errors import InvalidInput
from graven.formats import layout
from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.sync.remotes import Remote
from graven.upkeep.repack import RepackReport

DEFAULT_AUTO = 1000
"""Small packs from which on they are merged without being asked; 0 in the settings: never."""


def repack(
    store: Store, *, level: int | None = None, every: bool = False, auto: bool = False
) -> RepackReport | None:
    """Merge the small packs of a store; None if ``auto`` and there are few.

    Args:
        store: where.
        level: of zstd, 1 to 19.
        every: take large packs too.
        auto: only above the threshold of the settings (``repack.auto``).

    Raises:
        InvalidInput: no such level. BackendUnavailable: the place failed, is read-only, or
            tells no time.
    """
    refuse_offline(Remote(name="", url=store.url), offline=store.offline)
    if auto and not is_due(store):
        return None
    return store.repack(level=level, every=every)


def is_due(store: Store) -> bool:
    """Whether there are so many small packs that they are merged without being asked."""
    from graven.upkeep.listing import look_over
    from graven.upkeep.repack import small_packs
    from graven.upkeep.sweep import has_work

    threshold = auto_threshold(store)
    if threshold == 0:
        return False
    listing = look_over(store.parts.backend, settled=False)
    return len(small_packs(listing)) >= threshold or has_work(listing, store.grace_seconds)


def many_packs(store: Store) -> bool:
    """A guess at `is_due` that costs next to nothing: all packs are counted, and no request."""
    threshold = auto_threshold(store)
    if threshold == 0:
        return False
    backend = store.parts.backend
    if backend.remote:
        row = store.parts.index.look(lambda catalog: catalog.one("SELECT count(*) FROM pack"))
        return row is not None and int(row[0]) >= threshold
    names = backend.names(layout.PACKS)
    return sum(name.endswith(".pack") for name in names) >= threshold


def auto_threshold(store: Store) -> int:
    """What the settings say of ``repack.auto``.

    Raises:
        InvalidInput: it is no number.
    """
    found = store.settings_for_writing().get("repack.auto", DEFAULT_AUTO)
    if type(found) is not int or found < 0:
        raise InvalidInput(
            f"setting repack.auto is no number of packs: {found!r}",
            kind="bad-setting",
            hint="0 means never",
            field="repack.auto",
        )
    return found

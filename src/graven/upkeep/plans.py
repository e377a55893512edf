"""Writing plans: what is condemned from now on, for all writers to see."""

from __future__ import annotations

import re

from graven.backends.base import Backend
from graven.errors import BackendUnavailable, Corrupt, NotFound
from graven.formats import layout
from graven.formats.plan import (
    MAX_GRACE_SECONDS,
    MAX_PLAN_BYTES,
    UNKNOWN,
    Plan,
    encode_plan,
    split_plan,
)
from graven.ids import new_nonce
from graven.store.condemned import read_plans

_LOOKED_AT = MAX_PLAN_BYTES + 1
YOUNG_MS = 3_600_000
"""A pack without updates is let alone for so long: its transaction may be under way."""


def condemn(backend: Backend, plan: Plan) -> list[str]:
    """Write a plan, as several if it is long; returns the file names.

    Raises:
        BackendUnavailable: not written.
    """
    names = []
    for part in split_plan(plan):
        name = layout.plan_name(new_nonce())
        _create(backend, layout.PACKS + name, encode_plan(part))
        names.append(name)
    return names


def replace_unreadable(backend: Backend, grace_seconds: int) -> list[str]:
    """Put a plan for all that stands in the place of plans that are damaged.

    Nobody knows what those named, and a collector that has read one before may be deleting
    it now. So writers count on nothing that stands, as before, until the new plan was
    carried out; the question spares whatever is needed (docs/design/0012-garbage.md).

    Args:
        backend: the store's.
        grace_seconds: the store's own; more where a damaged plan still says so.

    Returns:
        The keys of the plans that are gone. Those of a newer graven are let alone, and
        those on a disk that gives an error.
    """
    names = backend.names(layout.PACKS)
    bad = [
        layout.PACKS + name
        for name, content in read_plans(backend, names)
        if isinstance(content, Corrupt) and content.kind == "bad-plan"
    ]
    if not bad:
        return []
    packs = tuple(sorted(name for name in names if layout.parse_pack_name(name) is not None))
    keys = (entry.key for entry in backend.list(layout.OBJECTS))
    loose = tuple(key for key in keys if layout.parse_loose_key(key) is not None)
    grace = max([grace_seconds, *(_stated_grace(backend, key) for key in bad)])
    condemn(backend, Plan(UNKNOWN, grace, packs, loose))
    for key in bad:
        backend.delete(key)
    return bad


def _stated_grace(backend: Backend, key: str) -> int:
    """The grace that can still be read of a damaged plan; 0 if none can."""
    found = re.search(rb'"grace_seconds": ?([0-9]{1,12})', backend.get_tail(key, _LOOKED_AT)[0])
    return min(int(found[1]), MAX_GRACE_SECONDS) if found else 0


def mark_done(backend: Backend, nonce: str) -> None:
    """Say that a plan was carried out; a second time is fine."""
    key = layout.PACKS + layout.plan_name(nonce, done=True)
    if backend.capabilities.create:
        backend.put_if_absent(key, b"")
    elif backend.head(key) is None:
        backend.put(key, b"")


def _create(backend: Backend, key: str, data: bytes) -> None:
    if not backend.capabilities.create:
        backend.put(key, data)  # nobody else has this name
        return
    if backend.put_if_absent(key, data) is not None:
        return
    # Ours, if the answer to a first attempt was lost on the way.
    try:
        if backend.get(key) == data:
            return
    except NotFound:
        pass  # refused, and not there: told below
    raise BackendUnavailable(f"plan {key} was not written", kind="not-written", hint="try again")

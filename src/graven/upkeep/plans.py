"""Writing plans: what is condemned from now on, for all writers to see."""

from __future__ import annotations

from graven.backends.base import Backend
from graven.errors import BackendUnavailable, NotFound
from graven.formats import layout
from graven.formats.plan import Plan, encode_plan, split_plan
from graven.ids import new_nonce

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

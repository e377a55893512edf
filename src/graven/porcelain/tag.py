"""Tags: names for runs that are meant to stay what they are."""

from __future__ import annotations

from graven.porcelain import pointers
from graven.porcelain.pointers import TAGS, Pointer
from graven.store import Store


def list_tags(store: Store) -> list[Pointer]:
    """All tags, sorted by name."""
    return pointers.list_pointers(store, TAGS)


def get_tag(store: Store, name: str) -> Pointer:
    """One tag. Raises NotFound."""
    return pointers.get_pointer(store, TAGS, name)


def set_tag(
    store: Store, rev: str, name: str, *, message: str = "", force: bool = False
) -> Pointer:
    """Tag the run of ``rev``. Raises NotFound; Conflict if the tag is set and not ``force``."""
    return pointers.set_pointer(store, TAGS, name, rev, message=message, force=force)


def remove_tag(store: Store, name: str) -> Pointer:
    """Unset a tag; its history stays. Raises NotFound."""
    return pointers.remove_pointer(store, TAGS, name)


def tag_history(store: Store, name: str) -> list[Pointer]:
    """All values of a tag, newest first. Raises NotFound."""
    return pointers.pointer_history(store, TAGS, name)

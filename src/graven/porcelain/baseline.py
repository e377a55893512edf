"""Baselines: names for the runs that others are judged by. They move, and keep their history."""

from __future__ import annotations

from graven.porcelain import pointers
from graven.porcelain.pointers import BASELINES, Pointer
from graven.store import Store

DEFAULT_NAME = "main"


def list_baselines(store: Store) -> list[Pointer]:
    """All baselines, sorted by name."""
    return pointers.list_pointers(store, BASELINES)


def get_baseline(store: Store, name: str = DEFAULT_NAME) -> Pointer:
    """One baseline. Raises NotFound."""
    return pointers.get_pointer(store, BASELINES, name)


def set_baseline(store: Store, rev: str, name: str = DEFAULT_NAME, *, message: str = "") -> Pointer:
    """Make the run of ``rev`` the baseline. Raises NotFound for the run."""
    return pointers.set_pointer(store, BASELINES, name, rev, message=message)


def remove_baseline(store: Store, name: str) -> Pointer:
    """Unset a baseline; its history stays. Raises NotFound."""
    return pointers.remove_pointer(store, BASELINES, name)


def baseline_history(store: Store, name: str = DEFAULT_NAME) -> list[Pointer]:
    """All values of a baseline, newest first. Raises NotFound."""
    return pointers.pointer_history(store, BASELINES, name)

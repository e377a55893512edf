"""All calls of a backend on one key, for tests that go through each of them."""

from __future__ import annotations

from collections.abc import Callable

from graven.backends.base import Backend


def reads(backend: Backend, key: str) -> list[Callable[[], object]]:
    """Every call that reads a body."""
    return [
        lambda: backend.get(key),
        lambda: backend.get_range(key, 0, 1),
        lambda: backend.get_ranges(key, [(0, 1)]),
        lambda: backend.get_tail(key, 1),
        lambda: backend.get_with_version(key),
    ]


def writes(backend: Backend, key: str) -> list[Callable[[], object]]:
    """Every other call that takes a key."""
    return [
        lambda: backend.head(key),
        lambda: backend.put(key, b"x"),
        lambda: backend.put_if_absent(key, b"x"),
        lambda: backend.put_if_version(key, b"x", "1"),
        lambda: backend.delete(key),
        lambda: backend.delete_if_version(key, "1"),
    ]

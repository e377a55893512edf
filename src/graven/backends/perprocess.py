"""Things that a fork would break: connections, locks, the thread of an event loop."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that is made on first use, and again in a process that was forked.

    Args:
        make: makes the value; called by one thread at a time.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._value: T | None = None
        self._lock = threading.Lock()
        _EVERY.add(self)

    def get(self) -> T:
        """The value of this process."""
        value = self._value
        if value is None:
            with self._lock:
                if self._value is None:
                    self._value = self._make()
                value = self._value
        return value

    def take(self) -> T | None:
        """The value of this process, to end it, if there is one; the next `get` makes another."""
        with self._lock:
            value, self._value = self._value, None
        return value

    def _leave_to_parent(self) -> None:
        # Kept, since even to let go of it would speak on the connections of the parent.
        _INHERITED.append(self._value)
        self._value = None
        self._lock = threading.Lock()  # another thread may have held it at the fork


_EVERY: weakref.WeakSet[PerProcess[Any]] = weakref.WeakSet()
_INHERITED: list[Any] = []


def _begin_anew() -> None:
    for one in _EVERY:
        one._leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)

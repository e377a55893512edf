"""Things that a fork would break: connections, locks, the thread of an event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that is made on first use, and again in a process that was forked.

    The parent's value stays untouched in the child: ending it there would speak on the
    parent's connections.

    Args:
        make: makes the value; called by one thread at a time.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}
        # By process as well: a lock that was held at the fork stays shut in the child.
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> T:
        """The value of this process."""
        process = os.getpid()
        if process not in self._made:
            with self._locks.setdefault(process, threading.Lock()):
                if process not in self._made:
                    self._made[process] = self._make()
        return self._made[process]

    def take(self) -> T | None:
        """The value of this process, to end it, if there is one; the next `get` makes another."""
        return self._made.pop(os.getpid(), None)

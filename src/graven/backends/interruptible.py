"""Calls that do not hear Ctrl-C, made in a thread of their own while the main thread waits.

Python tells of an interrupt in the main thread, and between two of its own steps only: a
library that waits for the network outside of Python keeps the person waiting with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar, cast

from graven.backends.perprocess import PerProcess

T = TypeVar("T")

_Jobs = SimpleQueue[Callable[[], None]]


def interruptible(call: Callable[[], T]) -> T:
    """What ``call`` returns or raises. An interrupt leaves it behind, wherever it stands."""
    if threading.current_thread() is not threading.main_thread():
        return call()
    done: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    _HELPER.get().put(lambda: done.put(_outcome(call)))
    try:
        value, error = done.get()
    except BaseException:
        _HELPER.take()  # it still waits; the next call has another
        raise
    try:
        if error is not None:
            raise error
        return cast(T, value)
    finally:
        del error  # it holds this frame by its traceback


def _outcome(call: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return call(), None
    except BaseException as error:
        return None, error


def _start() -> _Jobs:
    jobs: _Jobs = SimpleQueue()
    threading.Thread(target=_work, args=(jobs,), name="graven-main", daemon=True).start()
    return jobs


def _work(jobs: _Jobs) -> None:
    while True:
        jobs.get()()


_HELPER = PerProcess(_start)

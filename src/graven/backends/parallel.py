"""Several calls to a backend at once, in threads: each waits for the network, not for us."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from graven.backends.base import Backend

T = TypeVar("T")


def run_all(backend: Backend, calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of all calls, in their order; the first error (in that order) is raised.

    One after the other where the backend waits for nobody. An error does not stop the
    calls that have begun; those that have not are left out. An interrupt (Ctrl-C) waits for
    none: a server may be silent for a minute.
    """
    workers = min(backend.concurrency, len(calls))
    if workers <= 1:
        return [call() for call in calls]
    shared = _Shared(calls)
    # Daemons, which the end of the program does not wait for either.
    threads = [
        threading.Thread(target=shared.work, name=f"graven-{number}", daemon=True)
        for number in range(workers)
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        shared.stop()
    return shared.results()


class _Shared(Generic[T]):
    """Calls that several threads take one by one, and what came of them."""

    def __init__(self, calls: Sequence[Callable[[], T]]) -> None:
        self._calls = calls
        self._waiting = iter(range(len(calls)))
        self._lock = threading.Lock()
        self._stopped = False
        self._values: dict[int, T] = {}
        self._errors: dict[int, BaseException] = {}

    def work(self) -> None:
        while (number := self._next()) is not None:
            try:
                self._values[number] = self._calls[number]()
            except BaseException as error:
                self._errors[number] = error
                self.stop()

    def _next(self) -> int | None:
        with self._lock:
            return None if self._stopped else next(self._waiting, None)

    def stop(self) -> None:
        self._stopped = True

    def results(self) -> list[T]:
        if self._errors:  # what stands before it has begun before it, and ended
            raise self._errors[min(self._errors)]
        return [self._values[number] for number in range(len(self._calls))]

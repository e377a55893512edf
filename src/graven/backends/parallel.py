"""Several calls to a backend at once, in threads: each waits for the network, not for us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from graven.backends.base import Backend

T = TypeVar("T")


def run_all(backend: Backend, calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of all calls, in their order; the first error (in that order) is raised.

    One after the other where the backend waits for nobody. An error does not stop the
    calls that have begun; those that have not are left out.
    """
    workers = min(backend.concurrency, len(calls))
    if workers <= 1:
        return [call() for call in calls]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers, thread_name_prefix="graven") as pool:
        futures = [pool.submit(call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise

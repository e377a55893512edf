"""Calls that start at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from graven.errors import GravenError

_T = TypeVar("_T")


def race(calls: list[Callable[[], _T]]) -> list[_T]:
    """Start all calls at one moment, a thread each; their results in order, or an error."""
    results: dict[int, _T] = {}
    errors: list[BaseException] = []
    start = threading.Barrier(len(calls))

    def run(number: int) -> None:
        try:
            start.wait()
            results[number] = calls[number]()
        except (GravenError, AssertionError, OSError, ValueError, TypeError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(calls))]

"""Many writers at once, each a client of its own that saves one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from peers.protocol import Stopwatch

T = TypeVar("T")
Save = Callable[[T], object]


def write_at_once(runs: Sequence[T], writers: int, open_client: Callable[[int], Save[T]]) -> Any:
    """Deal ``runs`` out to ``writers`` threads that begin together.

    Args:
        runs: what is saved.
        writers: how many there are.
        open_client: makes client number N, which knows nothing yet, and returns how it
            saves one run; that raises when the run was refused.
    """
    failures: list[str] = []
    begin = threading.Barrier(writers)

    def work(number: int) -> None:
        begin.wait()
        share = runs[number::writers]
        done = 0
        try:
            save = open_client(number)
            for run in share:
                done += 1
                try:
                    save(run)
                except Exception as error:  # whatever a peer says: it is counted and shown
                    failures.append(f"{type(error).__name__}: {error}")
        except Exception as error:  # it could not even begin
            failures.extend([f"{type(error).__name__}: {error}"] * (len(share) - done))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(writers)]
    with Stopwatch() as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return watch.answer(done=len(runs), failures=failures)

"""A few writes in other threads, while their caller makes the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class WriteBehind:
    """Does what it is given, begun one after the other, at most a few at a time.

    An error of a write is raised by the call that follows it, once all others are over. A
    write that nobody waits for any more comes to its end by itself.

    Args:
        at_once: how many may be under way; 0 does each in the caller's thread.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._threads: deque[threading.Thread] = deque()
        self._error: BaseException | None = None

    def do(self, write: Callable[[], object]) -> None:
        """Begin a write, once there is room for it.

        Raises:
            what a write before raised; this one is not begun then.
        """
        while len(self._threads) >= max(self._at_once, 1):
            self._threads.popleft().join()
        if self._error is not None:
            self.wait()
        if not self._at_once:
            write()
            return
        # No daemon: what is being written when the program ends is written to its end.
        thread = threading.Thread(target=self._run, args=(write,), name="graven-write")
        self._threads.append(thread)
        thread.start()

    def wait(self) -> None:
        """Wait for all writes that are under way.

        Raises:
            what the first of them raised that failed.
        """
        while self._threads:
            self._threads.popleft().join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self, write: Callable[[], object]) -> None:
        try:
            write()
        except BaseException as error:
            self._error = self._error or error

"""One write in another thread, while its caller makes the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable


class WriteBehind:
    """Does what it is given, one after the other, at most one at a time.

    An error of a write is raised by the call that follows it. A write that nobody waits for
    any more comes to its end by itself.

    Args:
        threaded: False does each at once, in the caller's thread.
    """

    def __init__(self, *, threaded: bool) -> None:
        self._threaded = threaded
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def do(self, write: Callable[[], object]) -> None:
        """Begin a write, once the one before is over.

        Raises:
            what the write before raised; this one is not begun then.
        """
        self.wait()
        if not self._threaded:
            write()
            return
        # No daemon: what is being written when the program ends is written to its end.
        self._thread = threading.Thread(target=self._run, args=(write,), name="graven-write")
        self._thread.start()

    def wait(self) -> None:
        """Wait for the write that is under way.

        Raises:
            what it raised.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self, write: Callable[[], object]) -> None:
        try:
            write()
        except BaseException as error:
            self._error = error

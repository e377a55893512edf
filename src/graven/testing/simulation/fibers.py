"""Functions that run only when it is their turn: threads that hand a baton to and fro."""

from __future__ import annotations

import threading
from collections.abc import Callable

BLOCKED_SECONDS = 120.0
"""Nothing that runs for so long is at work: it waits for a lock that a paused one holds."""


class Fiber:
    """A function on a thread of its own, which runs from one `pause` to the next.

    Only one of the two threads ever runs: `resume` waits until the function pauses or
    ends. So whoever resumes decides alone what happens in which order.

    Args:
        body: the function; calls `pause` wherever others may go first.
        name: of the thread, for debuggers.
    """

    def __init__(self, body: Callable[[], None], name: str) -> None:
        self.ended = False
        self._body = body
        self._error: BaseException | None = None
        self._turn = threading.Lock()
        self._back = threading.Lock()
        self._turn.acquire()
        self._back.acquire()
        # A daemon: one that is never resumed again must not hold up the end of the program.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """Let the function run to its next pause; raises what it raises.

        One that has ended does nothing more. Functions must not hold a lock of several of
        them across a pause: the others would wait for it outside of their turn.
        """
        if self.ended:
            return
        self._turn.release()
        if not self._back.acquire(timeout=BLOCKED_SECONDS):
            raise RuntimeError(f"{self._thread.name} waits for a lock that another one holds")
        if self.ended:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def pause(self) -> None:
        """Within the function: wait for the next turn."""
        self._back.release()
        self._turn.acquire()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._body()
        except BaseException as error:
            self._error = error  # raised by `resume`, in the thread that waits for it
        finally:
            self.ended = True
            self._back.release()

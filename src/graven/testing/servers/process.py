"""One server process on loopback: its folder, its log, its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

from graven import clock
from graven.errors import BackendUnavailable

LOOPBACK = "127.0.0.1"
START_SECONDS = 60.0  # far more than any needs on an idle machine; CI is not idle
STOP_SECONDS = 8.0  # the keeper gives the server one
POLL_SECONDS = 0.02
LOG_TAIL = 2000  # characters of its log in the error of a server that did not start


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on, all different.

    Another process may take one before it is used: whoever starts a server tries again.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in sockets]


class ServerProcess:
    """A running command that ends with this process, at the latest.

    Args:
        name: for error messages.
        command: the program and its arguments; it may write into `folder` only.
        folder: the server's own, empty; removed by `stop`.
        env: variables on top of this process's.
    """

    def __init__(self, name: str, command: list[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._folder = folder
        self._owner = os.getpid()
        keeper = Path(__file__).with_name("keeper.py")
        with open(folder / "server.log", "wb") as log:
            # A session of its own, so that ctrl-C in a terminal ends the tests first.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(keeper), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={**os.environ, **env},
                start_new_session=True,
            )
        self._finalizer = weakref.finalize(self, _stop, self._process, folder, self._owner)

    @property
    def pid(self) -> int:
        """The keeper's process id, which is the id of the server's process group."""
        return self._process.pid

    def running(self) -> bool:
        """True while the server lives."""
        return self._process.poll() is None

    def wait_until(self, answers: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait until ``answers()`` is true.

        Raises:
            BackendUnavailable: the server ended, or ``seconds`` have passed; its log is told.
        """
        deadline = clock.monotonic() + seconds
        while not answers():
            if not self.running():
                raise self._failed(f"ended with code {self._process.returncode}")
            if clock.monotonic() > deadline:
                raise self._failed(f"does not answer after {seconds:.0f} s")
            clock.sleep(POLL_SECONDS)

    def log(self) -> str:
        """What the server wrote so far."""
        return (self._folder / "server.log").read_text("utf-8", "replace")

    def _failed(self, how: str) -> BackendUnavailable:
        message = f"{self.name} {how}: {self.log()[-LOG_TAIL:].strip() or 'it said nothing'}"
        return BackendUnavailable(message, kind="server-failed")

    def stop(self) -> None:
        """End the server and remove its folder; a second call does nothing."""
        self._finalizer()


def _stop(process: subprocess.Popen[bytes], folder: Path, owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork of the owner: the server is not its to end
    if process.stdin:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        # A fork of the owner may hold the pipe open, so closing it does not suffice.
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    # What the server writes while it ends may come between the listing and the removal.
    shutil.rmtree(folder, ignore_errors=True)


def temp_folder(name: str) -> Path:
    """A new folder for one server."""
    return Path(tempfile.mkdtemp(prefix=f"graven-{name}-"))

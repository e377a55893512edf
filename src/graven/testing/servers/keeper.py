"""Run one server and end it with its owner: ``python keeper.py COMMAND...``.

The owner holds the other end of standard input. When that closes, whatever became of the
owner (also SIGKILL), the server is terminated, and killed if it has not gone within
`PATIENCE` seconds. When the server ends by itself, so does this. Needs nothing of graven,
so that it starts fast under ``python -I -S``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

PATIENCE = 1.0  # what they hold is thrown away


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _leave_with(child: subprocess.Popen[bytes]) -> None:
    code = child.wait()
    os._exit(code if code >= 0 else 1)  # the main thread sits in a read that nothing ends


def main(command: list[str]) -> None:
    """Start ``command`` and stay until it, or the owner, is gone."""
    # Read end and signals belong to this process; the server gets neither.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _end(child))
    threading.Thread(target=_leave_with, args=(child,), daemon=True).start()
    os.read(0, 1)
    _end(child)


if __name__ == "__main__":
    main(sys.argv[1:])

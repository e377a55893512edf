"""A worker: a process that does timed operations for the benchmark, one JSON line each.

Request ``{"do": "save", ...}``, answer ``{"wall": s, "cpu": s, ...}`` or ``{"error": text}``.
Each peer has its own interpreter and packages, and all peers can take turns, since a
worker waits for the next request. Used on both ends; imports the standard library alone.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent


class Stopwatch:
    """``with Stopwatch() as t``: wall and CPU seconds (user + system, all threads).

    Garbage is collected before the clock starts; the collector runs as the program
    leaves it, since a user's process has it on.
    """

    wall = 0.0
    cpu = 0.0

    def __enter__(self) -> Stopwatch:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = time.process_time() - self._cpu

    def answer(self, **fields: Any) -> dict[str, Any]:
        """The reply to the parent: the times and ``fields``."""
        return {"wall": self.wall, "cpu": self.cpu, **fields}


def serve(operations: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """Answer requests from standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = operations[request.pop("do")](**request)
        except BaseException as error:  # the parent shows it; a worker has no other voice
            answer = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class WorkerError(RuntimeError):
    """The operation failed in the worker; the text is its traceback."""


class Worker:
    """The parent's end of a worker process; ``env`` None: it has the parent's variables."""

    def __init__(
        self, python: str | Path, module: str, env: Mapping[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [str(python), "-m", module],
            cwd=HERE,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Send one request and wait for its answer."""
        if not self.process.stdin or not self.process.stdout:
            raise WorkerError("closed")
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"the worker ended with code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["trace"])
        return answer

    def close(self) -> None:
        """End the worker by ending its input."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(timeout=60)

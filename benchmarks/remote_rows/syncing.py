"""What push, a cold log and a clone cost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Row, Timing
from peers.protocol import Stopwatch
from remote_bench import RemoteBench, counted


def rows(bench: RemoteBench) -> Iterator[Row]:
    n = bench.sizes.runs
    place, client, local = bench.place(), bench.environment(), bench.path("local")
    with bench.graven(client) as worker:
        worker.call("init", url=place)
        worker.call("fill_local", path=local, n=n)
        answer = bench.count(worker, "push", path=local, url=place, keep=True)
        rate = f"{answer['done'] / answer['wall']:,.0f} runs/s"
        yield counted(f"push of {n:,} new runs, no views", answer, 12, rate)
        answer = bench.count(worker, "push", path=local, url=place, keep=True)
        yield counted("push with nothing new, right after it", answer, 2)
    with bench.graven(client) as worker:
        answer = bench.count(worker, "push", path=local, url=place)
        yield counted("push with nothing new, new process", answer, 2)
    with bench.graven() as worker:
        answer = bench.count(worker, "push", path=local, url=place)
        yield counted("push with nothing new, cold client", answer, None, "reads the catalog first")
    answer = _log(bench, place)
    yield counted(f"`graven log -n 20` on {n:,} runs, cold client", answer, 10, "whole process")


def _log(bench: RemoteBench, place: str) -> Timing:
    graven = str(Path(sys.executable).parent / "graven")
    command = [graven, "--store", place, "log", "-n", "20"]
    with bench.counting() as seen, Stopwatch() as watch:
        done = subprocess.run(
            command, env=bench.environment(), check=True, capture_output=True, text=True
        )
    lines = len(done.stdout.splitlines())
    assert lines >= min(20, bench.sizes.runs), done.stdout
    return watch.answer(done=lines, **seen)

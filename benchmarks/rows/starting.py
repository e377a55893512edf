"""How long a command takes from its start to its end, against a bare Python."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import Bench
from measure import Row, Timing, at_most, in_turn, seconds


def rows(bench: Bench) -> Iterator[Row]:
    place = bench.place("start")
    bench.graven.call("fill", path=place, n=bench.sizes.runs)
    graven = str(Path(sys.executable).parent / "graven")
    bare, version, log = in_turn(
        bench.sizes.starts,
        partial(_run, [sys.executable, "-c", "pass"]),
        partial(_run, [graven, "--version"]),
        partial(_run, [graven, "--store", place, "log", "-n", "5"]),
    )
    peer = f"{seconds(bare['wall'])} (`python -c pass`)"
    for name, answer, bar in (("--version", version, 3.0), ("log -n 5", log, 8.0)):
        ratio = answer["wall"] / bare["wall"]
        row = at_most(f"`graven {name}`, whole process", seconds(answer["wall"]), peer, ratio, bar)
        row.cpu_ratio = answer["cpu"] / bare["cpu"]
        row.note = f"median of {bench.sizes.starts}" + (
            f"; store of {bench.sizes.runs:,} runs" if name.startswith("log") else ""
        )
        yield row


def _run(command: list[str], turn: int) -> Timing:
    before, begin = _children(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - begin

    return {"wall": wall, "cpu": _children() - before}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

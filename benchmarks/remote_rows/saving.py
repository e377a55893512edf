"""What it costs to save: one run, a batch, a baseline, and to ask whether all is well."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from measure import Row, Timing, faster, in_turn
from peers.protocol import Stopwatch, Worker
from remote_bench import RemoteBench, counted


def rows(bench: RemoteBench) -> Iterator[Row]:
    place, client = bench.place(), bench.environment()
    with bench.graven(client) as worker:
        worker.call("init", url=place)
        # The settings are asked for once an hour: here, so that the client is warm.
        worker.call("save", url=place, first=0)
    n = bench.sizes.runs
    with bench.graven(client) as worker:
        answer = bench.count(worker, "save", url=place, first=1, views="none", keep=True)
        yield counted("one save, warm client, no view", answer, 2, "new process")
        answer = bench.count(worker, "save", url=place, first=2, views="none", keep=True)
        yield counted("one more save, same handle, no view", answer, 1)
        answer = bench.count(worker, "save", url=place, first=3)
        yield counted("one save, warm client, with its view", answer, 3, "new handle")
    with bench.graven() as worker:
        answer = bench.count(worker, "save", url=place, first=4, views="none")
        yield counted("one save, cold client, no view", answer, 3)
    with bench.graven() as worker:
        answer = bench.count(worker, "save", url=place, first=5)
        yield counted("one save, cold client, with its view", answer, 4)
    with bench.graven(client) as worker:
        answer = bench.count(worker, "batch", url=place, n=n, views="none")
        rate = f"{n / answer['wall']:,.0f} runs/s"
        yield counted(f"batch of {n:,} runs, no views", answer, 5, rate)
        answer = bench.count(worker, "set_baseline", url=place, run=0)
        note = "once a month a machine tries out whether the place compares before it swaps"
        yield counted("first baseline of a machine", answer, None, note)
        answer = bench.count(worker, "set_baseline", url=place, run=1)
        note = "listing, read, a pack with the old value, swap"
        yield counted("baseline moved, warm client", answer, None, note)
    yield _doctor(bench, place)
    yield _both_clients(bench, place)


def _doctor(bench: RemoteBench, place: str) -> Row:
    graven = str(Path(sys.executable).parent / "graven")
    with bench.counting() as seen, Stopwatch() as watch:
        subprocess.run(
            [graven, "doctor", place], env=bench.environment(), check=True, capture_output=True
        )
    return counted("`graven doctor`, cold client", watch.answer(**seen), None, "whole process")


def _both_clients(bench: RemoteBench, place: str) -> Row:
    """The same saves through obstore and through s3fs, without views."""
    count = bench.sizes.singles
    fast = bench.graven(GRAVEN_S3_CLIENT="obstore")
    with fast as obstore, bench.graven(GRAVEN_S3_CLIENT="s3fs") as s3fs:
        workers = (obstore, s3fs)
        for worker in workers:  # connected, and warm
            worker.call("save", url=place, views="none", keep=True)
        with bench.hurried():
            ours, theirs = in_turn(
                bench.sizes.repeats,
                *(partial(_save, worker, place, count) for worker in workers),
            )
    work = f"{count} saves one by one, through obstore against s3fs, no delay"
    row = faster(work, ours, theirs, 0.0, note="both are graven; no views")
    row.bar, row.met = "", None
    return row


def _save(worker: Worker, place: str, count: int, turn: int) -> Timing:
    return worker.call("save", url=place, first=0, count=count, views="none", keep=True)

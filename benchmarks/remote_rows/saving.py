"""What it costs to save: one run, a batch, and a baseline."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Row
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
        note = "whether views are wanted stands in the store's settings: one more look"
        yield counted("one save, cold client, with its view", answer, 4, note)
    with bench.graven(client) as worker:
        answer = bench.count(worker, "batch", url=place, n=n, views="none")
        rate = f"{n / answer['wall']:,.0f} runs/s"
        yield counted(f"batch of {n:,} runs, no views", answer, 5, rate)
        worker.call("set_baseline", url=place, run=0)
        answer = bench.count(worker, "set_baseline", url=place, run=1)
        note = "listing, read, pack with the old value, swap; one listing of names on the first"
        yield counted("baseline moved, warm client", answer, None, note)

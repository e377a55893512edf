"""Many clients that save at once, each one by one: graven beside what else writes to buckets."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Row, Timing
from peers.protocol import Worker
from remote_bench import RemoteBench, counted

FIRST_LOOK = 2.5  # requests of a cold client beside its saves: 120 for 80 saves by 16


def rows(bench: RemoteBench) -> Iterator[Row]:
    writers, each = bench.sizes.writers, bench.sizes.each
    work = f"{writers * each} saves by {writers} cold clients at once"
    with bench.graven() as worker:
        place = bench.place()
        worker.call("init", url=place)
        ours = _write(bench, worker, url=place)
    bar = int(writers * (each + FIRST_LOOK))
    yield counted(f"{work}, no views", ours, bar)
    yield Row(
        f"{work}: refused or lost",
        f"{len(ours['failures'])} refused, {ours['lost']} lost",
        bar="none",
        met=not ours["failures"] and not ours["lost"],
        note="; ".join(ours["failures"][:1]),
    )


def _write(bench: RemoteBench, worker: Worker, url: str) -> Timing:
    sizes = bench.sizes
    folder = bench.path("caches")
    answer = bench.count(
        worker, "write_at_once", url=url, writers=sizes.writers, each=sizes.each, folder=folder
    )
    there = worker.call("kept", url=url, folder=folder)["done"]
    return {**answer, "lost": answer["done"] - len(answer["failures"]) - there}

"""Clients that save at once, each one by one: graven beside what else writes to buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from measure import Row, Timing, seconds
from peers.protocol import Worker, WorkerError
from remote_bench import RemoteBench, counted

FIRST_LOOK = 2.5  # requests of a cold client beside its saves: 120 for 80 saves by 16
PEERS = ("icechunk", "lance", "delta")


def rows(bench: RemoteBench) -> Iterator[Row]:
    writers, each = bench.sizes.writers, bench.sizes.each
    many = f"{writers * each} saves by {writers} cold clients at once"
    one = "one save by a cold client"
    with bench.graven() as worker:
        ours = {count: _graven(bench, worker, *count) for count in ((writers, each), (1, 1))}
    all_of_them, single = ours[writers, each], ours[1, 1]
    yield counted(f"{many}, no views", all_of_them, int(writers * (each + FIRST_LOOK)))
    yield Row(
        f"{many}: refused or lost",
        _outcome(all_of_them),
        bar="none",
        met=not all_of_them["failures"] and not all_of_them["lost"],
        note="; ".join(all_of_them["failures"][:1]),
    )
    for peer in PEERS:
        if peer not in bench.pythons:
            continue
        try:
            with bench.client(bench.pythons[peer], peer) as worker:
                theirs = {count: _peer(bench, worker, *count) for count in ours}
        except WorkerError as error:
            yield Row(f"{many}, against {peer}", "", note=f"{peer}: {str(error)[-200:]}")
            continue
        yield _beside(one, single, theirs[1, 1], peer)
        yield _beside(many, all_of_them, theirs[writers, each], peer)


def _beside(work: str, ours: Timing, theirs: Timing, peer: str) -> Row:
    wall = f"{seconds(ours['wall'])} against {seconds(theirs['wall'])}"
    told = sorted({failure.partition(":")[0] for failure in theirs["failures"]})
    return Row(
        f"{work}, against {peer}",
        f"{ours['requests']:,} requests; {_outcome(ours)}",
        f"{theirs['requests']:,} requests; {_outcome(theirs)}",
        theirs["requests"] / ours["requests"],
        note="; ".join([wall, theirs["methods"], *told]),
    )


def _outcome(answer: Timing) -> str:
    return f"{len(answer['failures'])} refused, {answer['lost']} lost"


def _graven(bench: RemoteBench, worker: Worker, writers: int, each: int) -> Timing:
    place, folder = bench.place(), bench.path("caches")
    worker.call("init", url=place)
    return _write(bench, worker, writers, each, url=place, folder=folder)


def _peer(bench: RemoteBench, worker: Worker, writers: int, each: int) -> Timing:
    bucket = bench.bucket()
    worker.call("init", bucket=bucket)
    return _write(bench, worker, writers, each, bucket=bucket)


def _write(bench: RemoteBench, worker: Worker, writers: int, each: int, **place: Any) -> Timing:
    answer = bench.count(worker, "write", writers=writers, each=each, **place)
    there = worker.call("kept", **place)["done"]
    return {**answer, "lost": answer["done"] - len(answer["failures"]) - there}

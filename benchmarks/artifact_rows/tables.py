"""One table of many runs as a dataset: scanned whole, one column, one run.

Against the tiered store of investing-algorithm-framework, which opens a Parquet file a run.
graven's first scan copies the rows into files of its cache (cold), later ones read those
(warm): both stand here. Every time is that of a new handle on the store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

from artifact_bench import ArtifactBench
from measure import Row, Timing, in_turn, quicker, seconds
from peers.protocol import Worker
from peers.tiered_env import find

SHAPES = [(1000, 100), (1000, 1000)]  # runs, rows of each
QUICK = [(10, 5)]
Action = Callable[[int], Timing]


def rows(bench: ArtifactBench) -> Iterator[Row]:
    with ExitStack() as stack:
        ours = stack.enter_context(closing(Worker(sys.executable, "peers.graven_tables")))
        theirs = _peer(bench, stack)
        for number, (runs, each) in enumerate(QUICK if bench.quick else SHAPES):
            yield from _scans(bench, ours, theirs, runs, each, barred=number == 0)


def _peer(bench: ArtifactBench, stack: ExitStack) -> Worker | None:
    """The tiered store's worker; None (and a line that says why) where it is not installed."""
    if bench.quick:
        return None
    python = find()
    if python is None:
        bench.said.append(
            "investing-algorithm-framework is not installed (python -m peers.tiered_env makes it)"
        )
        return None
    worker = stack.enter_context(closing(Worker(python, "peers.tiered_worker")))
    bench.versions.update(worker.call("version"))
    return worker


def _scans(
    bench: ArtifactBench, ours: Worker, theirs: Worker | None, runs: int, each: int, *, barred: bool
) -> Iterator[Row]:
    size = {"count": runs, "rows": each}
    mine, other = str(bench.place("tables")), str(bench.place("tiered"))
    workers = [(ours, mine)] + ([(theirs, other)] if theirs else [])
    puts = [worker.call("fill", path=place, **size) for worker, place in workers]
    what = f"{runs:,} runs of {each:,} rows"
    note = "graven in one durable transaction; the peer's files are written by pyarrow, unsynced"
    theirs_put = seconds(puts[1]["wall"]) if theirs else ""
    yield Row(f"put tables: {what}", seconds(puts[0]["wall"]), theirs_put, note=note)
    few = {"count": min(runs, 100), "rows": each}
    alone = ours.call("put_alone", path=mine, **few)
    yield Row(f"put {few['count']} tables of {each:,} rows, each durable", seconds(alone["wall"]))

    def ask(worker: Worker, place: str, do: str) -> Action:
        return lambda _: worker.call(do, path=place, **size)

    def compared(work: str, do: str, peers_do: str, bar: float | None, note: str) -> Row:
        asked = [ask(ours, mine, do)] + ([ask(theirs, other, peers_do)] if theirs else [])
        repeats = 1 if bench.quick else max(5, bench.sizes.repeats)
        answers = in_turn(repeats, *asked)
        if theirs is None:
            return Row(f"{work}: {what}", seconds(answers[0]["wall"]), note=note)
        row = quicker(f"{work}: {what}", *answers, bar or 1, note=note)
        if bar is None:
            row.bar, row.met = "", None
        return row

    yield compared("scan, cold", "cold", "scan", None, "the first scan, which makes the segments")
    bar = 10 if barred and not bench.quick else None
    yield compared("scan", "scan", "scan", bar, "warm")
    yield compared("scan one column", "column", "column", None, "warm")
    yield compared("scan for one run", "one", "one", None, "warm")

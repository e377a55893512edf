"""Tensors: thousands of tiny ones, and large ones appended to a run, against mi_crow."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from artifact_bench import MIB, ArtifactBench
from measure import Row, Timing, at_most, in_turn, quicker, seconds, size
from peers.mi_crow_env import find
from peers.protocol import Worker

LENGTH = 16  # float32 of a tiny tensor
LARGE = 2 * MIB // 4  # float32 of a large one
Action = Callable[[int], Timing]


def rows(bench: ArtifactBench) -> Iterator[Row]:
    count, appends = (50, 3) if bench.quick else (5_000, 200)
    with ExitStack() as stack:
        ours = stack.enter_context(closing(Worker(sys.executable, "peers.graven_tensors")))
        theirs = _peer(bench, stack)
        yield from _tiny(bench, ours, theirs, count)
        yield from _appending(bench, ours, theirs, appends)


def _peer(bench: ArtifactBench, stack: ExitStack) -> Worker | None:
    """mi_crow's worker; None (and a line that says why) where it is not installed."""
    if bench.quick:
        return None
    python = find()
    if python is None:
        bench.said.append("mi_crow is not installed (python -m peers.mi_crow_env makes it)")
        return None
    worker = stack.enter_context(closing(Worker(python, "peers.mi_crow_worker")))
    bench.versions.update(worker.call("version"))
    return worker


def _tiny(bench: ArtifactBench, ours: Worker, theirs: Worker | None, count: int) -> Iterator[Row]:
    workers = [worker for worker in (ours, theirs) if worker is not None]
    places: dict[Worker, Path] = {}

    def put(worker: Worker) -> Action:
        def action(_: int) -> Timing:
            if worker in places:
                bench.remove(places[worker])
            places[worker] = bench.place("tensors")
            arguments = {"path": str(places[worker]), "count": count, "length": LENGTH}
            return worker.call("put", **arguments)

        return action

    def ask(worker: Worker, what: str) -> Action:
        return lambda _: worker.call(what, path=str(places[worker]))

    what = f"{count:,} tensors of {4 * LENGTH} B, a batch each"
    repeats = bench.sizes.repeats
    for do, work in (
        ("put", f"put {what}, one transaction"),
        ("list", "list their batches"),
        ("iterate", "read them all"),
    ):
        actions = [put(w) if do == "put" else ask(w, do) for w in workers]
        yield _compared(work, in_turn(repeats, *actions), None if do == "iterate" else 1)
    on_disk = [worker.call("disk", path=str(places[worker])) for worker in workers]
    shown = [f"{size(d['bytes'])} in {d['files']:,} files" for d in on_disk]
    yield Row("their place on disk", *shown)
    bench.remove(*places.values())
    place = bench.place("alone")
    few = count // 10
    alone = ours.call("put_alone", path=str(place), count=few, length=LENGTH)
    note = "each durable when it returns; mi_crow syncs nothing"
    yield Row(f"put {few:,} of them, one transaction each", seconds(alone["wall"]), note=note)
    bench.remove(place)


def _compared(work: str, answers: list[Timing], at_least: float | None) -> Row:
    if len(answers) == 1:
        return Row(work, seconds(answers[0]["wall"]))
    row = quicker(work, *answers, at_least or 1, note="against mi_crow")
    if at_least is None:
        row.bar, row.met = "", None
    return row


def _appending(
    bench: ArtifactBench, ours: Worker, theirs: Worker | None, count: int
) -> Iterator[Row]:
    def act(worker: Worker, do: str) -> Action:
        def action(_: int) -> Timing:
            place = bench.place(do)
            answer = worker.call(do, path=str(place), count=count, length=LARGE)
            bench.remove(place)
            return answer

        return action

    work = f"append {count} tensors of 2 MiB to one run"
    appended, put = in_turn(bench.sizes.repeats, act(ours, "append"), act(ours, "put_large"))
    ratio = appended["wall"] / put["wall"]
    walls = seconds(appended["wall"]), seconds(put["wall"])
    row = at_most(work, *walls, ratio, 3, note="against graven's own put of as many batches")
    if bench.quick:
        row.met = None
    yield row
    if theirs is not None:
        theirs_appended = act(theirs, "append")(0)
        slow = theirs_appended["wall"] / act(theirs, "put_large")(0)["wall"]
        note = f"against mi_crow, once; there {slow:.0f} x its own puts"
        yield quicker(work, appended, theirs_appended, 1, note=note)

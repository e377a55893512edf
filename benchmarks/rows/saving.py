"""Saving: one at a time, in a batch, from many threads and processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import Bench
from measure import Row, Timing, faster, in_turn, rate
from peers import git


def rows(bench: Bench) -> Iterator[Row]:
    yield from _singles(bench)
    yield from _batches(bench)
    yield _threads(bench)
    yield _processes(bench)


def _singles(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.singles
    bench.graven.call("prepare", n=count)

    def durable(turn: int) -> Timing:
        return bench.graven.call("save", path=bench.place(f"single-{turn}"))

    def loose(turn: int) -> Timing:
        repo = Path(bench.place(f"single-{turn}.git"))
        git.init(repo)
        return git.hash_objects(repo, bench.json_files(count))

    def bare(turn: int) -> Timing:
        return bench.graven.call("save", path=bench.place(f"single-{turn}-bare"), views=False)

    def quick(turn: int) -> Timing:
        return bench.graven.call("save", path=bench.place(f"single-{turn}-off"), fsync=False)

    def calibrax(turn: int) -> Timing:
        assert bench.calibrax
        return bench.calibrax.call("save", path=bench.place(f"single-{turn}-calibrax"))

    if bench.git:
        ours, without, theirs = in_turn(bench.sizes.repeats, durable, bare, loose)
        note = "graven also syncs the folder and writes the view; git `hash-object -w`, fsync on"
        yield faster("save one at a time, durable, against git", ours, theirs, 0.6, note=note)
        note = "as above, views off: what both do is one durable object"
        yield faster("save one at a time, durable, no views", without, theirs, 0.6, note=note)
    else:
        ours = in_turn(bench.sizes.repeats, durable)[0]
        yield Row("save one at a time, durable", f"{ours['done'] / ours['wall']:,.0f}/s")
    if bench.calibrax:
        bench.calibrax.call("prepare", n=count)
        ours, theirs = in_turn(bench.sizes.repeats, quick, calibrax)
        yield faster("save one at a time, fsync off, against calibrax", ours, theirs, 1.0)


def _batches(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.runs
    bench.graven.call("prepare", n=count)

    def whole(turn: int) -> Timing:
        return bench.graven.call("batch", path=bench.place("batch-views"), views=True)

    def pack(turn: int) -> Timing:
        return bench.graven.call("batch", path=bench.place("batch"), views=False)

    def calibrax(turn: int) -> Timing:
        assert bench.calibrax
        return bench.calibrax.call("save", path=bench.place("calibrax"))

    def imported(turn: int) -> Timing:
        repo = Path(bench.place("import.git"))
        git.init(repo)
        return git.fast_import(repo, bench.json_files(count))

    actions = [pack, whole]
    if bench.calibrax:
        bench.calibrax.call("prepare", n=count)
        actions.append(calibrax)
    if bench.git:
        actions.append(imported)
    answers = in_turn(bench.sizes.repeats, *actions)
    ours, with_views = answers[:2]
    bar = 10_000
    yield rate(
        "batch into the pack, durable", ours, bar, "runs", note=f"{count:,} runs, one commit"
    )
    if bench.calibrax:
        theirs = answers[2]
        yield faster("batch, views and catalog included, against calibrax", with_views, theirs, 3.0)
        yield faster("batch, no views, against calibrax", ours, theirs, 8.0)
    if bench.git:
        note = "the same JSON as blobs of one pack, synced; reported, no bar"
        row = faster("batch, no views, against git fast-import", ours, answers[-1], 1.0, note=note)
        row.bar, row.met = "", None
        yield row


def _threads(bench: Bench) -> Row:
    threads, count = bench.sizes.threads, bench.sizes.threads * 50
    bench.graven.call("prepare", n=count)

    def many(turn: int) -> Timing:
        place = bench.place(f"threads-{turn}")
        return bench.graven.call("save_threads", path=place, threads=threads)

    def one(turn: int) -> Timing:
        return bench.graven.call("save", path=bench.place(f"threads-one-{turn}"))

    ours, alone = in_turn(bench.sizes.repeats, many, one)
    row = faster(f"{threads} threads saving, against one thread", ours, alone, 1.0)
    row.note, row.bar, row.met = "peer is graven itself; threads share commits", "", None
    return row


def _processes(bench: Bench) -> Row:
    processes, each = bench.sizes.processes, bench.sizes.each
    total = processes * each
    place = bench.place("processes")
    bench.graven.call("fill", path=place, n=0)
    with bench.more_graven(processes) as workers, ThreadPoolExecutor(processes) as pool:
        for number, worker in enumerate(workers):
            worker.call("prepare", n=total, first=number * each, count=each)
        answers = list(pool.map(lambda worker: worker.call("save", path=place), workers))
    kept = bench.graven.call("reindex", path=place)["done"]
    checked = bench.graven.call("fsck", path=place, count=kept)
    lost = total - kept
    slowest = max(answer["wall"] for answer in answers)
    sound = "nothing" if checked["ok"] else "DAMAGE"
    return Row(
        f"{processes} processes x {each} saves at once",
        f"{lost} lost of {total:,}",
        bar="none lost",
        met=lost == 0 and checked["ok"],
        note=f"{total / slowest:,.0f} saves/s together; fsck --full finds {sound}",
    )

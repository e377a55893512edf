"""Many small packs, as single saves make them, merged into one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import graven
from artifact_bench import ArtifactBench
from graven import Run
from measure import Row, Timing, in_turn, rate
from peers.commands import timed
from workload import records

PACKS_A_SECOND = 2_000


def rows(bench: ArtifactBench) -> Iterator[Row]:
    count = 100 if bench.quick else 10_000
    filled = bench.place("small-packs")
    _fill(filled, count)

    def merge(_: int) -> Timing:
        place = bench.place("repack")
        shutil.copytree(filled, place, copy_function=os.link)  # packs are never changed
        timing = timed([sys.executable, "-m", "graven", "--quiet", "-C", place, "repack"])
        (plan,) = (place / "packs").glob("plan-*.condemned")
        assert plan.stat().st_size > 80 * count
        bench.remove(place)
        return {**timing, "done": count}

    (merged,) = in_turn(bench.sizes.repeats, merge)
    work = f"repack {count:,} packs of one run each"
    row = rate(
        work, merged, PACKS_A_SECOND, "packs", note="the whole command, with read-back and sync"
    )
    if bench.quick:
        row.met = None
    yield row
    bench.remove(filled)


def _fill(place: Path, count: int) -> None:
    """Each pack with the environment and the definitions too, as of a process of its own."""
    store = graven.Store(place, durable=False, views="none")
    for record in records(count):
        store.save(Run.from_dict(record))
        store.parts.session._written.clear()  # so that the next save brings them again
    store.close()

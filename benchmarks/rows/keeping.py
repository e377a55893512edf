"""What it costs to keep: bytes on disk, the catalog, the check of everything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import workload
from bench import Bench
from measure import Row, Timing, at_most, in_turn, rate, size
from peers import git


def rows(bench: Bench) -> Iterator[Row]:
    for rounded in (False, True):
        yield from _bytes(bench, rounded)
    yield from _catalog(bench)
    yield _fsck(bench)


def _bytes(bench: Bench, rounded: bool) -> Iterator[Row]:
    runs = bench.sizes.runs
    kind = "4 digits" if rounded else "full doubles"
    place = bench.place(f"bytes-{rounded}")
    bench.graven.call("fill", path=place, n=runs, rounded=rounded)
    disk = bench.graven.call("disk", path=place)
    packs, everything = disk["packs"], disk["packs"] + disk["cache"] + disk["rest"]
    json_bytes = sum(path.stat().st_size for path in bench.json_files(runs, rounded=rounded))
    for what, ours in (("packs alone", packs), ("packs + catalog", everything)):
        row = at_most(
            f"bytes on disk, {kind}, {what}, against calibrax's JSON",
            size(ours),
            size(json_bytes),
            ours / json_bytes,
            1 / 8,
            note=f"{ours / runs:,.0f} B a run against {json_bytes / runs:,.0f}",
        )
        yield _reported(row) if "catalog" in what else row
    if not bench.git:
        return
    repo = Path(bench.place(f"bytes-{rounded}.git"))
    git.init(repo)
    git.fast_import(repo, bench.json_files(runs, rounded=rounded))
    peer = git.packed(repo)
    for what, ours, theirs in (
        ("packs alone, against git's pack", packs, peer["pack"]),
        ("packs + catalog, against git's pack and index", everything, peer["with_index"]),
    ):
        row = at_most(
            f"bytes on disk, {kind}, {what}",
            size(ours),
            size(theirs),
            ours / theirs,
            1.0,
            note="`git repack -adf`, default window and depth",
        )
        yield _reported(row) if "catalog" in what else row


def _reported(row: Row) -> Row:
    """A row without a bar: a catalog of 16 B a value alone is an eighth of calibrax's bytes.

    32 values a run are 512 B of doubles; the catalog is a cache that can be deleted.
    """
    row.bar, row.met = "", None
    return row


def _catalog(bench: Bench) -> Iterator[Row]:
    place = bench.place("catalog")
    bench.graven.call("fill", path=place, n=bench.sizes.runs)
    values = bench.sizes.runs * workload.METRICS_A_RUN

    def build(turn: int) -> Timing:
        return {**bench.graven.call("reindex", path=place), "done": values}

    answer = in_turn(bench.sizes.repeats, build)[0]
    note = "a value is one metric of one point; packs read and decoded anew"
    yield rate("catalog rebuilt from the packs", answer, 1_000_000, "values", note=note)
    per_value = bench.graven.call("disk", path=place)["cache"] / values
    yield Row("catalog on disk", f"{per_value:.1f} B a value", bar="<= 16 B", met=per_value <= 16)


def _fsck(bench: Bench) -> Row:
    place = bench.place("fsck")
    count = bench.sizes.records
    bench.graven.call("records", path=place, count=count, size=1024)
    check = partial(bench.graven.call, "fsck", path=place, count=count)
    answer = in_turn(bench.sizes.repeats, lambda turn: check())[0]
    per_core = {**answer, "wall": max(answer["wall"], answer["cpu"])}
    note = f"{count:,} objects of 1 KiB random bytes; by the larger of wall and CPU time"
    return rate("`fsck --full`, a core", per_core, 100_000, "records", note=note)

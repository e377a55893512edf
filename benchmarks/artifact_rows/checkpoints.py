"""Checkpoints of one training: most tensors stay, some change, the header grows."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

from artifact_bench import MIB, ArtifactBench
from measure import Row, at_most, size
from peers.backup import stored

TENSORS = 32
CHANGED = 4  # of them, in each step


def rows(bench: ArtifactBench) -> Iterator[Row]:
    count, each = bench.sizes.checkpoints, bench.sizes.checkpoint
    store = bench.store()
    repos = [(tool, bench.place(tool.name)) for tool in bench.tools]
    for tool, repo in repos:
        tool.init(repo)
    wall = 0.0
    for number, path in enumerate(_checkpoints(bench)):
        wall += bench.graven("put", store, f"step-{number:02}", path)["wall"]
        for tool, repo in repos:
            tool.put(repo, path)
    ours = stored(store / "packs")
    work = f"{count} checkpoints of {each // MIB} MiB, {CHANGED} of {TENSORS} tensors new in each"
    floor = each + (count - 1) * CHANGED * (each // TENSORS)
    note = f"{size(floor)} differ; {wall / count:.2f} s each"
    yield Row(f"{work}: stored", size(ours), note=note)
    for tool, repo in repos:
        theirs = stored(repo)
        row = at_most(f"{work}: stored", size(ours), size(theirs), ours / theirs, 1)
        row.note = f"against {tool.name}"
        yield row
    bench.remove(store, *(repo for _, repo in repos))


def _checkpoints(bench: ArtifactBench) -> Iterator[Path]:
    """The same file, again and again: what a program overwrites that keeps the last one."""
    chance = random.Random(20261121)
    length = bench.sizes.checkpoint // TENSORS
    tensors = [os.urandom(length) for _ in range(TENSORS)]
    path = bench.place("checkpoint")
    for step in range(bench.sizes.checkpoints):
        header = b'{"history": [' + b", ".join(b"%d" % n for n in range(step * 10)) + b"]}"
        path.write_bytes(header + b"".join(tensors))
        yield path
        for number in chance.sample(range(TENSORS), CHANGED):
            tensors[number] = os.urandom(length)
    bench.remove(path)

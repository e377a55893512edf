"""A clone of all runs, beside copies of one JSON file a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import workload
from measure import Row, Timing, seconds
from peers.dvc import Dvc
from peers.protocol import Stopwatch
from remote_bench import RemoteBench, counted

AT_LEAST = 20.0
Action = Callable[[int], Timing]


def rows(bench: RemoteBench) -> Iterator[Row]:
    n = bench.sizes.runs
    files = Path(bench.path("json"))
    files.mkdir()
    for record in workload.records(n):
        (files / f"{record['id']}.json").write_text(json.dumps(record, indent=2))
    place, bucket = bench.place(), bench.bucket()
    with bench.graven() as graven, bench.client(sys.executable, "s3fs") as s3fs:
        with bench.hurried():
            graven.call("init", url=place)
            graven.call("batch", url=place, n=n, views="none")
            s3fs.call("upload", folder=str(files), bucket=bucket)

        def clone(turn: int, views: str = "none") -> Timing:
            with bench.graven() as worker:
                path = bench.path("clone")
                return bench.count(worker, "clone", url=place, path=path, views=views)

        def copy(turn: int) -> Timing:
            folder = bench.path("copy")
            answer = bench.count(s3fs, "download", bucket=bucket, folder=folder)
            return {**answer, "done": len([*Path(folder).iterdir()])}

        peers: dict[str, Action] = {"s3fs": copy}
        if "dvc" in bench.pythons:
            peers["dvc pull"] = _dvc(bench, files)
        # Peers need a minute or more: one turn of each, between ours.
        clones, answers = [clone(0)], {}
        for peer, action in peers.items():
            answers[peer] = action(0)
            clones.append(clone(0))
        with_views = clone(0, views="all")
    ours = sorted(clones, key=lambda answer: answer["wall"])[len(clones) // 2]
    yield counted(f"clone of {n:,} runs, no views", ours, None, f"median of {len(clones)}")
    yield counted(f"clone of {n:,} runs, with their views", with_views, None, "a file a run")
    for peer, theirs in answers.items():
        against = f"against {peer} of as many JSON files"
        yield _beside(f"clone of {n:,} runs, no views, {against}", ours, theirs)
        yield _beside(f"clone of {n:,} runs, with their views, {against}", with_views, theirs)


def _beside(work: str, ours: Timing, theirs: Timing) -> Row:
    ratio = theirs["wall"] / ours["wall"]
    whole = ours["done"] == theirs["done"]
    return Row(
        work,
        seconds(ours["wall"]),
        seconds(theirs["wall"]),
        ratio,
        f">= {AT_LEAST:g} x",
        ratio >= AT_LEAST if whole else False,
        theirs["cpu"] / ours["cpu"] if "cpu" in theirs else None,
        note=f"{ours['requests']:,} requests against {theirs['requests']:,}",
    )


def _dvc(bench: RemoteBench, files: Path) -> Action:
    source = Path(bench.path("dvc"))
    pushed = Dvc(bench.pythons["dvc"], bench.environment(), bench.bucket())
    bench.versions["dvc"] = pushed.version()
    with bench.hurried():
        pushed.push(source, files)

    def pull(turn: int) -> Timing:
        home = Path(bench.path("dvc-pull"))
        puller = Dvc(pushed.python, bench.environment(), pushed.bucket)
        puller.prepare_pull(source, home)
        with bench.counting() as seen, Stopwatch() as watch:
            puller.pull(home)
        return {"wall": watch.wall, "done": len([*(home / "data").iterdir()]), **seen}

    return pull

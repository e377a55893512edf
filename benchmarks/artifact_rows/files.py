"""One large file: put, put again, changed, read back, and the memory that it takes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from artifact_bench import MIB, ArtifactBench
from measure import Row, Timing, in_turn, quicker, seconds, size
from peers.backup import Borg, Restic, stored
from peers.commands import timed

MAX_PEAK = 100_000_000
Action = Callable[[int], Timing]


def rows(bench: ArtifactBench) -> Iterator[Row]:
    source = bench.noise(bench.sizes.file)
    yield from _putting(bench, source)
    yield from _changing(bench, source)
    yield from _reading(bench, source)
    bench.remove(source)
    yield from _memory(bench)


def _named(bench: ArtifactBench, what: str) -> str:
    return f"{what} {bench.sizes.file // MIB:,} MiB"


def _putting(bench: ArtifactBench, source: Path) -> Iterator[Row]:
    def ours(_: int) -> Timing:
        store = bench.store()
        answer = bench.graven("put", store, "x", source)
        bench.remove(store)
        return answer

    def copy(_: int) -> Timing:
        target = bench.place("copy")
        hashed = f" && b3sum {target}" if bench.b3sum else ""
        answer = timed(["sh", "-c", f"cp {source} {target} && sync {target}{hashed}"])
        bench.remove(target)
        return answer

    first, *others = in_turn(
        bench.sizes.repeats, ours, copy, *(_backup(bench, tool, source) for tool in bench.tools)
    )
    work = _named(bench, "put a random file of")
    yield quicker(work, first, others[0], 0.5, note="against cp, fsync, b3sum")
    for tool, theirs in zip(bench.tools, others[1:], strict=True):
        yield _compared(work, first, theirs, tool, 5 if tool.name == "restic" else None)


def _backup(bench: ArtifactBench, tool: Restic | Borg, source: Path) -> Action:
    def backup(_: int) -> Timing:
        repo = bench.place(tool.name)
        tool.init(repo)
        answer = tool.put(repo, source)
        bench.remove(repo)
        return answer

    return backup


def _compared(
    work: str, ours: Timing, theirs: Timing, tool: Restic | Borg, at_least: float | None
) -> Row:
    if at_least is not None:
        return quicker(work, ours, theirs, at_least, note=f"against {tool.name}")
    row = quicker(work, ours, theirs, 1, note=f"against {tool.name}")
    row.bar, row.met = "", None
    return row


def _changing(bench: ArtifactBench, source: Path) -> Iterator[Row]:
    """The same file again, and with one stretch of 1% changed and 1 KiB put in before it."""
    changed = _changed(bench, source)
    store = bench.store()
    bench.graven("put", store, "x", source)
    same = bench.graven("put", store, "x", source)
    yield Row(
        "put it again, unchanged",
        f"{size(same['new'])} new, {seconds(same['wall'])}",
        bar="0 B",
        met=same["new"] == 0,
    )
    answer = bench.graven("put", store, "x", changed)
    share = answer["new"] / answer["size"]
    work = "1% changed in one place, 1 KiB inserted"
    yield Row(f"{work}: new bytes", f"{share:.2%}", bar="<= 3%", met=bench.quick or share <= 0.03)
    for tool in bench.tools:
        repo = bench.place(tool.name)
        tool.init(repo)
        tool.put(repo, source)
        before = stored(repo)
        theirs = tool.put(repo, changed)
        grown = (stored(repo) - before) / changed.stat().st_size
        row = quicker(work, answer, theirs, 1, note=f"against {tool.name}, {grown:.2%} new")
        yield row
        bench.remove(repo)
    bench.remove(store, changed)


def _changed(bench: ArtifactBench, source: Path) -> Path:
    changed = bench.place("changed")
    whole = source.stat().st_size
    with source.open("rb") as old, changed.open("wb") as new:
        _copy_bytes(old, new, whole // 4)
        new.write(os.urandom(1024))
        _copy_bytes(old, new, whole // 4)
        new.write(os.urandom(whole // 100))
        old.seek(whole // 100, os.SEEK_CUR)
        shutil.copyfileobj(old, new, 16 * MIB)
    return changed


def _copy_bytes(old: BinaryIO, new: BinaryIO, count: int) -> None:
    while count:
        piece = old.read(min(count, 16 * MIB))
        new.write(piece)
        count -= len(piece)


def _reading(bench: ArtifactBench, source: Path) -> Iterator[Row]:
    store = bench.store()
    bench.graven("put", store, "x", source)

    def ours(_: int) -> Timing:
        target = bench.place("out")
        answer = bench.graven("get", store, "x", target)
        bench.remove(target)
        return answer

    def copy(_: int) -> Timing:
        target = bench.place("copy")
        answer = timed(["cp", source, target])
        bench.remove(target)
        return answer

    first, theirs = in_turn(bench.sizes.repeats, ours, copy)
    work = "read it back into a file"
    yield quicker(work, first, theirs, 0.5, note="against cp; `export`, each chunk verified")
    for tool in bench.tools:
        repo, target = bench.place(tool.name), bench.place("restored")
        tool.init(repo)
        tool.put(repo, source)
        yield _compared(work, first, tool.get(repo, target), tool, None)
        bench.remove(repo, target)
    bench.remove(store)


def _memory(bench: ArtifactBench) -> Iterator[Row]:
    source = _mixed(bench)
    store, target = bench.store(), bench.place("out")
    put = bench.graven("put", store, "x", source)
    get = bench.graven("get", store, "x", target)
    gib = bench.sizes.large / MIB
    for work, answer in (("put", put), ("read back", get)):
        yield Row(
            f"{work} {gib:,.0f} MiB of noise, holes and text: peak memory",
            f"{size(answer['peak'])}, {seconds(answer['wall'])}",
            bar="<= 100 MB",
            met=answer["peak"] <= MAX_PEAK,
        )
    bench.remove(source, store, target)


def _mixed(bench: ArtifactBench) -> Path:
    path = bench.place("mixed")
    part = bench.sizes.large // 8
    text = b"".join(b"%d %d\n" % (n, n * n % 7919) for n in range(200_000))
    with path.open("wb") as out:
        for number in range(8):
            if number % 4 == 1:
                out.seek(part, os.SEEK_CUR)
                continue
            for start in range(0, part, 4 * MIB):
                length = min(4 * MIB, part - start)
                noise = os.urandom(length) if number % 4 != 3 else os.urandom(length // 8)
                out.write((noise + text * (length // len(text) + 1))[:length])
        out.truncate(bench.sizes.large)
    return path

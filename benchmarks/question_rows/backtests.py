"""Backtests with 55 numbers each: indexed, found unchanged, listed, ranked.

Against investing-algorithm-framework. Its bundles are files that it reads again for an index;
graven's runs lie in packs, from which the catalog is made. Both begin with no index.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from measure import Row, Timing, in_turn, quicker, seconds, size
from peers.protocol import Worker
from question_bench import LARGE, QuestionBench, quickest

FLAT = 1.5


def rows(bench: QuestionBench) -> Iterator[Row]:
    if bench.framework is None:
        return
    count = bench.sizes.backtests
    ours, theirs = bench.place("backtests"), bench.place("bundles")
    bench.backtests.call("fill", path=str(ours), count=count)
    toy = bench.framework.call("fill_toy", path=str(theirs), count=count)
    pair = _Pair(bench, bench.framework, ours, theirs)
    what = f"{count:,} backtests x 55 numbers"
    note = f"bundles of {size(toy['bytes'])}; labels and values"
    yield pair.row("cold", f"index cold: {what}, toy bundles", 5, note, turns=3)
    yield pair.row("refresh", "nothing new", 50, "new handle; the peer looks at each file")
    yield pair.row("top", f"top 20 of {count:,}", 5)
    yield pair.row("rank", f"weighted rank over 55 metrics of {count:,} runs", 20)
    bench.remove(theirs)
    yield from _flat(bench, ours)
    bench.remove(ours)
    yield from _real(bench)


class _Pair:
    """The same operation on both sides, in turns."""

    def __init__(self, bench: QuestionBench, framework: Worker, ours: Path, theirs: Path) -> None:
        self.bench, self.framework = bench, framework
        self.ours, self.theirs = str(ours), str(theirs)

    def times(self, operation: str, turns: int) -> tuple[Timing, Timing]:
        def ask(_: int) -> Timing:
            return self.bench.backtests.call(operation, path=self.ours)

        def peer(_: int) -> Timing:
            return self.framework.call(operation, path=self.theirs)

        first, second = in_turn(min(turns, self.bench.sizes.repeats), ask, peer)
        if "names" in second and first["names"] != second["names"]:
            raise RuntimeError(f"graven and its peer disagree about {operation}")
        return first, second

    def row(self, operation: str, work: str, bar: float, note: str = "", turns: int = 5) -> Row:
        first, second = self.times(operation, turns)
        again = f"again on the open store {seconds(first['again'])}" if "again" in first else ""
        return quicker(work, first, second, bar, note="; ".join(filter(None, (note, again))))


def _flat(bench: QuestionBench, small: Path) -> Iterator[Row]:
    """The same question of many more: graven against itself, and what the peer takes."""
    count = LARGE if bench.large else bench.sizes.more_backtests
    large, index = bench.place("many-backtests"), bench.place("many-rows")
    bench.backtests.call("fill", path=str(large), count=count)
    assert bench.framework
    bench.framework.call("fill_index", path=str(index), count=count)

    def ask(path: Path) -> Timing:
        answer = bench.backtests.call("top", path=str(path))
        return {**answer, "wall": answer["again"], "new": answer["wall"]}

    at_small, at_large = quickest(bench.sizes.repeats, lambda _: ask(small), lambda _: ask(large))
    ratio = at_large["wall"] / at_small["wall"]
    yield Row(
        f"top 20 of {count:,} against {bench.sizes.backtests:,}",
        seconds(at_large["wall"]),
        seconds(at_small["wall"]),
        ratio,
        f"<= {FLAT:g} x",
        ratio <= FLAT,
        note=f"both are graven, open stores; {seconds(at_large['new'])} by a new handle",
    )
    yield _Pair(bench, bench.framework, large, index).row("top", f"top 20 of {count:,}", 5)
    bench.remove(large, index)


def _real(bench: QuestionBench) -> Iterator[Row]:
    """Bundles with a year and more of hourly snapshots; graven keeps those as tables."""
    count, snapshots = bench.sizes.real, bench.sizes.snapshots
    ours, theirs = bench.place("real"), bench.place("real-bundles")
    kept = bench.backtests.call("fill", path=str(ours), count=count, snapshots=snapshots)
    assert bench.framework
    bundle = bench.framework.call("fill_real", path=str(theirs), count=count, snapshots=snapshots)
    first, second = _Pair(bench, bench.framework, ours, theirs).times("cold", 1)
    scale = bench.sizes.backtests / count
    yield quicker(
        f"index cold: {count} backtests of real shape, {snapshots:,} snapshots each",
        first,
        second,
        500,
        note=f"bundles of {size(bundle['bytes'])}, {size(kept['bytes'])} a run in graven;"
        f" for {bench.sizes.backtests:,} that is {seconds(second['wall'] * scale)} (extrapolated)"
        f" and at most {seconds(first['wall'] * scale)}",
    )
    bench.remove(ours, theirs)

"""Change points of a long series."""

from __future__ import annotations

from collections.abc import Iterator

from measure import Row, seconds
from question_bench import QuestionBench, quickest, within

SOON = 0.2
EVERY = 20  # values between steps, where there are any


def rows(bench: QuestionBench) -> Iterator[Row]:
    count = bench.sizes.series
    noise, moved = quickest(
        bench.sizes.repeats,
        lambda _: bench.graven.call("steps", values=count),
        lambda _: bench.graven.call("steps", values=count, every=EVERY),
    )
    for found, what in ((noise, "noise"), (moved, f"a step every {EVERY} values")):
        yield within(
            f"change points of {count:,} values, {what}",
            seconds(found["wall"]),
            f"<= {SOON:g} s",
            found["wall"] <= SOON,
            f"{found['rows']} found; {seconds(found['cpu'])} of CPU",
        )

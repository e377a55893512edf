"""What people ask all day, on an open store, at two sizes that differ tenfold."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from measure import Row, Timing, seconds
from question_bench import QuestionBench, quickest

TITLES = {
    "log": "`log -n 20`",
    "latest": "`latest()`",
    "filter": "`select(branch, metric and tag, limit=20)`",
    "series": "the last 100 points of a series",
    "top": "`top(metric, 20)`",
}
FLAT = 1.5
SOON = 0.005
FIRSTS = ("throughput", "peak_memory", "energy")


def rows(bench: QuestionBench) -> Iterator[Row]:
    small, large = bench.store(bench.sizes.runs), bench.store(bench.sizes.many)
    for question, title in TITLES.items():
        at_small, at_large = quickest(
            max(9, bench.sizes.repeats) if bench.sizes.repeats > 1 else 1,
            partial(_ask, bench, question, small),
            partial(_ask, bench, question, large),
        )
        ratio = at_large["wall"] / at_small["wall"]
        soon = "" if at_large["wall"] <= SOON else "more than 5 ms; "
        yield Row(
            f"{title}: {bench.sizes.many:,} runs against {bench.sizes.runs:,}",
            seconds(at_large["wall"]),
            seconds(at_small["wall"]),
            ratio,
            f"<= {FLAT:g} x",
            ratio <= FLAT,
            at_large["cpu"] / at_small["cpu"],
            f"{soon}{at_large['rows']} rows; both are graven",
        )
    yield _first(bench, large)


def _ask(bench: QuestionBench, question: str, place: str, turn: int) -> Timing:
    return bench.graven.call("ask", path=place, question=question)


def _first(bench: QuestionBench, place: str) -> Row:
    """Of several metrics that nobody has asked for: each makes a ranking of its own."""
    made = [bench.graven.call("first", path=place, metric=metric) for metric in FIRSTS]
    best = min(made, key=lambda answer: answer["cpu"])
    return Row(
        f"the first question by a metric, {bench.sizes.many:,} runs",
        seconds(best["wall"]),
        note=f"{seconds(best['cpu'])} of CPU; its ranking is made, and kept from then on",
    )

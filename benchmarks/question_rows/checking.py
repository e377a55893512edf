"""The gate on a suite that has a history."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from measure import Row, in_turn, seconds
from peers.commands import timed
from question_bench import QuestionBench, within

SOON = 1.0


def rows(bench: QuestionBench) -> Iterator[Row]:
    points, history = bench.sizes.suite, bench.sizes.history
    place = bench.place("suite")
    bench.graven.call(
        "fill_suite", path=str(place), runs=history + 1, points=points, metrics=1, samples=5
    )
    command = f"{sys.executable} -m graven -C {place} check > /dev/null || test $? = 1"
    inside, whole = in_turn(
        bench.sizes.repeats,
        lambda _: bench.graven.call("check", path=str(place)),
        lambda _: timed(["sh", "-c", command]),
    )
    work = f"`check`: {points} points, {history} runs of history"
    for found, how in ((inside, "in-process, new handle"), (whole, "whole process")):
        yield within(
            f"{work}, {how}",
            seconds(found["wall"]),
            f"<= {SOON:g} s",
            found["wall"] <= SOON,
            f"{seconds(found['cpu'])} of CPU",
        )
    bench.remove(place)

"""Questions: what grows with the answer, and what reads the whole store.

A time is that of a new handle: open the store, bring the catalog up to date, answer.
The second answer on the same handle stands in the note. In each turn graven is asked up to
nine times and gives the median; calibrax, which takes seconds, is asked once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench import Bench
from measure import Row, Timing, in_turn, quicker, seconds

QUESTIONS = {
    "latest": "`latest()`",
    "query": "`query(tag)`",
    "branch": "`headers(branch=)` against `list_runs(branch)`",
    "trend": "`extract_trend(n_runs=100)`",
}
FLAT = 2.0  # what counts as flat when the store grows tenfold


def rows(bench: Bench) -> Iterator[Row]:
    small, large, theirs = (bench.place(name) for name in ("ask", "ask-many", "ask-calibrax"))
    bench.graven.call("fill", path=small, n=bench.sizes.runs)
    bench.graven.call("fill", path=large, n=bench.sizes.many)
    if bench.calibrax:
        bench.calibrax.call("prepare", n=bench.sizes.runs)
        bench.calibrax.call("save", path=theirs)
    for question, title in QUESTIONS.items():
        ours = partial(_ask, bench, question, small)
        if bench.calibrax:
            answer, peer = in_turn(
                bench.sizes.repeats, ours, partial(_ask_calibrax, bench, question, theirs)
            )
            note = f"{answer['rows']} rows; again on the open store {seconds(answer['again'])}"
            if answer["rows"] != peer["rows"]:
                note += f"; the peer answered {peer['rows']} rows"
            yield quicker(title, answer, peer, 500, note=note)
        yield _flat(bench, question, title, small, large)
    if bench.calibrax:
        answer, peer = in_turn(
            bench.sizes.repeats,
            partial(_ask, bench, "list_runs", small),
            partial(_ask_calibrax, bench, "list_runs", theirs),
        )
        yield quicker("full `list_runs()`", answer, peer, 3, note=f"{answer['rows']:,} Run objects")


def _ask(bench: Bench, question: str, place: str, turn: int) -> Timing:
    return bench.graven.call(question, path=place)


def _ask_calibrax(bench: Bench, question: str, place: str, turn: int) -> Timing:
    assert bench.calibrax
    return bench.calibrax.call(question, path=place)


def _flat(bench: Bench, question: str, title: str, small: str, large: str) -> Row:
    at_small, at_large = in_turn(
        max(5, bench.sizes.repeats) if bench.sizes.repeats > 1 else 1,
        partial(_ask, bench, question, small),
        partial(_ask, bench, question, large),
    )
    ratio = at_large["wall"] / at_small["wall"]
    work = title.partition(" against")[0]
    return Row(
        f"{work}: {bench.sizes.many:,} runs against {bench.sizes.runs:,}",
        seconds(at_large["wall"]),
        seconds(at_small["wall"]),
        ratio,
        f"flat (<= {FLAT:g} x)",
        ratio <= FLAT,
        at_large["cpu"] / at_small["cpu"],
        f"{at_large['rows']} rows; both are graven",
    )

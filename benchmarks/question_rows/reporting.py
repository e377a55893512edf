"""A report as one page: made, and shown by a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from measure import Row, in_turn, seconds, size
from peers.chromium import Chromium
from question_bench import QuestionBench, within

SOON, PAINTED = 3.0, 1.0
MOST = 3_000_000


def rows(bench: QuestionBench) -> Iterator[Row]:
    place, page = bench.place("reported"), bench.place("report.html")
    sizes = bench.sizes
    bench.graven.call(
        "fill_suite",
        path=str(place),
        runs=sizes.report_runs,
        points=sizes.report_points,
        metrics=4,
    )
    (made,) = in_turn(
        sizes.repeats,
        lambda _: bench.graven.call("report", path=str(place), target=str(page)),
    )
    work = f"`report` on {made['shape']}"
    yield within(
        f"{work}: gathered and drawn",
        seconds(made["wall"]),
        f"<= {SOON:g} s",
        made["wall"] <= SOON,
        f"{seconds(made['cpu'])} of CPU; drawn in {seconds(made['rendering'])}; new handle",
    )
    yield within(f"{work}: the file", size(made["size"]), "<= 3 MB", made["size"] <= MOST)
    if bench.chromium:
        yield _painted(bench, work, page)
    bench.remove(place, page)


def _painted(bench: QuestionBench, work: str, page: Path) -> Row:
    with Chromium(bench.chromium or "") as browser:
        bench.versions["chromium"] = browser.version
        (found,) = in_turn(bench.sizes.repeats, lambda _: browser.open(page))
    return within(
        f"{work}: first paint",
        seconds(found["wall"]),
        f"<= {PAINTED:g} s",
        found["wall"] <= PAINTED,
        f"Chromium without a window; loaded after {seconds(found['loaded'])}",
    )

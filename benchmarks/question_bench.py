"""What all rows on questions share: sizes, scratch places, workers, the quickest of several."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from measure import Row, Timing
from peers.protocol import Worker


@dataclass(frozen=True)
class Sizes:
    """How much work.

    Attributes:
        runs, many: of the two stores that are asked the same.
        backtests: of the index; real: bundles of real shape, each with so many snapshots.
        more_backtests: of the index that shows whether its answers stay flat.
        series: values in which change points are looked for.
        suite, history: points of the suite that is checked, and runs before.
        report_runs, report_points: of the report; four series a point.
        result_files: of the large export to asv.
        repeats: turns.
    """

    runs: int = 10_000
    many: int = 100_000
    backtests: int = 12_500
    real: int = 200
    snapshots: int = 21_904
    more_backtests: int = 100_000
    series: int = 10_000
    suite: int = 500
    history: int = 30
    report_runs: int = 1_000
    report_points: int = 25
    result_files: int = 9_350
    repeats: int = 5


QUICK = Sizes(
    runs=40,
    many=80,
    backtests=30,
    real=3,
    snapshots=40,
    more_backtests=60,
    series=200,
    suite=5,
    history=12,
    report_runs=8,
    report_points=2,
    result_files=0,
    repeats=1,
)
LARGE = 500_000  # backtests, with --large


@dataclass
class QuestionBench:
    """One run of the benchmark.

    Attributes:
        folder: scratch space.
        graven: the worker that asks graven; backtests: the one that has graven's backtests.
        framework, mlflow: the peers' workers, where they are installed.
        chromium, asv: executables, where they are.
        samples: the folder of a real asv project: ``results/benchmarks.json`` and machines.
        large: what takes many minutes is done as well.
        quick: tiny sizes, no verdict.
        said: what was skipped, and why; shown above the table.
    """

    folder: Path
    sizes: Sizes
    graven: Worker
    backtests: Worker
    framework: Worker | None = None
    mlflow: Worker | None = None
    chromium: str | None = None
    asv: str | None = None
    samples: Path | None = None
    large: bool = False
    quick: bool = False
    said: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))
    _filled: dict[int, str] = field(default_factory=dict)

    def place(self, name: str) -> Path:
        """A path in the scratch folder where nothing is."""
        return self.folder / f"{next(self._numbers):03d}-{name}"

    def store(self, runs: int) -> str:
        """A store with so many runs of the workload; filled once."""
        if runs not in self._filled:
            self._filled[runs] = str(self.place(f"runs-{runs}"))
            self.graven.call("fill", path=self._filled[runs], n=runs)
        return self._filled[runs]

    def remove(self, *paths: Path) -> None:
        """Make room."""
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def quickest(repeats: int, *actions: Callable[[int], Timing]) -> list[Timing]:
    """Do the actions A B A B ..., and give each one's quickest answer, by both clocks.

    For questions of milliseconds of which one ratio is the answer: a median would say how
    busy the machine was, since others push both by different amounts.
    """
    answers: list[list[Timing]] = [[] for _ in actions]
    for turn in range(repeats):
        for action, kept in zip(actions, answers, strict=True):
            kept.append(action(turn))
    found = []
    for kept in answers:
        best = dict(min(kept, key=lambda answer: answer["wall"]))
        best["cpu"] = min(answer["cpu"] for answer in kept)
        found.append(best)
    return found


def within(work: str, figure: str, bar: str, met: bool, note: str = "") -> Row:
    """A row of graven alone with an absolute bar."""
    return Row(work, figure, bar=bar, met=met, note=note)

"""What all rows share: sizes, scratch places, workers, the JSON files that peers read."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import workload
from peers.protocol import Worker


@dataclass(frozen=True)
class Sizes:
    """How much work.

    Attributes:
        runs: of the store that batches, questions and bytes are measured on.
        many: of the store that shows whether answers stay flat.
        singles: saves one at a time.
        records: 1 KB objects for fsck.
        processes, each: writers at once, and the saves of each.
        threads: of one store that save at once.
        repeats, starts: turns; turns for the start of a process.
    """

    runs: int = 10_000
    many: int = 100_000
    singles: int = 1_000
    records: int = 200_000
    processes: int = 16
    each: int = 100
    threads: int = 16
    repeats: int = 3
    starts: int = 15


QUICK = Sizes(
    runs=50, many=100, singles=20, records=200, processes=2, each=5, threads=2, repeats=1, starts=1
)


@dataclass
class Bench:
    """One run of the benchmark.

    Attributes:
        folder: scratch space; everything measured lies on its file system.
        graven: the worker that runs graven.
        calibrax: the worker that runs calibrax, or None where it cannot be had.
        git: whether git is measured.
    """

    folder: Path
    sizes: Sizes
    graven: Worker
    calibrax: Worker | None
    git: bool
    _places: int = 0
    _made: dict[tuple[int, bool], list[Path]] = field(default_factory=dict)

    def place(self, name: str) -> str:
        """A path in the scratch folder where nothing is.

        Nothing is deleted before the end: ext4 does not hand out the inodes of files that
        were deleted in the last seconds, and making files beside many such inodes costs
        ten times as much, for graven and peers alike.
        """
        self._places += 1
        return str(self.folder / f"{self._places:03d}-{name}")

    def json_files(self, n: int, *, rounded: bool = False) -> list[Path]:
        """The workload as JSON files, byte for byte as calibrax writes them."""
        if (n, rounded) not in self._made:
            folder = self.folder / f"json-{n}-{rounded}"
            folder.mkdir()
            files = []
            for record in workload.records(n, rounded=rounded):
                files.append(folder / f"{record['id']}.json")
                files[-1].write_text(json.dumps(record, indent=2))
            self._made[n, rounded] = files
        return self._made[n, rounded]

    @contextlib.contextmanager
    def more_graven(self, count: int) -> Iterator[list[Worker]]:
        """``count`` further graven processes."""
        workers = [Worker(sys.executable, "peers.graven_worker") for _ in range(count)]
        try:
            yield workers
        finally:
            for worker in workers:
                worker.close()

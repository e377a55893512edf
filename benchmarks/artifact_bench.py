"""What all rows on artifacts share: sizes, scratch places, files of noise, the peers."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers.backup import Borg, Restic
from peers.commands import timed

MIB = 1024 * 1024


@dataclass(frozen=True)
class Sizes:
    """How much work.

    Attributes:
        file: bytes of the file that is put, changed and read.
        large: bytes of the file whose memory is looked at.
        checkpoints, checkpoint: how many, and bytes of each.
        remote: bytes of the file on a bucket; reads: places that are read in it.
        repeats: turns.
    """

    file: int = 1024 * MIB
    large: int = 4096 * MIB
    checkpoints: int = 20
    checkpoint: int = 64 * MIB
    remote: int = 1024 * MIB
    reads: int = 50
    repeats: int = 3


QUICK = Sizes(
    file=6 * MIB,
    large=8 * MIB,
    checkpoints=3,
    checkpoint=4 * MIB,
    remote=5 * MIB,
    reads=4,
    repeats=1,
)


@dataclass
class ArtifactBench:
    """One run of the benchmark.

    Attributes:
        folder: scratch space; all that is measured lies on its file system.
        tools: backup programs that are installed; none of them with ``--no-peers``.
        b3sum: whether the copy that graven is compared with can be hashed.
        quick: tiny sizes, no verdict: what takes long to set up may be left out.
        said: what was skipped, and why; shown above the table.
    """

    folder: Path
    sizes: Sizes
    tools: Sequence[Restic | Borg]
    b3sum: bool
    quick: bool = False
    said: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def place(self, name: str) -> Path:
        """A path in the scratch folder where nothing is."""
        return self.folder / f"{next(self._numbers):03d}-{name}"

    def noise(self, size: int, name: str = "noise") -> Path:
        """A new file of random bytes, on disk and in the system's cache."""
        path = self.place(name)
        with path.open("wb") as out:
            for start in range(0, size, 16 * MIB):
                out.write(os.urandom(min(16 * MIB, size - start)))
            os.fsync(out.fileno())
        return path

    def store(self) -> Path:
        """A new local store with a run in it."""
        path = self.place("store")
        self.graven("init", path)
        return path

    def graven(self, *arguments: str | Path) -> dict[str, Any]:
        """One command of `peers.graven_files` in a process of its own."""
        answer = timed([sys.executable, "-m", "peers.graven_files", *arguments])
        return {**answer, **json.loads(answer["said"])}

    def tool(self, name: str) -> Restic | Borg | None:
        """A backup program, if it is there."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def remove(self, *paths: Path) -> None:
        """Make room, and let the disk come to rest, so that the next turn has it to itself."""
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        os.sync()

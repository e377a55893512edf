"""Whole processes as peers: wall, CPU and peak memory, as the system counts them."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent


def timed(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
) -> dict[str, Any]:
    """Run a command to its end: ``wall``, ``cpu``, ``peak`` (bytes) and what it ``said``.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    variables = {**os.environ, **(env or {})}
    with tempfile.TemporaryFile() as out:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd or HERE,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {said}")
    return {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "said": said,
    }


def bytes_under(folder: str | Path) -> int:
    """The sizes of all files in a folder, added up."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
